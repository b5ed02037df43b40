"""A call as it sounded: both legs on one time axis, and what happened when.

Position 0 is the moment the line opened; both legs are mu-law, one byte a sample, gaps filled with silence.

One rule: the bridge's leg holds what the caller heard, not what the bridge sent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from telebridge.simulator.caller.sounds import SILENCE
from telebridge.simulator.media.playout import SAMPLES_PER_SECOND, Heard


class Kind(Enum):
    """What can happen in a call, as the simulator sees it."""

    STATUS = "status"
    REQUEST = "request"  # a webhook was asked: detail is method, URL and answer
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
    WHISPER = "whisper"  # somebody who was dialled is told something; detail is the text
    HUNG_UP = "hung-up"  # detail is who: caller, bridge, limit
    WARNING = "warning"  # Twilio's code and words
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something happened, at so many milliseconds after the line opened (negative: before)."""

    at_ms: float
    kind: Kind
    detail: str = ""

    def as_json(self) -> dict[str, object]:
        """For the simulator's own routes."""
        return {"at_ms": round(self.at_ms, 3), "kind": self.kind.value, "detail": self.detail}


@dataclass(slots=True)
class Recording:
    """Grows while the call goes on.

    Args:
        opened_at: When the line opened (monotonic seconds); until it does, when the call began.
        on_event: Is told each event as it happens.
    """

    opened_at: float
    on_event: Callable[[TimelineEvent], None] | None = None
    caller: bytearray = field(default_factory=bytearray)
    events: list[TimelineEvent] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    def open(self, at: float) -> None:
        """The line opens: position 0 is now, and what happened before gets negative times."""
        shift_ms = (at - self.opened_at) * 1000
        self.events = [TimelineEvent(event.at_ms - shift_ms, event.kind, event.detail) for event in self.events]
        self.opened_at = at

    def note(self, kind: Kind, detail: str = "", *, now: float) -> None:
        """Enter an event."""
        event = TimelineEvent((now - self.opened_at) * 1000, kind, detail)
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def of_kind(self, *kinds: Kind) -> list[TimelineEvent]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]

    @property
    def duration_ms(self) -> float:
        """How long the line was open."""
        return len(self.caller) / SAMPLES_PER_SECOND * 1000

    def caller_leg(self) -> bytes:
        """What the caller said, as long as the call."""
        return bytes(self.caller)

    def bridge_leg(self) -> bytes:
        """What the caller heard, as long as the call."""
        leg = bytearray(SILENCE * len(self.caller))
        for stretch in self.heard:
            start = round((stretch.start_time - self.opened_at) * SAMPLES_PER_SECOND)
            leg[start : start + len(stretch.audio)] = stretch.audio
        return bytes(leg[: len(self.caller)])
