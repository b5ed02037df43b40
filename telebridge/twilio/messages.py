"""The JSON messages of Twilio Media Streams, both ways, as typed values.

Follows Twilio, "WebSocket messages". Twilio writes most numbers as strings; both spellings are read, and unknown fields
are ignored. What is written has exactly the documented fields: one too many is a protocol warning at Twilio (31951).

One rule: reading raises nothing but `RemoteProtocolError`.
"""

from binascii import b2a_base64
from typing import Any, Generic, TypeVar

import msgspec

from telebridge.errors import RemoteProtocolError


class MediaFormat(msgspec.Struct):
    """How audio is coded; Media Streams know one way."""

    encoding: str = "audio/x-mulaw"
    sample_rate: int = msgspec.field(default=8000, name="sampleRate")
    channels: int = 1


class Started(msgspec.Struct, rename="camel"):
    """What `start` tells of the stream."""

    stream_sid: str
    account_sid: str
    call_sid: str
    tracks: list[str] = []
    custom_parameters: dict[str, str] = {}
    media_format: MediaFormat = msgspec.field(default_factory=MediaFormat)


class CallerMedia(msgspec.Struct, gc=False):
    """A piece of the caller's audio; the payload is decoded from base64 in the same pass."""

    payload: bytes
    track: str = "inbound"
    timestamp: int = 0
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

M = TypeVar("M")

MAX_MESSAGE_BYTES = 1 << 20
"""Longer messages are refused unread."""


class MessageReader(Generic[M]):
    """Reads the messages of one peer.

    It remembers nothing, so one serves all streams of a process: each its own would cost kilobytes, and be cold in the
    processor's cache at every message.

    Args:
        kinds: The union of its messages.
        peer: Its name in errors.
    """

    def __init__(self, kinds: Any, peer: str) -> None:
        self._decoder: msgspec.json.Decoder[M] = msgspec.json.Decoder(kinds, strict=False)
        self._peer = peer

    def read(self, data: bytes | str) -> M:
        """One message.

        Raises:
            RemoteProtocolError: It is too long, no JSON, of an unknown kind, or a field is missing or of a wrong type.
        """
        if len(data) > MAX_MESSAGE_BYTES:
            raise RemoteProtocolError(self._peer, f"sent a message of {len(data)} bytes, over {MAX_MESSAGE_BYTES}")
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise RemoteProtocolError(self._peer, f"sent a message that cannot be read ({error})", data) from error


READ_FROM_TWILIO = MessageReader[FromTwilio](FromTwilio, "Twilio")
READ_FROM_BRIDGE = MessageReader[FromBridge](FromBridge, "the bridge")


def encoded_payload(audio: bytes) -> bytes:
    """Audio as the base64 text of a message."""
    return b2a_base64(audio, newline=False)


def encoded(value: str | dict[str, str] | MediaFormat) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)
