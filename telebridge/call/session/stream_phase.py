"""Where the media stream of a call stands, and for how long its absence or its silence is borne."""

from enum import Enum, auto

AWAY_SECONDS = 24 * 3600.0
"""Longer than any call: Twilio ends a `<Dial>` after four hours, and may fail to say so."""


class Phase(Enum):
    """Where a call stands."""

    WAITING = auto()  # no stream: Twilio has not connected it yet, or it was lost and Twilio may bring the call back
    LIVE = auto()  # the stream is open
    AWAY = auto()  # we closed the stream; the caller is being connected with somebody else, and may come back
    CLOSING = auto()  # we closed the stream; the flow is over
    OVER = auto()  # nothing more will happen


class StreamWatch:
    """Follows the phases of one call.

    Attributes:
        phase: Where it stands.
        heard_at: When something last came over the stream.

    Args:
        wait_seconds: How long to wait for the stream, at the start and after it was lost.
        silent_seconds: A live stream on which nothing came for so long is dead.
        close_seconds: How long to wait for the end of a stream that we closed.
    """

    __slots__ = ("_close_seconds", "_deadline", "_silent_seconds", "_wait_seconds", "heard_at", "phase")

    def __init__(self, *, wait_seconds: float, silent_seconds: float, close_seconds: float) -> None:
        self.phase = Phase.WAITING
        self._wait_seconds = wait_seconds
        self._silent_seconds = silent_seconds
        self._close_seconds = close_seconds
        self.heard_at = 0.0
        self._deadline: float | None = None

    def wait(self, *, now: float) -> None:
        """There is no stream, or no longer."""
        self.phase = Phase.WAITING
        self._deadline = now + self._wait_seconds

    def opened(self, *, now: float) -> None:
        """The stream is there."""
        self.phase = Phase.LIVE
        self.heard_at = now
        self._deadline = now + self._silent_seconds

    def away(self, *, now: float) -> None:
        """We closed it for a transfer; Twilio must ask soon whom to dial, unless the caller has hung up."""
        self.phase = Phase.AWAY
        self._deadline = now + self._wait_seconds

    def dialling(self, *, now: float) -> None:
        """Twilio was told whom to dial: the caller talks to somebody else meanwhile."""
        self._deadline = now + AWAY_SECONDS

    def closing(self, *, now: float) -> None:
        """We closed it."""
        self.phase = Phase.CLOSING
        self._deadline = now + self._close_seconds

    def over(self) -> None:
        """The call has ended."""
        self.phase = Phase.OVER
        self._deadline = None

    def next_deadline(self) -> float | None:
        """When `is_overdue` may say yes; no timer moves for each frame, so it may say no again."""
        return self._deadline

    def is_overdue(self, *, now: float) -> bool:
        """Whether the phase has lasted too long: the stream never came, is silent, or does not end."""
        if self._deadline is None or now < self._deadline:
            return False
        if self.phase is not Phase.LIVE:
            return True
        self._deadline = self.heard_at + self._silent_seconds
        return now >= self._deadline
