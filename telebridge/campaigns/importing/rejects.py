"""The rejected rows of an import as a CSV: the line, the reason, and the original cells.

One rule: after an import, however often it was interrupted, the file has each rejected row once.
"""

import csv
import errno
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType

from typing_extensions import override

from telebridge.campaigns.csv_cells import safe_cell
from telebridge.campaigns.importing.row import LONGEST_CELL, RejectedRow
from telebridge.errors import ConfigurationError
from telebridge.private_files import open_private

QUOTED = re.compile(r"'[^']*'")


class RejectFile(AbstractContextManager["RejectFile"]):
    """An open file of rejects.

    Args:
        path: The file. An existing file is replaced atomically, except for the lines of an import that is resumed.
        header: The columns of the file that is imported.
        imported: The imported file, which must be a different one.
        keep_upto_line: The line that an earlier run had reached.

    Raises:
        ConfigurationError: It cannot be written.
    """

    def __init__(self, path: Path, header: Sequence[str], *, imported: Path, keep_upto_line: int = 0) -> None:
        self._path = path
        check_place(path, imported=imported)
        try:
            draft = path.with_name(f".{path.name}.new")
            with open_private(draft, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["line", "reason", *map(safe_cell, header)])
                writer.writerows(_kept(path, keep_upto_line))
            draft.replace(path)
            self._file = open_private(path, "a", encoding="utf-8", newline="")
        except (OSError, csv.Error, UnicodeDecodeError) as error:
            raise ConfigurationError(str(path), f"cannot be written ({error})", "choose another place") from error
        self._writer = csv.writer(self._file)

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, rejects: Sequence[RejectedRow]) -> None:
        """Add rejects and flush them to the disk, before the store saves that their lines are done.

        Raises:
            ConfigurationError: They cannot be written.
        """
        try:
            for reject in rejects:
                self._writer.writerow([reject.line, safe_cell(reject.reason), *_shown(reject.raw)])
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ConfigurationError(str(self._path), f"cannot be written ({error.strerror})") from error


def check_place(path: Path, *, imported: Path) -> None:
    """Check that rejects can be written to a file, without changing it.

    Raises:
        ConfigurationError: They cannot be written.
    """
    if path.resolve() == imported.resolve():
        raise ConfigurationError(str(path), "is the file that is imported", "name another one for the rejects")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be written ({error.strerror})", "choose another place") from error


def _shown(cells: Sequence[str]) -> Iterator[str]:
    return (safe_cell(cell[:LONGEST_CELL]) for cell in cells)


def _kept(path: Path, upto_line: int) -> Iterator[list[str]]:
    """The rejects that an earlier run wrote, up to the line that the store has as done."""
    if upto_line == 0 or not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        yield from (row for row in rows if row and row[0].isdecimal() and int(row[0]) <= upto_line)


def reasons_in(path: Path) -> dict[str, int]:
    """The reasons for rejects with their counts, the most frequent first; what a reason quotes of a row is left out."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        found = Counter(QUOTED.sub("'…'", row[1]) for row in rows if len(row) > 1)
    return dict(found.most_common())
