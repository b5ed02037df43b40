"""Reads the telephone numbers of a list, such as a copy of a do-not-call register, line by line.

A line has a number in one of its cells; or an area code and seven digits, as in the flat files of the FTC's
National Do Not Call Registry ("Full List Download"); or the file is a CSV whose first line names a column of numbers.
The first number decides which of these it is. Each line is read by itself, so a stray quote costs one line at most.

One rule: a list is used as a whole or not at all. If part of a list were skipped,
people would be called who asked not to be.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from telebridge.campaigns.importing.csv_file import DELIMITERS, LONGEST_LINE, MARKS
from telebridge.campaigns.numbers.numbers import (
    DialableNumber,
    is_american,
    read_number,
)
from telebridge.campaigns.numbers.punctuation import FEWEST_DIGITS
from telebridge.errors import ConfigurationError

MOST_UNREADABLE = 0.01
"""The share of lines that may be unreadable, such as a title, a total or typing errors. With more it is no list."""

AREA_CODE = re.compile(r"[2-9]\d\d", re.ASCII)
SEVEN_DIGITS = re.compile(r"[2-9]\d\d[-. ]?\d{4}", re.ASCII)
AREA_COLUMNS = frozenset({"area", "areacode", "npa"})
NUMBER_COLUMNS = frozenset(
    {"phone", "phonenumber", "telephone", "telephonenumber", "tel", "mobile", "mobilenumber", "mobilephone"}
    | {"cell", "cellphone", "homephone", "msisdn", "e164"}
)
ONE_A_LINE = "write one number a line, or name the column of numbers 'phone' in the first line"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line without a number, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Examined:
    """The summary of a list.

    Args:
        numbers: How many lines are numbers.
        unreadable: How many are not; empty lines and the header are not counted.
        first_unreadable: The first unreadable line.
    """

    numbers: int
    unreadable: int
    first_unreadable: Unreadable | None


def examine(path: Path, *, country: str) -> Examined:
    """Read a whole list and check that it is one.

    Args:
        path: The list, a regular file: it is read again for its numbers.
        country: The country of numbers without `+`.

    Raises:
        ConfigurationError: It cannot be read, has no number, or too many of its lines are unreadable.
    """
    numbers = unreadable = 0
    first: Unreadable | None = None
    for found in read_lines(path, country=country):
        if isinstance(found, Unreadable):
            unreadable += 1
            first = first or found
        else:
            numbers += 1
    if first is not None and unreadable > MOST_UNREADABLE * (numbers + unreadable):
        problem = f"{first.reason}; {unreadable:,} of {numbers + unreadable:,} lines are no numbers, so none was taken"
        raise ConfigurationError(f"{path}:{first.line}", problem, ONE_A_LINE)
    if numbers == 0:
        raise ConfigurationError(str(path), "holds no telephone number", ONE_A_LINE)
    return Examined(numbers, unreadable, first)


def numbers_of(path: Path, *, country: str) -> Iterator[str]:
    """The numbers of a list that was examined, in E.164.

    Raises:
        ConfigurationError: It cannot be read.
    """
    return (found for found in read_lines(path, country=country) if not isinstance(found, Unreadable))


def read_lines(path: Path, *, country: str) -> Iterator[str | Unreadable]:
    """Yield each line of a list as a number in E.164 or as unreadable, without the header and empty lines.

    Raises:
        ConfigurationError: It cannot be read, is no text, or its header names no column of numbers.
    """
    columns: _Columns | None = None
    first = True
    for line, cells in _rows(path):
        columns = columns or _columns_of(cells, country)
        if columns is None and first and not _has_number(cells):
            columns = _headed(cells, where=f"{path}:{line}")
        elif columns is None:
            yield Unreadable(line, f"'{cells[0][:40]}' is no telephone number")
        else:
            number = read_number(columns.written(cells), country=country, check="possible")
            yield number.e164 if isinstance(number, DialableNumber) else Unreadable(line, number.reason)
        first = False


@dataclass(frozen=True, slots=True)
class _Columns:
    """The position of the number, and that of its area code if it has a cell of its own."""

    number: int
    area: int | None = None

    def written(self, cells: Sequence[str]) -> str:
        area = cells[self.area] if self.area is not None and self.area < len(cells) else ""
        return area + (cells[self.number] if self.number < len(cells) else "")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, as cells."""
    if path.exists() and not path.is_file():
        raise ConfigurationError(str(path), "is no regular file", "unpack the list into one")
    try:
        _check_encoding(path)
        with path.open(encoding="utf-8-sig", errors="replace", newline=None) as file:
            delimiter = ""
            for line, text in enumerate(iter(lambda: file.readline(LONGEST_LINE), ""), 1):
                if "\0" in text or len(text) == LONGEST_LINE:
                    raise ConfigurationError(f"{path}:{line}", "is no line of text", "save the list as UTF-8 text")
                if text.strip():
                    delimiter = delimiter or max(DELIMITERS, key=text.count)
                    yield line, _cells(text, delimiter)
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be read ({error.strerror})") from error


def _check_encoding(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, name in {**MARKS, b"<": "XML", b"\xef\xbb\xbf<": "XML"}.items():
        if start.startswith(mark):
            hint = "take the flat text file" if name == "XML" else "save it as UTF-8 text"
            raise ConfigurationError(f"{path}:1", f"is {name}, no list of numbers", hint)


def _cells(text: str, delimiter: str) -> list[str]:
    cells = (
        next(csv.reader([text], delimiter=delimiter)) if '"' in text and len(text) < 10_000 else text.split(delimiter)
    )
    return [cell.strip() for cell in cells]


def _columns_of(cells: Sequence[str], country: str) -> _Columns | None:
    """The position of the first number; None if there is none."""
    for at in range(len(cells) - 1 if is_american(country) else 0):
        if AREA_CODE.fullmatch(cells[at]) and SEVEN_DIGITS.fullmatch(cells[at + 1]):
            return _Columns(at + 1, area=at)
    readable = (isinstance(read_number(cell, country=country, check="possible"), DialableNumber) for cell in cells)
    return next((_Columns(at) for at, is_number in enumerate(readable) if is_number), None)


def _has_number(cells: Sequence[str]) -> bool:
    """Whether there are enough digits for a number; a header has fewer."""
    return any(sum(character.isdecimal() for character in cell) >= FEWEST_DIGITS for cell in cells)


def _headed(cells: Sequence[str], *, where: str) -> _Columns:
    """The columns that a header names; a title over one column names it."""
    names = [re.sub(r"[\W_]+", "", cell.casefold()) for cell in cells]
    found = [at for at, name in enumerate(names) if name in NUMBER_COLUMNS]
    found = found or [at for at, name in enumerate(names) if name == "number"]
    found = found or ([0] if len(cells) == 1 else [])
    if not found:
        raise ConfigurationError(where, "has neither a number nor a column of numbers", ONE_A_LINE)
    if len(found) > 1:
        several = " and ".join(f"'{cells[at]}'" for at in found[:2])
        raise ConfigurationError(where, f"has several columns of numbers, {several}", "leave one of them in")
    return _Columns(found[0], next((at for at, name in enumerate(names) if name in AREA_COLUMNS), None))
