"""The flows that can lead a call: files of a folder, and Python flows of an application, under one set of names.

One rule: a flow that was returned is never changed. A file that is loaded again becomes a new flow, for later calls;
live calls keep the flow with which they began.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from telebridge.call.flows.changes import Stamp
from telebridge.call.flows.python.registry import Bridge, PythonFlow
from telebridge.errors import ConfigurationError, FlowError
from telebridge.flows.checks.references import flows_led_to, reference_mistakes
from telebridge.flows.loading import load_flow, located
from telebridge.flows.model import Flow

FLOW_FILES = (".yaml", ".yml")
"""How the names of flow files end."""


class FlowCatalogue:
    """Finds a flow by its name.

    Args:
        flows_dir: Every `*.yaml` and `*.yml` in it is one flow; a folder that does not exist holds none.
        bridge: Python flows; one takes precedence over a file of the same name.

    Attributes:
        loaded: The files as they were when they were loaded by `load` and `add_file`.
    """

    def __init__(self, flows_dir: Path, bridge: Bridge | None = None) -> None:
        self.loaded: dict[Path, Stamp] = {}
        self._flows_dir = flows_dir
        self._python = {} if bridge is None else bridge.flows
        self._python_needs = {} if bridge is None else bridge.needs
        self._files: dict[str, Flow] = {}
        self._names: dict[Path, str] = {}
        self._added: set[Path] = set()
        self._has_folder = False  # whether the files of the folder are in service
        self._needed: frozenset[str] = frozenset()

    def load(self) -> None:
        """Load every file.

        Raises:
            FlowError: A file is wrong; nothing was taken from it or any other.
            ConfigurationError: Two files are of the same name.
        """
        self._has_folder = True
        stamps = self.stamps()
        loaded = {path: load_flow(path) for path in stamps}
        names: dict[Path, str] = {}
        for path, flow in loaded.items():
            _refuse_taken(flow.flow, path, names)
            names[path] = flow.flow
        self._files = {flow.flow: flow for flow in loaded.values()}
        self._names, self.loaded = names, stamps

    def add_file(self, path: Path) -> str:
        """Load one file from anywhere, and return the name of its flow, which replaces any other of that name.

        The flows that it leads to are loaded too, from the files beside it, where they are not known yet.

        Raises:
            FlowError: The file is wrong.
        """
        flow = self._add(path)
        beside: dict[str, Path] | None = None
        pending = [flow]
        while pending:
            for name in flows_led_to(pending.pop()) - self._files.keys():
                beside = {one.flow: file for file, one in flows_in(path.parent)} if beside is None else beside
                if name in beside:
                    pending.append(self._add(beside[name]))
        return flow.flow

    def _add(self, path: Path) -> Flow:
        flow = load_flow(path)
        path = next((known for known in self.loaded if known.exists() and known.samefile(path)), path)
        stamps = _stamps([path])
        self.loaded |= stamps
        self._added.add(path)
        self._files[flow.flow] = flow
        self._names = {other: name for other, name in self._names.items() if name != flow.flow} | {path: flow.flow}
        return flow

    def need(self, names: Iterable[str]) -> None:
        """Keep the last version of these in service when their files go: settings name them."""
        self._needed = frozenset(names)

    def replace(self, path: Path, flow: Flow) -> None:
        """Put what a file now holds into service, for calls that begin from now on.

        Raises:
            ConfigurationError: Another file has that name; nothing has changed.
        """
        _refuse_taken(flow.flow, path, self._names)
        if self._names.get(path, flow.flow) != flow.flow:
            self.remove(path)
        self._files[flow.flow] = flow
        self._names[path] = flow.flow

    def remove(self, path: Path) -> bool:
        """Remove the flow of a deleted file; returns whether it was removed, which it is not if settings name it."""
        name = self._names.pop(path, None)
        if name is None or name in self._needed:
            return False
        del self._files[name]
        return True

    def name_of(self, path: Path) -> str | None:
        """Return the name of the flow in service that a file defines."""
        return self._names.get(path)

    def path_of(self, name: str) -> Path | None:
        """Return the file that defines the flow in service of that name; None for a Python flow, or without a file."""
        if name in self._python:
            return None
        return next((path for path, known in self._names.items() if known == name), None)

    def stamps(self) -> dict[Path, Stamp]:
        """Return the state of each file in service, and of new ones beside them; this blocks on the disk."""
        return _stamps([*(flow_files(self._flows_dir) if self._has_folder else ()), *sorted(self._added)])

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._python, *self._files})

    def find_file(self, name: str) -> Flow | None:
        """Return the flow file in service of that name; None when there is none."""
        return self._files.get(name)

    def reference_errors(self) -> list[FlowError]:
        """Find the mistakes between flow files: flows that do not exist, or that run one another without end.

        This blocks on the disk when there are any.
        """
        python = frozenset(self._python)
        found = []
        for path, name in self._names.items():
            if name in self._files and (mistakes := reference_mistakes(self._files[name], self._files, python)):
                found += located(path, mistakes)
        return found

    def files(self) -> Iterable[Flow]:
        """Return the flow files that are in service."""
        return self._files.values()

    def get(self, name: str) -> Flow | PythonFlow | None:
        """Return the flow of that name; None when there is none."""
        return self._python.get(name) or self._files.get(name)

    def find(self, name: str) -> Flow | PythonFlow:
        """Return the flow of that name.

        Raises:
            ConfigurationError: There is none.
        """
        flow = self.get(name)
        if flow is None:
            near = get_close_matches(name, self.names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else self._known()
            raise ConfigurationError(f"flow '{name}'", "does not exist", hint)
        return flow

    def _known(self) -> str:
        if self.names:
            return f"known flows: {', '.join(self.names)}"
        why = "holds no flow files" if self._flows_dir.is_dir() else "does not exist"
        return (
            f"there are no flows: folder '{self._flows_dir}' {why}; set flows_dir, or make a project: telebridge init"
        )

    def needs_of(self, name: str) -> tuple[str, ...]:
        """The variables that must be given for each call of a flow; none for one that does not exist."""
        if name in self._python:
            return self._python_needs.get(name, ())
        flow = self._files.get(name)
        return () if flow is None else flow.needs


def flow_files(folder: Path) -> list[Path]:
    """Return the flow files of a folder, sorted; this blocks on the disk."""
    return sorted(path for ending in FLOW_FILES for path in folder.glob(f"*{ending}"))


def flows_in(folder: Path) -> Iterator[tuple[Path, Flow]]:
    """Load the flow files of a folder that have no mistakes, in the order of their names; this blocks on the disk."""
    for file in flow_files(folder):
        with suppress(FlowError):
            yield file, load_flow(file)


def _refuse_taken(name: str, path: Path, names: Mapping[Path, str]) -> None:
    for other, taken in names.items():
        if taken == name and other != path:
            raise ConfigurationError(str(path), f"names its flow '{name}', as {other} does", "names must differ")


def _stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    stamps = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # deleted meanwhile; the load reports it if that matters
            continue
        stamps[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return stamps
