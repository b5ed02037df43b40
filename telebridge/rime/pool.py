"""How many connections to hold open ahead of need, when to try again after a failure, and which are too old.

A handshake with a distant service takes longer than a caller should wait, so each address that is in use keeps a few
warm spares. The numbers are ours; that Rime answers 429 when connections are opened too fast is from its "Errors" page.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from telebridge.backoff import backoff_seconds

T = TypeVar("T")

FIRST_DELAY_SECONDS = 0.5
SLOWED_DELAY_SECONDS = 5.0
LONGEST_DELAY_SECONDS = 60.0
MOST_RETURNED = 16
"""Connections that come back while the spares are full are kept up to this many: turned away, each utterance would
cost a handshake, because the spare that took its place is there by then. Those not needed age out."""


class SparePool(Generic[T]):
    """Counts the spares of one address. Time is `now` in monotonic seconds.

    Args:
        wanted: How many spares to hold.
        max_idle_seconds: A spare that was idle for longer is not trusted any more.
        keep_seconds: How long after its last use the address is kept warm; None for always.
        jitter: Gives a number from 0 to 1; each delay is stretched by up to its half, lest many retry at once.
    """

    def __init__(
        self,
        *,
        wanted: int,
        max_idle_seconds: float,
        keep_seconds: float | None,
        jitter: Callable[[], float],
    ) -> None:
        self._wanted = wanted
        self._max_idle = max_idle_seconds
        self._keep = keep_seconds
        self._jitter = jitter
        self._idle: list[tuple[float, T]] = []  # since when, oldest first
        self._opening = 0
        self._failures = 0
        self._not_before = 0.0
        self._used_at = 0.0

    def take(self, *, now: float) -> T | None:
        """The spare that was idle for the shortest time, or None. Those idle for too long stay for `worn_out`."""
        self._used_at = now
        if self._idle and now - self._idle[-1][0] <= self._max_idle:
            return self._idle.pop()[1]
        return None

    def give(self, spare: T, *, now: float) -> bool:
        """Take a connection in that may be used again; False when there are enough, or none are wanted."""
        if not self._wanted or len(self._idle) >= max(self._wanted, MOST_RETURNED):
            return False
        self._idle.append((now, spare))
        return True

    def missing(self, *, now: float) -> int:
        """How many connections to open now; call `opening` for each."""
        if now < self._not_before or not self.is_kept(now=now):
            return 0
        return max(0, self._wanted - len(self._idle) - self._opening)

    def opening(self) -> None:
        """A connection is being opened."""
        self._opening += 1

    def opened(self, spare: T, *, now: float) -> None:
        """It is open."""
        self._opening -= 1
        self._failures = 0
        self._idle.append((now, spare))

    def failed(self, *, now: float, slowed: bool = False) -> float:
        """It could not be opened.

        Args:
            now: The time.
            slowed: The service said that connections come too fast.

        Returns:
            Seconds until the next attempt.
        """
        self._opening -= 1
        self._failures += 1
        first = SLOWED_DELAY_SECONDS if slowed else FIRST_DELAY_SECONDS
        delay = backoff_seconds(self._failures, first=first, longest=LONGEST_DELAY_SECONDS, jitter=self._jitter())
        self._not_before = now + delay
        return delay

    def worn_out(self, is_open: Callable[[T], bool], *, now: float) -> list[T]:
        """Take out the spares that are too old or no longer open, and those of an address that is not kept."""
        kept = self.is_kept(now=now)
        worn = [item for item in self._idle if not kept or now - item[0] > self._max_idle or not is_open(item[1])]
        self._idle = [item for item in self._idle if item not in worn]
        return [spare for _, spare in worn]

    def is_kept(self, *, now: float) -> bool:
        """Whether the address is worth spares at all."""
        return self._keep is None or now - self._used_at <= self._keep

    def all(self) -> list[T]:
        """Take out every spare."""
        spares = [spare for _, spare in self._idle]
        self._idle.clear()
        return spares
