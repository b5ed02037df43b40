"""What is wrong in the files of flows, for the pages: the checks of `telebridge flow check` but for that of voices.

One rule: files are read in a thread, and again once some seconds have passed: a file may have changed, or a recording
that it plays may be gone. A page waits for the check for a moment only, because all flows take longer than a page may.
"""

import asyncio
from dataclasses import dataclass

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.errors import FlowError
from telebridge.flows.loading import FlowCheck, check_flow, flow_warnings
from telebridge.tasks import Tasks

FRESH_SECONDS = 10.0
PATIENCE_SECONDS = 0.03
"""How long a page waits for findings; it shows those of the last check instead, if there was one."""


@dataclass(frozen=True, slots=True)
class FlowFinding:
    """One finding.

    Args:
        is_mistake: Whether calls are led by an earlier version of the file until it is mended; otherwise a warning.
        line: Where in the file, counted from 1.
        text: What was found, and what to do about it.
    """

    is_mistake: bool
    line: int
    text: str


class FlowFindings:
    """Finds what is wrong in flow files.

    Args:
        flows: The flows and their files.
        further: Checks whose findings are warnings, besides those of `flow_warnings`.
        patience_seconds: How long a page waits for them.
    """

    def __init__(self, flows: FlowCatalogue, *further: FlowCheck, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._flows = flows
        self._further = further
        self._patience = patience_seconds
        self._found: dict[str, tuple[float, list[FlowFinding]]] = {}
        self._finding: dict[str, asyncio.Task[None]] = {}
        self._tasks = Tasks("flow findings")

    async def of(self, name: str) -> list[FlowFinding] | None:
        """The findings in the file of a flow, mistakes first.

        None while the file is checked for the first time; none for a flow that is in no file.
        """
        return (await self.of_all([name]))[name]

    async def of_all(self, names: list[str]) -> dict[str, list[FlowFinding] | None]:
        """The findings of several flows, by their names; None for a file that is checked for the first time."""
        now = asyncio.get_running_loop().time()
        old = [name for name in names if name not in self._found or now >= self._found[name][0]]
        if wanted := [name for name in old if name not in self._finding]:
            task = self._tasks.start(self._find_again(wanted))
            self._finding |= dict.fromkeys(wanted, task)
        if old:
            await asyncio.wait({self._finding[name] for name in old}, timeout=self._patience)
        return self.known(names)

    def known(self, names: list[str]) -> dict[str, list[FlowFinding] | None]:
        """What was found in the files of flows when they were last checked; this checks none."""
        return {name: self._found[name][1] if name in self._found else None for name in names}

    async def _find_again(self, names: list[str]) -> None:
        try:
            found = await asyncio.to_thread(self._find, names)
            until = asyncio.get_running_loop().time() + FRESH_SECONDS
            self._found |= {name: (until, each) for name, each in found.items()}
        finally:
            for name in names:
                del self._finding[name]

    def _find(self, names: list[str]) -> dict[str, list[FlowFinding]]:
        between = self._flows.reference_errors()
        return {name: self._findings(name, between) for name in names}

    def _findings(self, name: str, between: list[FlowError]) -> list[FlowFinding]:
        path = self._flows.path_of(name)
        if path is None:
            return []
        mistakes = [*check_flow(path), *(error for error in between if error.file == str(path))]
        warnings = flow_warnings(path, *self._further)
        return [_finding(error, is_mistake=True) for error in mistakes] + [
            _finding(error, is_mistake=False) for error in warnings
        ]


def _finding(error: FlowError, *, is_mistake: bool) -> FlowFinding:
    return FlowFinding(is_mistake, error.line, error.problem + (f"; {error.hint}" if error.hint else ""))
