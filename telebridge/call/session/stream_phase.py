"""The phases of a call: where its media stream is, and how long each phase may last.

One rule: a phase changes only as `TRANSITIONS` says. Whatever is not in that table is a bug of ours and raises; what a
peer may report late or twice is in it, as a transition that changes nothing.
"""

from collections import deque
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from telebridge.errors import LocalProtocolError

TRANSFER_SECONDS = 24 * 3600.0
"""Longer than any call: Twilio ends a `<Dial>` after four hours, and may fail to report it."""
MAX_FAILED_STARTS = 2
"""After so many streams in a row that never started, or never carried a frame, no other is requested."""
MAX_REQUESTS, REQUESTS_SECONDS = 10, 60.0
"""So many streams may be requested in so many seconds."""
NEVER = -1.0


class Phase(Enum):
    """Where a call and its media stream are.

    WAITING: there is no stream. Twilio has not connected it yet, or it was lost and Twilio may bring the call back. A
    stream that starts makes it live; after `wait_seconds` the call is over.

    LIVE: the stream is open. It is lost after `silent_seconds` without media, marks and keys.

    HELD: Twilio stopped the stream. The caller has hung up, or somebody changed the call at Twilio: music on hold,
    keys, an agent's desk. A final status ends the call; Twilio's question what follows brings it back; after
    `held_seconds` without either it is over.

    AWAY: we closed the stream for a transfer; Twilio dials, or the caller talks to another party. The end of the
    transfer brings the caller back, or ends the call.

    CLOSING: the flow is over and we closed the stream. The end of the stream ends the call, as do `close_seconds`.

    OVER: the call has ended. Nothing follows.

    Attributes:
        is_waiting: Whether a stream is waited for.
        is_live: Whether the stream is open.
        is_away: Whether the caller is being transferred.
        is_held: Whether Twilio stopped the stream, and may bring the call back.
        with_caller: Whether the caller is with us, or is to come back by a stream: something can be said to them.
        is_ending: Whether the flow is over.
        is_over: Whether the call is over.
    """

    WAITING = "waiting"
    LIVE = "live"
    HELD = "held"
    AWAY = "transferring"
    CLOSING = "closing"
    OVER = "over"

    def __init__(self, name: str) -> None:
        # Attributes and not properties: a call of a function for each frame of each call would be felt.
        self.is_waiting = name == "waiting"
        self.is_live = name == "live"
        self.is_away = name == "transferring"
        self.is_held = name == "held"
        self.with_caller = name in ("waiting", "live", "held")
        self.is_ending = name in ("closing", "over")
        self.is_over = name == "over"


class PhaseInput(Enum):
    """What changes the phase of a call.

    STREAM_REQUESTED: Twilio asked what follows, so that the call is alive, and gets the address of a stream.

    STREAM_STOPPED: Twilio ended the stream by itself.

    STREAM_LOST: the stream broke.
    """

    STREAM_REQUESTED = "stream requested"
    STREAM_STARTED = "stream started"
    STREAM_STOPPED = "stream stopped"
    STREAM_LOST = "stream lost"
    TRANSFER = "transfer"
    TRANSFER_DIALED = "transfer dialed"
    TRANSFER_ENDED = "transfer ended"
    CLOSE = "close"
    END = "end"


TRANSITIONS: Mapping[tuple[Phase, PhaseInput], Phase] = MappingProxyType(
    {
        (Phase.WAITING, PhaseInput.STREAM_REQUESTED): Phase.WAITING,
        (Phase.WAITING, PhaseInput.STREAM_STARTED): Phase.LIVE,
        (Phase.WAITING, PhaseInput.STREAM_STOPPED): Phase.WAITING,
        (Phase.WAITING, PhaseInput.STREAM_LOST): Phase.WAITING,
        (Phase.WAITING, PhaseInput.TRANSFER): Phase.AWAY,
        (Phase.WAITING, PhaseInput.END): Phase.OVER,
        (Phase.LIVE, PhaseInput.STREAM_STARTED): Phase.LIVE,
        (Phase.LIVE, PhaseInput.STREAM_STOPPED): Phase.HELD,
        (Phase.LIVE, PhaseInput.STREAM_LOST): Phase.WAITING,
        (Phase.LIVE, PhaseInput.TRANSFER): Phase.AWAY,
        (Phase.LIVE, PhaseInput.CLOSE): Phase.CLOSING,
        (Phase.LIVE, PhaseInput.END): Phase.OVER,
        (Phase.HELD, PhaseInput.STREAM_REQUESTED): Phase.WAITING,
        (Phase.HELD, PhaseInput.STREAM_STARTED): Phase.LIVE,
        (Phase.HELD, PhaseInput.STREAM_STOPPED): Phase.HELD,
        (Phase.HELD, PhaseInput.STREAM_LOST): Phase.HELD,
        (Phase.HELD, PhaseInput.TRANSFER): Phase.AWAY,
        (Phase.HELD, PhaseInput.END): Phase.OVER,
        (Phase.AWAY, PhaseInput.STREAM_STARTED): Phase.AWAY,
        (Phase.AWAY, PhaseInput.STREAM_STOPPED): Phase.AWAY,
        (Phase.AWAY, PhaseInput.STREAM_LOST): Phase.AWAY,
        (Phase.AWAY, PhaseInput.TRANSFER_DIALED): Phase.AWAY,
        (Phase.AWAY, PhaseInput.TRANSFER_ENDED): Phase.WAITING,
        (Phase.AWAY, PhaseInput.CLOSE): Phase.CLOSING,
        (Phase.AWAY, PhaseInput.END): Phase.OVER,
        (Phase.CLOSING, PhaseInput.STREAM_STARTED): Phase.CLOSING,
        (Phase.CLOSING, PhaseInput.STREAM_STOPPED): Phase.OVER,
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
        deadline: When `is_overdue` may be true, or None. No timer moves for each frame, so it may then be false still.
        last_media_at: When the last frame came over the current stream, in monotonic seconds; `NEVER` before the first.
        last_sign_at: When the stream started, or the last mark or key came over it.
        started_at: When the stream started.

    Args:
        wait_seconds: How long to wait for the stream, at the start and after it was lost.
        silent_seconds: After so long without media, marks and keys a live stream counts as lost.
        close_seconds: How long to wait for the end of a stream that we closed.
        held_seconds: How long a call whose stream Twilio stopped may be brought back.
    """

    __slots__ = (
        "_close_seconds",
        "_failed_starts",
        "_held_seconds",
        "_requested",
        "_requests",
        "_silent_seconds",
        "_wait_seconds",
        "deadline",
        "last_media_at",
        "last_sign_at",
        "phase",
        "started_at",
    )

    def __init__(
        self, *, wait_seconds: float, silent_seconds: float, close_seconds: float, held_seconds: float = 60.0
    ) -> None:
        self.phase = Phase.WAITING
        self.last_media_at = NEVER
        self.last_sign_at = 0.0
        self.started_at = 0.0
        self._wait_seconds = wait_seconds
        self._silent_seconds = silent_seconds
        self._close_seconds = close_seconds
        self._held_seconds = held_seconds
        self.deadline: float | None = None
        self._requested = False  # a stream that has not started yet
        self._failed_starts = 0  # in a row
        self._requests: deque[float] = deque(maxlen=MAX_REQUESTS + 1)

    def start(self, *, now: float, requested: bool = True) -> None:
        """Begin to wait for the first stream.

        Args:
            now: Monotonic seconds.
            requested: Whether Twilio has its address already.
        """
        self.deadline = now + self._wait_seconds
        self._requested = requested

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
        self._count(before, happened, now)
        if self.phase is not before:
            self.deadline = self._deadline_of(self.phase, now)
        elif happened is PhaseInput.TRANSFER_DIALED:
            self.deadline = now + TRANSFER_SECONDS
        return self.phase

    def _count(self, before: Phase, happened: PhaseInput, now: float) -> None:
        """Count the streams that could not be started, and those that were requested."""
        if happened is PhaseInput.STREAM_STARTED and self.phase.is_live:
            self._requested = False
            self.last_media_at, self.last_sign_at, self.started_at = NEVER, now, now
        elif happened is PhaseInput.STREAM_LOST and before.is_live:
            self._failed_starts = self._failed_starts + 1 if self.last_media_at == NEVER else 0
        elif happened is PhaseInput.STREAM_REQUESTED and self.phase.is_waiting:
            self._failed_starts += self._requested
            self._requested = True
            self._requests.append(now)

    def cannot_stream(self, *, now: float) -> bool:
        """Whether no other stream should be requested: they do not start, or are lost again and again."""
        recent = sum(at > now - REQUESTS_SECONDS for at in self._requests)
        return self._failed_starts >= MAX_FAILED_STARTS or recent > MAX_REQUESTS

    def _deadline_of(self, phase: Phase, now: float) -> float | None:
        match phase:
            case Phase.WAITING | Phase.AWAY:
                return now + self._wait_seconds
            case Phase.LIVE:
                return now + self._silent_seconds
            case Phase.HELD:
                return now + self._held_seconds
            case Phase.CLOSING:
                return now + self._close_seconds
            case Phase.OVER:
                return None

    def is_overdue(self, *, now: float) -> bool:
        """Whether the phase has lasted too long: the stream never came, gives no sign of life, or does not end."""
        if self.deadline is None or now < self.deadline:
            return False
        if not self.phase.is_live:
            return True
        self.deadline = max(self.last_media_at, self.last_sign_at) + self._silent_seconds
        return now >= self.deadline
