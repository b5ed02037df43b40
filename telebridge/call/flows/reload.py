"""Reloads flow files that change while the bridge runs, unless they have a mistake.

One rule: files are read in a thread and the catalogue is changed on the event loop, so no call ever waits for a file.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.changes import SettledChanges
from telebridge.errors import ConfigurationError, FlowError
from telebridge.flows.loading import load_flow
from telebridge.flows.model import Flow
from telebridge.logs import logger

log = logger(__name__)

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FileChange:
    """The content of a file: a flow, a mistake, or None when it was deleted."""

    path: Path
    now: Flow | FlowError | None


class FlowReload:
    """Keeps a loaded catalogue up to date with its files."""

    def __init__(self, flows: FlowCatalogue) -> None:
        self._flows = flows
        self._changes = SettledChanges(flows.loaded)

    async def run(self) -> None:
        """Scan the files every second, until cancelled; an error that persists is logged once."""
        logged = ""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                changes = await asyncio.to_thread(self.look)
                for each in changes:
                    self.apply(each)
                for error in await asyncio.to_thread(self._flows.reference_errors) if changes else ():
                    log.warning("flow files do not fit together", error=str(error))
            except Exception as error:  # the top of a task: an error must not end the reloads
                if str(error) != logged:
                    log.exception("flow files cannot be looked at")
                logged = str(error)
            else:
                logged = ""

    def look(self) -> list[FileChange]:
        """Return what has changed; this blocks on the disk."""
        changes = self._changes.look(self._flows.stamps())
        return [
            *(FileChange(path, None) for path in changes.gone),
            *(FileChange(path, _loaded(path)) for path in changes.changed),
        ]

    def apply(self, change: FileChange) -> None:
        """Apply the new state of a file to the catalogue, or log in one line why it is refused."""
        name, file = self._flows.name_of(change.path), str(change.path)
        match change.now:
            case Flow() as flow:
                try:
                    self._flows.replace(change.path, flow)
                except ConfigurationError as error:
                    log.warning("flow file is refused", error=str(error), in_service=name)
                else:
                    log.info("flow reloaded" if name == flow.flow else "flow added", flow=flow.flow, file=file)
            case FlowError() as error:
                log.warning("flow file is wrong; what is in service stays", error=str(error), in_service=name)
            case None:
                if self._flows.remove(change.path):
                    log.info("flow file is gone, and its flow with it", flow=name, file=file)
                elif name is not None:
                    log.warning("flow file is gone; settings name its flow, so it stays", flow=name, file=file)


def _loaded(path: Path) -> Flow | FlowError:
    try:
        return load_flow(path)
    except FlowError as error:
        return error
