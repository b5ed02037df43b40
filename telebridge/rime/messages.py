"""The messages of a Rime connection as events, the same for its plain and its JSON protocol.

Follows Rime, "WebSockets" (plain audio, commands in angle brackets) and "WebSockets JSON".

One rule: these are values; the protocols that read and write them are in `plain` and `structured`.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

import msgspec


class Side(Enum):
    """Which end of the connection we are."""

    BRIDGE = auto()
    RIME = auto()


# What Rime hears.


@dataclass(frozen=True, slots=True)
class TextReceived:
    """Append this text to the buffer, as it is: tokens carry their own spaces."""

    text: str
    context_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClearReceived:
    """Drop the text in the buffer, which is not being spoken yet."""


@dataclass(frozen=True, slots=True)
class FlushReceived:
    """Speak the text in the buffer."""


@dataclass(frozen=True, slots=True)
class EosReceived:
    """Speak the text in the buffer, then close the connection."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A JSON message that cannot be decoded; it is answered with an error, and the connection stays open."""

    message: str


# What the bridge hears.


class ChunkReceived(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="chunk", rename="camel"):
    """The next bytes of audio. A struct, which the decoder of JSON makes without a step between."""

    data: bytes
    context_id: str | None = None


@dataclass(frozen=True, slots=True)
class TimestampsReceived:
    """Word times, in seconds from the start of the present synthesis; the three tuples are of one length."""

    words: tuple[str, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]
    context_id: str | None = None


class DoneReceived(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="done", rename="camel"):
    """All audio of the text before the flush was sent."""

    context_id: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorReceived:
    """Rime could not decode a message; the connection stays open."""

    message: str


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A message of an undocumented type, which is ignored: Rime has added types before."""

    kind: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Rime closed the connection.

    Args:
        error: Why; empty when all audio was sent.
        status: The close code, with an error.
        refused: Whether the same text with the same parameters would be refused again.
    """

    error: str = ""
    status: int | None = None
    refused: bool = False


HeardByRime = TextReceived | ClearReceived | FlushReceived | EosReceived | Malformed
HeardByBridge = ChunkReceived | TimestampsReceived | DoneReceived | ErrorReceived | Unrecognised | Ended

CLEAN_CLOSES = frozenset({1000, 1001, 1005})
"""Codes of a close without an error; after `<EOS>` Rime sends no code (1005) or 1000."""

REFUSAL = re.compile(
    r"4(?!08|29)\d\d\b|(?:\d{3}: )?(?:speaker not found|text is too long|language .* is not supported)", re.I
)
"""How the reason of a close begins that refuses the request. Most begin with an HTTP status (Rime, "Errors")."""


def ended(code: int, reason: str) -> Ended:
    """Return the event of a close.

    On an open connection, errors come as a close 1011 with a reason such as "400: text is too long" (Rime, "Errors").
    """
    if code in CLEAN_CLOSES:
        return Ended()
    problem = f"Rime closed the connection: {reason or 'no reason given'}"
    return Ended(problem, code, refused=REFUSAL.match(reason) is not None)
