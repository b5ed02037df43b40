"""Twilio's end of one media stream: what the bridge sends is queued for the caller, what the caller does is sent on.

Follows Twilio's WebSocket messages and the warnings 31930, 31931, 31950, 31951, each given once per stream.

One rule: a message that is not exactly as documented is a warning, never the end of the stream.
"""

import json
from collections.abc import Mapping

from telebridge.errors import ProtocolError, RemoteProtocolError
from telebridge.simulator.media.playout import PlayoutBuffer
from telebridge.simulator.media.recording import Kind, Recording
from telebridge.twilio.media_stream import (
    AudioQueued,
    Event,
    MarkQueued,
    MediaStream,
    PlaybackCleared,
    Side,
)

# Captures of real streams show the first media at 155 and 171 ms, then 20 ms apart.
FIRST_TIMESTAMP_MS = 155
FRAME_MS = 20

SHAPES: Mapping[str, frozenset[str]] = {"media": frozenset({"payload"}), "mark": frozenset({"name"})}
WARNINGS = {
    31930: "caller audio discarded: the server reads too slowly",
    31931: "more than ten minutes of audio are buffered: new audio discarded",
    31950: "binary message",
    31951: "message not as documented",
}


def misshapen(text: str) -> str | None:
    """How a message of the bridge differs from the documented shape, a field too many or too few; else None."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(message, dict) or not isinstance(message.get("event"), str):
        return "no event"
    event = message["event"]
    if event == "clear":
        return _difference(message, frozenset({"event", "streamSid"}))
    if event not in SHAPES:
        return f"unknown event {event[:40]}"
    own = message.get(event)
    if not isinstance(own, dict):
        return f"{event} is not an object"
    return _difference(message, frozenset({"event", "streamSid", event})) or _difference(own, SHAPES[event])


def _difference(fields: Mapping[str, object], exactly: frozenset[str]) -> str | None:
    extra, missing = fields.keys() - exactly, exactly - fields.keys()
    if extra:
        return f"extra field {min(extra)[:40]}"
    return f"no {min(missing)}" if missing else None


class StreamLeg:
    """One stream over one call's playout.

    Args:
        stream_sid: Its name.
        playout: What the caller hears.
        recording: Where everything is noted.
        heed_misshapen: Whether a message with extra fields is acted on all the same; Twilio does not say what it does.
    """

    def __init__(
        self, stream_sid: str, playout: PlayoutBuffer, recording: Recording, *, heed_misshapen: bool = False
    ) -> None:
        self.stream_sid = stream_sid
        self.warned: set[int] = set()
        self._playout = playout
        self._recording = recording
        self._heed_misshapen = heed_misshapen
        self._machine = MediaStream(Side.TWILIO)
        self._frames = 0

    def open(self, *, call_sid: str, account_sid: str, parameters: Mapping[str, str]) -> list[bytes]:
        """The messages that open the stream."""
        return [
            self._machine.send_connected(),
            self._machine.send_start(self.stream_sid, call_sid, account_sid, parameters),
        ]

    def stop(self) -> bytes:
        """The message that ends the stream."""
        return self._machine.send_stop()

    def receive_text(self, text: str, *, now: float) -> list[bytes]:
        """The bridge sent a message; answers what is sent back."""
        problem = misshapen(text)
        if problem is not None:
            self.warn(31951, problem, now=now)
            if not self._heed_misshapen:
                return []
        try:
            events = self._machine.receive_text(text)
        except RemoteProtocolError as error:
            self.warn(31951, error.problem, now=now)
            return []
        return [message for event in events for message in self._heed(event, now=now)]

    def receive_binary(self, data: bytes, *, now: float) -> list[bytes]:
        """The bridge sent a binary message."""
        self.warn(31950, f"{len(data)} bytes", now=now)
        return []

    def send_frame(self, payload: bytes) -> bytes:
        """What the caller said during 20 ms."""
        timestamp_ms = FIRST_TIMESTAMP_MS + self._frames * FRAME_MS
        self._frames += 1
        return self._machine.send_audio(payload, timestamp_ms)

    def send_digit(self, digit: str) -> bytes:
        """The caller pressed a key."""
        return self._machine.send_digit(digit)

    def send_marks(self, names: list[str], *, now: float) -> list[bytes]:
        """Marks that the playout gave back."""
        for name in names:
            self._recording.note(Kind.MARK_RETURNED, name, now=now)
        return [self._machine.send_mark_returned(name) for name in names]

    def warn(self, code: int, detail: str, *, now: float) -> None:
        """Give a warning, unless it was given before."""
        if code not in self.warned:
            self.warned.add(code)
            self._recording.note(Kind.WARNING, f"{code} {WARNINGS[code]} ({detail})", now=now)

    def _heed(self, event: Event, *, now: float) -> list[bytes]:
        match event:
            case AudioQueued(payload):
                taken = self._playout.queue_audio(payload, now=now)
                self._recording.note(Kind.MEDIA, str(len(payload)), now=now)
                if taken < len(payload):
                    self.warn(31931, f"{len(payload) - taken} bytes", now=now)
                return []
            case MarkQueued(name):
                self._recording.note(Kind.MARK, name, now=now)
                return self.send_marks(self._playout.queue_mark(name, now=now), now=now)
            case PlaybackCleared():
                self._recording.note(Kind.CLEAR, now=now)
                return self.send_marks(self._playout.clear(now=now), now=now)
            case _:
                raise ProtocolError(f"{event} is not for Twilio's side")
