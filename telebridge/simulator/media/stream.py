"""Twilio's end of one media stream: it queues the bridge's audio for playout and sends the caller's audio and keys.

Follows Twilio's WebSocket messages and the warnings 31930, 31931, 31950, 31951, each given once per stream.

One rule: a message that is not exactly as documented causes a warning, never the end of the stream.
"""

import json
from collections import deque
from collections.abc import Mapping

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS
from telebridge.errors import ProtocolError, RemoteProtocolError
from telebridge.simulator.media.playout import PlayoutBuffer
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
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

SHAPES: Mapping[str, frozenset[str]] = {"media": frozenset({"payload"}), "mark": frozenset({"name"})}
WARNINGS = {
    31930: "caller audio discarded: the server reads too slowly",
    31931: "more than ten minutes of audio are buffered: new audio discarded",
    31950: "binary message",
    31951: "message not as documented",
}


def shape_problem(text: str) -> str | None:
    """Return how a message differs from its documented shape, such as a missing or an extra field, or None."""
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
    """One media stream of a call.

    Args:
        stream_sid: The sid of the stream.
        playout: Plays the bridge's audio to the caller.
        recording: Receives the events of the stream.
        accept_extra_fields: Process a message with extra fields after the warning. Twilio does not document what it
            does with them.
        delay_marks_seconds: Marks come back so much later, as a fault.
        late_after_clear: Marks that a clear returns come back when their audio would have been heard, as a fault.
    """

    def __init__(
        self,
        stream_sid: str,
        playout: PlayoutBuffer,
        recording: DualChannelRecording,
        *,
        accept_extra_fields: bool = False,
        delay_marks_seconds: float = 0.0,
        late_after_clear: bool = False,
    ) -> None:
        self.stream_sid = stream_sid
        self.warned: set[int] = set()
        self._playout = playout
        self._recording = recording
        self._accept_extra_fields = accept_extra_fields
        self._delay_marks_seconds = delay_marks_seconds
        self._late_after_clear = late_after_clear
        self._late_marks: deque[tuple[float, str]] = deque()
        self._machine = MediaStream(Side.TWILIO)
        self._frames = 0

    def open(self, *, call_sid: str, account_sid: str, parameters: Mapping[str, str]) -> list[bytes]:
        """Return the messages that open the stream."""
        return [
            self._machine.send_connected(),
            self._machine.send_start(self.stream_sid, call_sid, account_sid, parameters),
        ]

    def stop(self) -> bytes:
        """Return the message that ends the stream."""
        return self._machine.send_stop()

    def receive_text(self, text: str, *, now: float) -> list[bytes]:
        """Receive a text message of the bridge and return the messages to send back."""
        problem = shape_problem(text)
        if problem is not None:
            self.warn(31951, problem, now=now)
            if not self._accept_extra_fields:
                return []
        try:
            events = self._machine.receive_text(text)
        except RemoteProtocolError as error:
            self.warn(31951, error.problem, now=now)
            return []
        return [message for event in events for message in self._apply(event, now=now)]

    def receive_binary(self, data: bytes, *, now: float) -> list[bytes]:
        """Receive a binary message of the bridge, which Twilio does not support; returns no messages."""
        self.warn(31950, f"{len(data)} bytes", now=now)
        return []

    def send_frame(self, payload: bytes) -> bytes:
        """Return the message with the caller's audio: 20 ms, or a multiple of silence."""
        timestamp_ms = FIRST_TIMESTAMP_MS + self._frames * FRAME_MS
        self._frames += len(payload) // FRAME_BYTES
        return self._machine.send_audio(payload, timestamp_ms)

    def send_digit(self, digit: str) -> bytes:
        """Return the message for a key that the caller pressed."""
        return self._machine.send_digit(digit)

    def send_marks(self, names: list[str], *, now: float) -> list[bytes]:
        """Return the messages for marks that the playout reached or cleared; late marks are kept until they are due."""
        if self._delay_marks_seconds:
            self._late_marks.extend((now + self._delay_marks_seconds, name) for name in names)
            names = []
        return self._marks(names, now=now)

    def next_deadline(self) -> float | None:
        """When the next late mark is due."""
        return self._late_marks[0][0] if self._late_marks else None

    def handle_timeout(self, *, now: float) -> list[bytes]:
        """Return the messages for late marks that are due."""
        names = []
        while self._late_marks and self._late_marks[0][0] <= now:
            names.append(self._late_marks.popleft()[1])
        return self._marks(names, now=now)

    def _marks(self, names: list[str], *, now: float) -> list[bytes]:
        for name in names:
            self._recording.note(EventKind.MARK_RETURNED, name, now=now)
        return [self._machine.send_mark_returned(name) for name in names]

    def warn(self, code: int, detail: str, *, now: float) -> None:
        """Record a warning, once per stream and code."""
        if code not in self.warned:
            self.warned.add(code)
            self._recording.note(EventKind.WARNING, f"{code} {WARNINGS[code]} ({detail})", now=now)

    def _apply(self, event: Event, *, now: float) -> list[bytes]:
        match event:
            case AudioQueued(payload):
                taken = self._playout.queue_audio(payload, now=now)
                self._recording.note(EventKind.MEDIA, str(len(payload)), now=now)
                if taken < len(payload):
                    self.warn(31931, f"{len(payload) - taken} bytes", now=now)
                return []
            case MarkQueued(name):
                self._recording.note(EventKind.MARK, name, now=now)
                return self.send_marks(self._playout.queue_mark(name, now=now), now=now)
            case PlaybackCleared():
                self._recording.note(EventKind.CLEAR, now=now)
                return self._clear(now=now)
            case _:
                raise ProtocolError(f"{event} is not for Twilio's side")

    def _clear(self, *, now: float) -> list[bytes]:
        """Drop what was not heard; returns the messages for the marks that come back at once."""
        due = self._playout.waiting_marks()
        names = self._playout.clear(now=now)
        if not self._late_after_clear:
            return self.send_marks(names, now=now)
        self._late_marks.extend(due)
        self._late_marks = deque(sorted(self._late_marks, key=lambda mark: mark[0]))
        return []
