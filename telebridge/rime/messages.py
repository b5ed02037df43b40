"""What both ends of a Rime connection say, as values, whatever protocol carries it.

Follows Rime's documents: "WebSockets" (plain audio, commands in angle brackets) and "WebSockets JSON".
"""

import re
from dataclasses import dataclass
from enum import Enum, auto


class Side(Enum):
    """Which end of the connection we are."""

    BRIDGE = auto()
    RIME = auto()


# What Rime hears.


@dataclass(frozen=True, slots=True)
class TextReceived:
    """Text to be appended to the buffer, verbatim: tokens carry their own spaces."""

    text: str
    context_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClearReceived:
    """Drop the text that is not being spoken yet."""


@dataclass(frozen=True, slots=True)
class FlushReceived:
    """Speak whatever is buffered."""


@dataclass(frozen=True, slots=True)
class EosReceived:
    """Speak whatever is buffered, then close."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A JSON message that cannot be understood; it is answered with an error, and the connection goes on."""

    message: str


# What the bridge hears.


@dataclass(frozen=True, slots=True)
class ChunkReceived:
    """The next bytes of audio."""

    data: bytes
    context_id: str | None = None


@dataclass(frozen=True, slots=True)
class TimestampsReceived:
    """When words sound, in seconds since the start of the present synthesis; the three run in step."""

    words: tuple[str, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]
    context_id: str | None = None


@dataclass(frozen=True, slots=True)
class DoneReceived:
    """All audio of what was asked for has been sent."""

    context_id: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorReceived:
    """Rime did not understand a message; it still listens."""

    message: str


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A message of a kind that is not documented: no harm, Rime has added kinds before."""

    kind: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Rime closed the connection.

    Args:
        error: Why, in words; empty when it had said all.
        status: The close code, with an error.
        refused: The same text with the same parameters would be refused again.
    """

    error: str = ""
    status: int | None = None
    refused: bool = False


HeardByRime = TextReceived | ClearReceived | FlushReceived | EosReceived | Malformed
HeardByBridge = ChunkReceived | TimestampsReceived | DoneReceived | ErrorReceived | Unrecognised | Ended

CLEAN_CLOSES = frozenset({1000, 1001, 1005})
"""Closes that follow an end of speech; what Rime sends after `<EOS>` carries no code (1005) or 1000."""

REFUSAL = re.compile(
    r"4(?!08|29)\d\d\b|(?:\d{3}: )?(?:speaker not found|text is too long|language .* is not supported)", re.I
)
"""How the reason of a close begins that says: not like this. Most begin with an HTTP status ("Errors" page)."""


def ended(code: int, reason: str) -> Ended:
    """What a close of the connection means.

    After the connection is open, errors come as a close 1011 with a reason such as "400: text is too long".
    """
    if code in CLEAN_CLOSES:
        return Ended()
    problem = f"Rime closed the connection: {reason or 'no reason given'}"
    return Ended(problem, code, refused=REFUSAL.match(reason) is not None)
