"""Reads the rows of a CSV of any size one by one.

RFC 4180 as `csv` reads it in strict mode, with any delimiter. A row that cannot be read is reported alone: reading
continues at the line after its first, so that one stray quote does not swallow the contacts after it.

One rule: memory use does not grow with the file, whatever its content.
"""

import csv
import io
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from typing_extensions import override

from telebridge.campaigns.csv_cells import safe_cell
from telebridge.campaigns.importing.row import BROKEN_BYTE, MOST_COLUMNS, RejectedRow
from telebridge.errors import ConfigurationError

DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITERS = frozenset("\"'=")
LONGEST_LINE = 1 << 18
LONGEST_SHOWN = 1000
MOST_LINES = 100
"""A cell may have line breaks; so many mean that a quote was never closed."""
MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "a workbook or zip archive",
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel",
}

CsvRow = tuple[int, int, list[str]]
"""The first line of a row, its last, and its cells."""


class ContactFile(AbstractContextManager["ContactFile"]):
    """An open CSV.

    Args:
        path: The file.
        delimiter: Separates cells; empty to detect it from the header.

    Attributes:
        empty_rows: How many rows without any content `rows` has passed over.

    Raises:
        ConfigurationError: It cannot be read, is not UTF-8, or has no header.
    """

    def __init__(self, path: Path, *, delimiter: str = "") -> None:
        self._path = path
        self.empty_rows = 0
        try:
            self.total_bytes = path.stat().st_size
            self._bytes = path.open("rb")
        except OSError as error:
            raise ConfigurationError(str(path), f"cannot be read ({error.strerror})") from error
        try:
            self._check_encoding()
            text = io.TextIOWrapper(self._bytes, encoding="utf-8-sig", errors="surrogateescape", newline="")
            self._lines = _Lines(text)
            self._begin(delimiter)
        except BaseException:
            self._bytes.close()
            raise

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bytes.close()

    @property
    def where(self) -> str:
        """The file and the line of its header, for errors."""
        return f"{self._path}:{self._header_line}"

    @property
    def bytes_read(self) -> int:
        """How many bytes were read; a little ahead of the rows."""
        return self._bytes.tell()

    def rows(self, *, after_line: int = 0) -> Iterator[CsvRow | RejectedRow]:
        """The rows behind the header, without those whose cells are all blank, which `empty_rows` counts.

        Args:
            after_line: The last line that needs no reading any more.
        """
        while True:
            first = self._lines.line + 1
            self._lines.begin_record()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _NeverClosed) as error:
                reject = RejectedRow(first, _explained(error), (self._lines.first_of_record(),))
                self._lines.put_back()
                if first > after_line:
                    yield reject
                continue
            if self._lines.line <= after_line:
                continue
            if not any(map(str.strip, cells)):  # nothing but delimiters and blanks, as spreadsheets fill up a sheet
                self.empty_rows += 1
                continue
            if self._lines.cut_short:
                yield RejectedRow(
                    first, f"has a line of more than {LONGEST_LINE:,} characters", (self._lines.first_of_record(),)
                )
                self._lines.put_back()
            else:
                yield first, self._lines.line, cells

    def _check_encoding(self) -> None:
        start = self._bytes.read(4096)
        self._bytes.seek(0)
        for mark, name in MARKS.items():
            if start.startswith(mark):
                raise ConfigurationError(f"{self._path}:1", f"is {name}, not UTF-8 text", "export it as 'CSV UTF-8'")
        if start.count(b"\0") * 4 > len(start):
            problem = f"has a NUL at byte {start.index(0) + 1}: it is UTF-16 or no text"
            raise ConfigurationError(f"{self._path}:1", problem, "export it as 'CSV UTF-8'")

    def _begin(self, delimiter: str) -> None:
        """Read the header."""
        first = self._lines.peek()
        if first.lower().startswith("sep=") and len(first.strip()) == 5:  # the delimiter of Excel
            delimiter = delimiter or first.strip()[-1]
            if delimiter in NO_DELIMITERS:
                problem = f"names {delimiter!r} as what stands between cells, which cannot be"
                raise ConfigurationError(f"{self._path}:1", problem, "write 'sep=;' or 'sep=,'")
            next(self._lines)
            first = self._lines.peek()
        self.delimiter = delimiter or _sniffed(first)
        self._reader = csv.reader(self._lines, delimiter=self.delimiter, strict=True)
        self._lines.begin_record()
        self._header_line = self._lines.line + 1
        try:
            header = next(self._reader, [])
        except (csv.Error, _NeverClosed) as error:
            raise ConfigurationError(self.where, f"is no header: {_explained(error)}") from error
        if not any(name.strip() for name in header):
            raise ConfigurationError(self.where, "has no header", "name the columns in its first line")
        if self._lines.cut_short:
            raise ConfigurationError(self.where, f"has more than {MOST_COLUMNS} columns", "is this a CSV?")
        for name in header:
            if broken := BROKEN_BYTE.search(name):
                problem = f"byte 0x{ord(broken[0]) - 0xDC00:02X} in the column '{safe_cell(name)}' is not UTF-8"
                raise ConfigurationError(self.where, problem, "export it as 'CSV UTF-8'")
        self.header = tuple(header)


class _NeverClosed(Exception):
    """A record has more lines than a cell may have."""


class _Lines(Iterator[str]):
    """Counted lines; those of the current record can be read again.

    Attributes:
        line: How many lines were read.
        cut_short: Whether a line of the record exceeded the limit.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self.line = 0
        self.cut_short = False

    @override
    def __next__(self) -> str:
        if len(self._taken) >= MOST_LINES:
            raise _NeverClosed
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self._taken.append(line)
        self.line += 1
        if _is_cut_short(line):
            self.cut_short = True
        return line

    def peek(self) -> str:
        """The next line, which is still to come."""
        if not self._again:
            self._again.append(self._read())
        return self._again[0]

    def begin_record(self) -> None:
        self._taken.clear()
        self.cut_short = False

    def first_of_record(self) -> str:
        return self._taken[0][:LONGEST_SHOWN].rstrip("\r\n") if self._taken else ""

    def put_back(self) -> None:
        """Read the lines of the record again, except its first."""
        self._again.extendleft(reversed(self._taken[1:]))
        self.line -= max(0, len(self._taken) - 1)

    def _read(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if _is_cut_short(line):
            while (rest := self._text.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
                pass
        return line


def _is_cut_short(line: str) -> bool:
    return len(line) == LONGEST_LINE and line[-1] not in "\r\n"


def _sniffed(header: str) -> str:
    """The most frequent delimiter outside of quotes in the header; a comma if there is none."""
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _explained(error: Exception) -> str:
    if isinstance(error, _NeverClosed) or "unexpected end" in str(error):
        return "a quote is opened and never closed"
    if "expected after" in str(error):
        return "a quote within a quoted cell is not doubled"
    if "field larger" in str(error):
        return "a cell is longer than 131,072 characters"
    return f"cannot be read as CSV ({error})"
