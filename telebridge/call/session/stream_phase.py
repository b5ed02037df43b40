"""The phases of a call: where its media stream is, and how long each phase may last.

One rule: a phase changes only as `TRANSITIONS` says. Whatever is not in that table is a bug of ours and raises; what a
peer may report late or twice is in it, as a transition that changes nothing.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from telebridge.errors import LocalProtocolError

TRANSFER_SECONDS = 24 * 3600.0
"""Longer than any call: Twilio ends a `<Dial>` after four hours, and may fail to report it."""


class Phase(Enum):
    """Where a call and its media stream are.

    WAITING: there is no stream. Twilio has not connected it yet, or it was lost and Twilio may bring the call back. A
    stream that starts makes it live; after `wait_seconds` the call is over.

    LIVE: the stream is open. It is lost after `silent_seconds` without media.

    AWAY: we closed the stream for a transfer; Twilio dials, or the caller talks to another party. The end of the
    transfer brings the caller back, or ends the call.

    CLOSING: the flow is over and we closed the stream. The end of the stream ends the call, as do `close_seconds`.

    OVER: the call has ended. Nothing follows.

    Attributes:
        is_waiting: Whether a stream is waited for.
        is_live: Whether the stream is open.
        is_away: Whether the caller is being transferred.
        with_caller: Whether the caller is with us, or is to come back by a stream: something can be said to them.
        is_ending: Whether the flow is over.
        is_over: Whether the call is over.
    """

    WAITING = "waiting"
    LIVE = "live"
    AWAY = "transferring"
    CLOSING = "closing"
    OVER = "over"

    def __init__(self, name: str) -> None:
        # Attributes and not properties: a call of a function for each frame of each call would be felt.
        self.is_waiting = name == "waiting"
        self.is_live = name == "live"
        self.is_away = name == "transferring"
        self.with_caller = name in ("waiting", "live")
        self.is_ending = name in ("closing", "over")
        self.is_over = name == "over"


class PhaseInput(Enum):
    """What changes the phase of a call."""

    STREAM_STARTED = "stream started"
    STREAM_LOST = "stream lost"
    TRANSFER = "transfer"
    TRANSFER_DIALED = "transfer dialed"
    TRANSFER_ENDED = "transfer ended"
    CLOSE = "close"
    END = "end"


TRANSITIONS: Mapping[tuple[Phase, PhaseInput], Phase] = MappingProxyType(
    {
        (Phase.WAITING, PhaseInput.STREAM_STARTED): Phase.LIVE,
        (Phase.WAITING, PhaseInput.STREAM_LOST): Phase.WAITING,
        (Phase.WAITING, PhaseInput.TRANSFER): Phase.AWAY,
        (Phase.WAITING, PhaseInput.END): Phase.OVER,
        (Phase.LIVE, PhaseInput.STREAM_STARTED): Phase.LIVE,
        (Phase.LIVE, PhaseInput.STREAM_LOST): Phase.WAITING,
        (Phase.LIVE, PhaseInput.TRANSFER): Phase.AWAY,
        (Phase.LIVE, PhaseInput.CLOSE): Phase.CLOSING,
        (Phase.LIVE, PhaseInput.END): Phase.OVER,
        (Phase.AWAY, PhaseInput.STREAM_STARTED): Phase.AWAY,
        (Phase.AWAY, PhaseInput.STREAM_LOST): Phase.AWAY,
        (Phase.AWAY, PhaseInput.TRANSFER_DIALED): Phase.AWAY,
        (Phase.AWAY, PhaseInput.TRANSFER_ENDED): Phase.WAITING,
        (Phase.AWAY, PhaseInput.CLOSE): Phase.CLOSING,
        (Phase.AWAY, PhaseInput.END): Phase.OVER,
        (Phase.CLOSING, PhaseInput.STREAM_STARTED): Phase.CLOSING,
        (Phase.CLOSING, PhaseInput.STREAM_LOST): Phase.OVER,
        (Phase.CLOSING, PhaseInput.CLOSE): Phase.CLOSING,
        (Phase.CLOSING, PhaseInput.END): Phase.OVER,
        (Phase.OVER, PhaseInput.END): Phase.OVER,
    }
)


class PhaseMachine:
    """Follows the phase of one call, and its deadline.

    Attributes:
        phase: The current one.
        last_media_at: When the last frame came over the stream, in monotonic seconds.

    Args:
        wait_seconds: How long to wait for the stream, at the start and after it was lost.
        silent_seconds: After so long without media a live stream counts as lost.
        close_seconds: How long to wait for the end of a stream that we closed.
    """

    __slots__ = ("_close_seconds", "_deadline", "_silent_seconds", "_wait_seconds", "last_media_at", "phase")

    def __init__(self, *, wait_seconds: float, silent_seconds: float, close_seconds: float) -> None:
        self.phase = Phase.WAITING
        self.last_media_at = 0.0
        self._wait_seconds = wait_seconds
        self._silent_seconds = silent_seconds
        self._close_seconds = close_seconds
        self._deadline: float | None = None

    def start(self, *, now: float) -> None:
        """Begin to wait for the first stream."""
        self._deadline = now + self._wait_seconds

    def handle(self, happened: PhaseInput, *, now: float) -> Phase:
        """Return the phase after an input; a phase that is entered begins its own deadline.

        Raises:
            LocalProtocolError: The table has no such transition.
        """
        before = self.phase
        try:
            self.phase = TRANSITIONS[before, happened]
        except KeyError:
            raise LocalProtocolError(f"a call that is {before.value} cannot take '{happened.value}'") from None
        if happened is PhaseInput.STREAM_STARTED and self.phase.is_live:
            self.last_media_at = now
        if self.phase is not before:
            self._deadline = self._deadline_of(self.phase, now)
        elif happened is PhaseInput.TRANSFER_DIALED:
            self._deadline = now + TRANSFER_SECONDS
        return self.phase

    def _deadline_of(self, phase: Phase, now: float) -> float | None:
        match phase:
            case Phase.WAITING | Phase.AWAY:
                return now + self._wait_seconds
            case Phase.LIVE:
                return now + self._silent_seconds
            case Phase.CLOSING:
                return now + self._close_seconds
            case Phase.OVER:
                return None

    def next_deadline(self) -> float | None:
        """When `is_overdue` may be true, or None. No timer moves for each frame, so it may then be false still."""
        return self._deadline

    def is_overdue(self, *, now: float) -> bool:
        """Whether the phase has lasted too long: the stream never came, carries no media, or does not end."""
        if self._deadline is None or now < self._deadline:
            return False
        if not self.phase.is_live:
            return True
        self._deadline = self.last_media_at + self._silent_seconds
        return now >= self._deadline
