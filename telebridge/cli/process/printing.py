"""What commands print on standard output."""

import shutil
import sys
from textwrap import wrap
from typing import TextIO

HANGING = 2
"""How far the further lines of a text are indented beyond its first."""


def print_line(line: str) -> None:
    """Print a line and flush it, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def print_text(text: str, *, hanging: int = HANGING, err: bool = False) -> None:
    """Print words for people: on a terminal they are broken into lines that it holds, elsewhere they are one line.

    Args:
        text: One line, which may be indented.
        hanging: By how much more its further lines are.
        err: On standard error.
    """
    file = sys.stderr if err else sys.stdout
    file.write("\n".join(lines_of(text, file, hanging=hanging)) + "\n")
    file.flush()


def lines_of(text: str, file: TextIO, *, hanging: int = HANGING) -> list[str]:
    """Break words for people into lines that a terminal holds; for any other file they are one line.

    Args:
        text: One line, which may be indented.
        file: Where they will be printed.
        hanging: By how much more the further lines are indented.
    """
    if not file.isatty():
        return [text]
    indent = " " * (len(text) - len(text.lstrip()))
    width = max(shutil.get_terminal_size().columns, len(indent) + hanging + 20)
    return wrap(
        text.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=indent + " " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def number_of(count: int, one: str, several: str = "") -> str:
    """Return a number and what is counted: `1 contact`, `2,000 contacts`.

    Args:
        count: How many.
        one: The word for one of them.
        several: The word for any other number; with an `s` when not given.
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
