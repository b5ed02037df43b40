"""Opt-outs that are not in the database yet: one small file for each, written before the database is tried.

A person who was promised no further call gets none, even when the database is away and the process dies before it is
back: the next process on the same folder reads the files.

One rule: a file is removed only when the number is on the do-not-call list.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from telebridge.logs import logger
from telebridge.private_files import make_private, make_private_folder, open_private

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class OptOut:
    """The wish of a person to get no further call.

    Args:
        number: Their number, in E.164.
        call_sid: The call in which they expressed it.
    """

    number: str
    call_sid: str


class OptOutFiles:
    """The opt-outs of one state folder. Its methods block on the disk: call them in a thread.

    Args:
        folder: The folder of the files; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, opt_out: OptOut) -> None:
        """Write a file; an error of the disk is only logged, because the database may still take the opt-out."""
        try:
            make_private_folder(self._folder)
            make_private(self._folder)
            written = self._file(opt_out).with_suffix(".part")
            with open_private(written, "w") as file:
                json.dump(asdict(opt_out), file)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self._file(opt_out))
        except OSError as error:
            log.error("an opt-out is not on disk", call_sid=opt_out.call_sid, error=str(error))

    def remove(self, opt_out: OptOut) -> None:
        """Remove the file of an opt-out that is in the database."""
        self._file(opt_out).unlink(missing_ok=True)

    def saved(self) -> Iterator[OptOut]:
        """Iterate over the opt-outs that a process left; a file that cannot be read is logged and stays."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield OptOut(**json.loads(path.read_text()))
            except (OSError, ValueError, TypeError) as error:
                log.error(
                    "an opt-out cannot be read: put its number on the list by hand", file=str(path), error=str(error)
                )

    def _file(self, opt_out: OptOut) -> Path:
        return self._folder / f"{opt_out.call_sid}.json"
