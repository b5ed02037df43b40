"""The JSON messages of Twilio Media Streams, both ways, as typed values.

Follows Twilio, "WebSocket messages". Twilio writes most numbers as strings; both spellings are read, unknown fields are
ignored, and null in an optional field is an absent field. What is written has exactly the documented fields: one too
many is a protocol warning at Twilio (31951).

One rule: a decoder raises `msgspec.DecodeError`, `UnicodeError` or `RecursionError`, and nothing else.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

LATEST_MS = 7 * 24 * 3600 * 1000
"""No call lasts a week: Twilio ends one after a day at the most. Media time beyond may be more than a float holds."""
MediaTime = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


class MediaFormat(msgspec.Struct):
    """How audio is coded; Media Streams know one way."""

    encoding: str | None = "audio/x-mulaw"
    sample_rate: int | None = msgspec.field(default=8000, name="sampleRate")
    channels: int | None = 1


class Started(msgspec.Struct, rename="camel"):
    """What `start` tells of the stream."""

    stream_sid: str
    call_sid: str
    account_sid: str | None = None
    custom_parameters: dict[str, Any] | None = None
    media_format: MediaFormat | None = None

    def parameters(self) -> dict[str, str]:
        """The parameters as text, whatever JSON they were written in; null is absent."""
        given = self.custom_parameters or {}
        return {name: _text_of(value) for name, value in given.items() if value is not None}


class CallerMedia(msgspec.Struct, gc=False):
    """A piece of the caller's audio; the payload is decoded from base64 in the same pass."""

    payload: bytes
    track: str | None = "inbound"
    timestamp: MediaTime | None = 0
    """Milliseconds since the stream began; the first piece is not at 0."""


class Dtmf(msgspec.Struct):
    """A key."""

    digit: str


class Mark(msgspec.Struct):
    """A mark's name."""

    name: str


class BridgeMedia(msgspec.Struct):
    """A piece of our audio."""

    payload: bytes


class ConnectedMessage(msgspec.Struct, tag_field="event", tag="connected"):
    """The first message of a socket."""


class StartMessage(msgspec.Struct, tag_field="event", tag="start"):
    """The stream begins."""

    start: Started


class MediaMessage(msgspec.Struct, tag_field="event", tag="media", rename="camel", gc=False):
    """The caller's audio."""

    stream_sid: str
    media: CallerMedia


class DtmfMessage(msgspec.Struct, tag_field="event", tag="dtmf", rename="camel"):
    """The caller pressed a key."""

    stream_sid: str
    dtmf: Dtmf


class MarkReturnedMessage(msgspec.Struct, tag_field="event", tag="mark", rename="camel"):
    """A mark came back."""

    stream_sid: str
    mark: Mark


class StopMessage(msgspec.Struct, tag_field="event", tag="stop", rename="camel"):
    """The stream has ended."""

    stream_sid: str


class PlayMessage(msgspec.Struct, tag_field="event", tag="media", rename="camel"):
    """The bridge's audio."""

    stream_sid: str
    media: BridgeMedia


class MarkMessage(msgspec.Struct, tag_field="event", tag="mark", rename="camel"):
    """The bridge sets a mark."""

    stream_sid: str
    mark: Mark


class ClearMessage(msgspec.Struct, tag_field="event", tag="clear", rename="camel"):
    """The bridge drops what is buffered."""

    stream_sid: str


FromTwilio = ConnectedMessage | StartMessage | MediaMessage | DtmfMessage | MarkReturnedMessage | StopMessage
FromBridge = PlayMessage | MarkMessage | ClearMessage

MAX_MESSAGE_BYTES = 1 << 20
"""Longer messages are refused unread."""
MAX_MEDIA_BYTES = 12_000
"""So long may a message with the caller's audio be: more than a second of it. Twilio sends 20 ms."""

# They remember nothing, so one decoder serves all streams of a process: each its own would cost kilobytes, and be cold
# in the processor's cache at every message.
DECODE_FROM_TWILIO: Callable[[bytes | str], FromTwilio] = msgspec.json.Decoder(FromTwilio, strict=False).decode
DECODE_FROM_BRIDGE: Callable[[bytes | str], FromBridge] = msgspec.json.Decoder(FromBridge, strict=False).decode


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class _AnyMessage(msgspec.Struct):
    event: str


_DECODE_EVENT = msgspec.json.Decoder(_AnyMessage).decode
EVENTS = frozenset({"connected", "start", "media", "dtmf", "mark", "stop", "clear"})
"""The events that are known, of both sides."""


def is_unknown_event(data: bytes | str) -> bool:
    """Whether a message that cannot be decoded is well formed, and of an event that is not known."""
    event = event_of(data)
    return event is not None and event not in EVENTS


def event_of(data: bytes | str) -> str | None:
    """The event that a message names; None when it is no JSON object that names one."""
    try:
        return _DECODE_EVENT(data).event
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def encoded(value: str | dict[str, str] | MediaFormat) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)
