"""Regular expressions with the properties of Unicode, for use on the event loop.

The regex library lets other threads run while it searches in a text. A thread that computes, such as the one that
writes to the database, then keeps the interpreter for up to 5 ms (`sys.getswitchinterval`) at each search, however
short, and every call waits.

One rule: nothing searches by that library but through here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import regex


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled expression; its functions are those of `regex.Pattern`, and keep the interpreter while they search."""

    search: Callable[..., "regex.Match[str] | None"]
    match: Callable[..., "regex.Match[str] | None"]
    fullmatch: Callable[..., "regex.Match[str] | None"]
    finditer: Callable[..., "Iterator[regex.Match[str]]"]
    findall: Callable[..., list[str]]
    sub: Callable[..., str]


def compiled(expression: str, flags: int = 0) -> Pattern:
    """Compile an expression.

    Args:
        expression: In the syntax of the regex library.
        flags: Its flags, such as `regex.V1`.
    """
    pattern = regex.compile(expression, flags)
    return Pattern(
        partial(pattern.search, concurrent=False),
        partial(pattern.match, concurrent=False),
        partial(pattern.fullmatch, concurrent=False),
        partial(pattern.finditer, concurrent=False),
        partial(pattern.findall, concurrent=False),
        partial(pattern.sub, concurrent=False),
    )
