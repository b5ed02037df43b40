"""One Media Stream, as a state machine for either side: the bridge, or Twilio's stand-in.

Follows Twilio, "WebSocket messages": `connected`, `start`, then media, keys and marks, at last `stop`; nothing may be
sent before `start`, which tells the stream's name.

One rule: a message that breaks the protocol raises and changes nothing; the stream can go on without it.
"""

from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, Literal, NoReturn, TypeVar, overload

import msgspec

from telebridge.errors import LocalProtocolError, RemoteProtocolError
from telebridge.twilio.messages import (
    DECODE_FROM_BRIDGE,
    DECODE_FROM_TWILIO,
    MAX_MEDIA_BYTES,
    MAX_MESSAGE_BYTES,
    ClearMessage,
    ConnectedMessage,
    DtmfMessage,
    FromBridge,
    FromTwilio,
    MarkMessage,
    MarkReturnedMessage,
    MediaFormat,
    MediaMessage,
    PlayMessage,
    StartMessage,
    StopMessage,
    encoded,
    event_of,
    is_unknown_event,
)

DIGITS = frozenset("0123456789*#ABCD")
INBOUND = ("inbound", None)


class Side(Enum):
    """Which end of the stream we are."""

    BRIDGE = auto()
    TWILIO = auto()


# What the bridge receives.


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The stream is open; audio may be sent.

    Args:
        parameters: The `<Parameter>` values of the TwiML that opened it.
    """

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: Mapping[str, str]


class AudioReceived(msgspec.Struct, gc=False):
    """A frame of the caller's audio. A struct, because 50 a second are made in each call.

    Args:
        payload: Mu-law, usually 20 ms of it.
        timestamp_ms: Media time of its first sample since the stream began.
    """

    payload: bytes
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The caller pressed one key: 0 to 9, `*` or `#`."""

    digit: str


@dataclass(frozen=True, slots=True)
class MarkReturned:
    """All audio before this mark was played, or it was dropped by a clear."""

    name: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The stream has ended, for the most part because the caller hung up."""


# What Twilio's side receives.


@dataclass(frozen=True, slots=True)
class AudioQueued:
    """Audio to be played after what is buffered."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class MarkQueued:
    """A mark to be returned when the audio before it was played."""

    name: str


@dataclass(frozen=True, slots=True)
class PlaybackCleared:
    """What is buffered is to be dropped, and its marks returned."""


BridgeEvent = StreamStarted | AudioReceived | DigitPressed | MarkReturned | StreamStopped
TwilioEvent = AudioQueued | MarkQueued | PlaybackCleared
Event = BridgeEvent | TwilioEvent


class UnreadableMessage(RemoteProtocolError):
    """A message that is no JSON of the protocol; many of them in a short time are no stream."""


class UnknownEvent(RemoteProtocolError):
    """A message whose event this release does not know: Twilio may add one any day."""


class TooMuchAudio(RemoteProtocolError):
    """A message with far more of the caller's audio than Twilio sends in one; it is dropped."""


class StreamState(Enum):
    """How far the stream is."""

    CONNECTING = auto()
    CONNECTED = auto()
    STREAMING = auto()
    STOPPED = auto()


# Which messages of Twilio may come in which state. `start` without `connected` is let through: nothing depends on it.
EXPECTED: Mapping[type, tuple[StreamState, ...]] = {  # tuples, because an enum's hash is slow and this is asked often
    ConnectedMessage: (StreamState.CONNECTING,),
    StartMessage: (StreamState.CONNECTING, StreamState.CONNECTED),
    MediaMessage: (StreamState.STREAMING,),
    DtmfMessage: (StreamState.STREAMING,),
    MarkReturnedMessage: (StreamState.STREAMING,),
    StopMessage: (StreamState.STREAMING,),
}


_STREAMING, _BRIDGE = StreamState.STREAMING, Side.BRIDGE  # an attribute of an enum costs a call, in each frame

H = TypeVar("H", bound=Event)


class MediaStream(Generic[H]):
    """One end of one stream. `receive_…` take what the peer sent, `send_…` answer the bytes to send.

    Args:
        side: Which end this is.
    """

    __slots__ = (
        "_account_sid",
        "_call_sid",
        "_chunk",
        "_media_head",
        "_named",
        "_sequence",
        "_side",
        "state",
        "stream_sid",
    )

    @overload
    def __init__(self: "MediaStream[BridgeEvent]", side: Literal[Side.BRIDGE]) -> None: ...

    @overload
    def __init__(self: "MediaStream[TwilioEvent]", side: Literal[Side.TWILIO]) -> None: ...

    def __init__(self, side: Side) -> None:
        self.state = StreamState.CONNECTING
        self.stream_sid = ""
        self._side = side
        self._named = b""  # ","streamSid":"…" with the stream's name, ready to be sent
        self._media_head = b""  # all of the bridge's `media` message before its payload
        self._account_sid = ""
        self._call_sid = ""
        self._sequence = 0
        self._chunk = 0

    def receive_audio(self, data: bytes | str) -> AudioReceived | None:
        """The frame of the caller's audio that a message of Twilio's brings; None for every other message.

        It never raises and changes nothing, so that what is no frame can be given to `receive_text`. For the bridge.
        """
        if self.state is not _STREAMING:
            return None
        try:
            message = DECODE_FROM_TWILIO(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        if type(message) is not MediaMessage or message.stream_sid != self.stream_sid:
            return None
        media = message.media
        return AudioReceived(media.payload, media.timestamp or 0) if media.track in INBOUND else None

    def receive_text(self, data: bytes | str) -> list[H]:
        """What the peer's text message means.

        Raises:
            RemoteProtocolError: It cannot be read, comes at a wrong time, or names another stream.
        """
        if len(data) > MAX_MESSAGE_BYTES:
            size = f"sent a message of {len(data)} bytes, over {MAX_MESSAGE_BYTES}"
            raise UnreadableMessage(self._peer, size)
        try:
            message = DECODE_FROM_BRIDGE(data) if self._side is Side.TWILIO else DECODE_FROM_TWILIO(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            kind = UnknownEvent if is_unknown_event(data) else UnreadableMessage
            raise kind(self._peer, f"sent a message that cannot be read ({error})", data) from error
        if (  # 50 a second and call
            type(message) is MediaMessage
            and self.state is StreamState.STREAMING
            and message.stream_sid == self.stream_sid
        ):
            media = message.media
            return [AudioReceived(media.payload, media.timestamp or 0)] if media.track in INBOUND else []  # type: ignore[list-item]
        if self._side is Side.TWILIO:
            return self._received_by_twilio(message)  # type: ignore[return-value, arg-type]
        return self._received_by_bridge(message)  # type: ignore[return-value, arg-type]

    def receive_binary(self, data: bytes) -> NoReturn:
        """The peer sent a binary message, which neither side ever does (Twilio warning 31950).

        Raises:
            RemoteProtocolError: Always.
        """
        raise UnreadableMessage(self._peer, "sent a binary message", data)

    # The bridge sends.

    def send_media(self, payload: bytes) -> bytes:
        """Play this mu-law, of any length, after what was sent before.

        Raises:
            LocalProtocolError: The stream has not started or has stopped.
        """
        if self.state is not _STREAMING or self._side is not _BRIDGE:
            self._require(Side.BRIDGE, StreamState.STREAMING)
        return b'%b%b"}}' % (self._media_head, b2a_base64(payload, newline=False))

    def send_mark(self, name: str) -> bytes:
        """Return `name` when all audio sent so far was played.

        Raises:
            LocalProtocolError: The stream has not started or has stopped.
        """
        return self._from_side(Side.BRIDGE, b'{"event":"mark', b',"mark":{"name":%b}}', encoded(name))

    def send_clear(self) -> bytes:
        """Drop what was not played yet.

        Raises:
            LocalProtocolError: The stream has not started or has stopped.
        """
        return self._from_side(Side.BRIDGE, b'{"event":"clear', b"%b}", b"")

    # Twilio sends.

    def send_connected(self) -> bytes:
        """The first message of the socket."""
        self._require(Side.TWILIO, StreamState.CONNECTING)
        self.state = StreamState.CONNECTED
        return b'{"event":"connected","protocol":"Call","version":"1.0.0"}'

    def send_start(self, stream_sid: str, call_sid: str, account_sid: str, parameters: Mapping[str, str]) -> bytes:
        """The stream begins."""
        self._require(Side.TWILIO, StreamState.CONNECTED)
        self._call_sid, self._account_sid = call_sid, account_sid
        self._open(stream_sid)
        start = (
            b'{"streamSid":%b,"accountSid":%b,"callSid":%b,"tracks":["inbound"],"customParameters":%b,"mediaFormat":%b}'
        )
        return self._from_side(
            Side.TWILIO,
            b'{"event":"start',
            b',"start":%b}',
            start
            % (
                encoded(stream_sid),
                encoded(account_sid),
                encoded(call_sid),
                encoded(dict(parameters)),
                encoded(MediaFormat()),
            ),
        )

    def send_audio(self, payload: bytes, timestamp_ms: int) -> bytes:
        """The caller was heard; numbers are strings, as Twilio writes them."""
        self._chunk += 1
        media = b'{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%b"}'
        content = media % (self._chunk, timestamp_ms, b2a_base64(payload, newline=False))
        return self._from_side(Side.TWILIO, b'{"event":"media', b',"media":%b}', content)

    def send_digit(self, digit: str) -> bytes:
        """The caller pressed a key."""
        dtmf = b',"dtmf":{"track":"inbound_track","digit":%b}}'
        return self._from_side(Side.TWILIO, b'{"event":"dtmf', dtmf, encoded(digit))

    def send_mark_returned(self, name: str) -> bytes:
        """A mark is given back: its audio was played, or dropped."""
        return self._from_side(Side.TWILIO, b'{"event":"mark', b',"mark":{"name":%b}}', encoded(name))

    def send_stop(self) -> bytes:
        """The stream ends."""
        content = b'{"accountSid":%b,"callSid":%b}' % (encoded(self._account_sid), encoded(self._call_sid))
        message = self._from_side(Side.TWILIO, b'{"event":"stop', b',"stop":%b}', content)
        self.state = StreamState.STOPPED
        return message

    # Inside.

    @property
    def _peer(self) -> str:
        return "Twilio" if self._side is Side.BRIDGE else "the bridge"

    def _received_by_bridge(self, message: FromTwilio) -> list[BridgeEvent]:
        if self.state not in EXPECTED[type(message)]:
            kind = message.__struct_config__.tag
            raise RemoteProtocolError("Twilio", f"sent '{kind}' to a stream that is {self.state.name.lower()}")
        match message:
            case ConnectedMessage():
                self.state = StreamState.CONNECTED
                return []
            case StartMessage(start):
                _require_format(start.media_format or MediaFormat())
                self._open(start.stream_sid)
                return [StreamStarted(start.stream_sid, start.call_sid, start.account_sid or "", start.parameters())]
            case DtmfMessage(stream_sid, dtmf):
                self._require_name(stream_sid)
                if dtmf.digit not in DIGITS:
                    raise RemoteProtocolError("Twilio", "sent a key that no telephone has", dtmf.digit)
                return [DigitPressed(dtmf.digit)]
            case MarkReturnedMessage(stream_sid, mark):
                self._require_name(stream_sid)
                return [MarkReturned(mark.name)]
            case StopMessage(stream_sid):
                self._require_name(stream_sid)
                self.state = StreamState.STOPPED
                return [StreamStopped()]
            case MediaMessage(stream_sid):
                self._require_name(stream_sid)
                raise AssertionError("taken before")

    def _received_by_twilio(self, message: FromBridge) -> list[TwilioEvent]:
        if self.state is StreamState.STOPPED:
            return []  # it was under way when the stream ended
        if self.state is not StreamState.STREAMING:
            raise RemoteProtocolError("the bridge", "sent a message before 'start'")
        self._require_name(message.stream_sid)
        match message:
            case PlayMessage(_, media):
                return [AudioQueued(media.payload)]
            case MarkMessage(_, mark):
                return [MarkQueued(mark.name)]
            case ClearMessage():
                return [PlaybackCleared()]

    def _open(self, stream_sid: str) -> None:
        self.stream_sid = stream_sid
        self.state = StreamState.STREAMING
        self._named = b'","streamSid":' + encoded(stream_sid)
        self._media_head = b'{"event":"media%b,"media":{"payload":"' % self._named

    def _from_side(self, side: Side, head: bytes, rest: bytes, content: bytes) -> bytes:
        self._require(side, StreamState.STREAMING)
        if side is Side.BRIDGE:
            return head + self._named + (rest % content)
        self._sequence += 1
        return head + b'","sequenceNumber":"%d' % self._sequence + self._named + (rest % content)

    def _require(self, side: Side, state: StreamState) -> None:
        if self._side is not side:
            raise LocalProtocolError(f"this message is not for the {self._side.name.lower()} to send")
        if self.state is not state:
            raise LocalProtocolError(f"the stream is {self.state.name.lower()}, not {state.name.lower()}")

    def _require_name(self, stream_sid: str) -> None:
        if stream_sid != self.stream_sid:
            raise RemoteProtocolError(self._peer, f"named another stream than {self.stream_sid}", stream_sid)


def require_little_audio(data: bytes | str) -> None:
    """Refuse a long message of Twilio's if it is one of audio; the audio is not decoded.

    Raises:
        TooMuchAudio: It holds more than `MAX_MEDIA_BYTES` of audio.
    """
    if len(data) > MAX_MEDIA_BYTES and event_of(data) == "media":
        raise TooMuchAudio("Twilio", f"sent audio in a message of {len(data)} bytes, over {MAX_MEDIA_BYTES}")


def _require_format(given: MediaFormat) -> None:
    encoding = "audio/x-mulaw" if given.encoding is None else given.encoding.lower()
    if encoding != "audio/x-mulaw" or (given.sample_rate or 8000) != 8000 or (given.channels or 1) != 1:
        found = f"{given.encoding} at {given.sample_rate} Hz with {given.channels} channel(s)"
        raise RemoteProtocolError("Twilio", f"streams {found}; only audio/x-mulaw at 8000 Hz mono is spoken here")
