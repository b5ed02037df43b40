"""The recording of a simulated call: the audio of both legs on one time axis, and the events.

Position 0 is the moment the line opened. Both legs are mu-law, one byte a sample, gaps filled with silence.

One rule: the bridge's leg is what the caller heard, not what the bridge sent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from telebridge.simulator.caller.sounds import SILENCE
from telebridge.simulator.media.playout import SAMPLES_PER_SECOND, HeardAudio


class EventKind(Enum):
    """The kinds of events of a call."""

    STATUS = "status"
    REQUEST = "request"  # a webhook request was made: detail is method, URL and status
    TWIML = "twiml"  # a verb begins
    STREAM_STARTED = "stream-started"
    STREAM_STOPPED = "stream-stopped"
    MEDIA = "media"  # the bridge sent audio: detail is its bytes
    MARK = "mark"  # the bridge sent a mark
    MARK_RETURNED = "mark-returned"
    CLEAR = "clear"
    KEY = "key"
    CALLER = "caller"  # a step of the caller's script begins
    SPEAKING = "speaking"  # the caller's first audible frame after quiet, and "ended"
    WHISPER = "whisper"  # a prompt is played to a dialed party alone; detail is the text
    HUNG_UP = "hung-up"  # detail is who: caller, bridge, limit
    WARNING = "warning"  # Twilio's code and words
    NOT_SIMULATED = "not-simulated"  # a part of a document that Twilio would perform
    RECORDING = "recording"  # a recording begins or ends: detail is its status and source
    CONFERENCE = "conference"  # an event of the conference that the caller is in
    QUEUE = "queue"  # the caller enters or leaves a queue
    SMS = "message"  # a text message is sent: detail is its receiver and body
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """An event, with its time in milliseconds after the line opened (negative: before)."""

    at_ms: float
    kind: EventKind
    detail: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the event for the simulator's own routes."""
        return {"at_ms": round(self.at_ms, 3), "kind": self.kind.value, "detail": self.detail}


@dataclass(slots=True)
class DualChannelRecording:
    """Both legs and the events of one call; it grows while the call goes on.

    Args:
        opened_at: When the line opened (monotonic seconds); before that, when the call began.
        on_event: Called with each event as it happens.
    """

    opened_at: float
    on_event: Callable[[TimelineEvent], None] | None = None
    caller: bytearray = field(default_factory=bytearray)
    events: list[TimelineEvent] = field(default_factory=list)
    heard: list[HeardAudio] = field(default_factory=list)

    def open(self, at: float) -> None:
        """Make `at` position 0, because the line opens; earlier events get negative times."""
        shift_ms = (at - self.opened_at) * 1000
        self.events = [TimelineEvent(event.at_ms - shift_ms, event.kind, event.detail) for event in self.events]
        self.opened_at = at

    def note(self, kind: EventKind, detail: str = "", *, now: float) -> None:
        """Record an event."""
        event = TimelineEvent((now - self.opened_at) * 1000, kind, detail)
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def of_kind(self, *kinds: EventKind) -> list[TimelineEvent]:
        """Return the events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]

    @property
    def duration_ms(self) -> float:
        """How long the line was open, in milliseconds."""
        return len(self.caller) / SAMPLES_PER_SECOND * 1000

    def caller_leg(self) -> bytes:
        """Return the caller's audio, as long as the call."""
        return bytes(self.caller)

    def bridge_leg(self) -> bytes:
        """Return what the caller heard, as long as the call."""
        leg = bytearray(SILENCE * len(self.caller))
        for stretch in self.heard:
            start = round((stretch.start_time - self.opened_at) * SAMPLES_PER_SECOND)
            leg[start : start + len(stretch.audio)] = stretch.audio
        return bytes(leg[: len(self.caller)])
