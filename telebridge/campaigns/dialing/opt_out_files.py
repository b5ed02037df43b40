"""Opt-outs that the database does not know of yet: a small file for each, on disk before anything else is tried.

A person who was told "you will not be called again" is not called again, though the database be away and the process
die before it comes back: whoever starts next on the same folder reads the files.

One rule: a file goes only when the number is on the do-not-call list.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from telebridge.logs import logger

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody wants no further call.

    Args:
        number: Whose telephone it was.
        call_sid: The call in which they said so.
    """

    number: str
    call_sid: str


class OptOutFiles:
    """The opt-outs of one state folder. Its methods wait for the disk: call them in a thread.

    Args:
        folder: Where they are; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, opt_out: OptOut) -> None:
        """Put it on disk; a disk that refuses is logged, because the database may still take it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            written = self._file(opt_out).with_suffix(".part")
            with written.open("w") as file:
                json.dump(asdict(opt_out), file)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self._file(opt_out))
        except OSError as error:
            log.error("an opt-out is not on disk", call_sid=opt_out.call_sid, error=str(error))

    def drop(self, opt_out: OptOut) -> None:
        """The database has it."""
        self._file(opt_out).unlink(missing_ok=True)

    def kept(self) -> Iterator[OptOut]:
        """Those that some process left behind; a file that cannot be read is logged and stays."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield OptOut(**json.loads(path.read_text()))
            except (OSError, ValueError, TypeError) as error:
                log.error(
                    "an opt-out cannot be read: put its number on the list by hand", file=str(path), error=str(error)
                )

    def _file(self, opt_out: OptOut) -> Path:
        return self._folder / f"{opt_out.call_sid}.json"
