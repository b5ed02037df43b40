"""Which idle connections to keep open ahead of need: how many, for how long, and when to open more after a failure.

A handshake with a distant service takes longer than a caller should wait, so each address in use has a few spares. The
numbers are ours; that Rime answers 429 when connections are opened too fast is from its "Errors" page.

One rule: after a failure nothing is opened before the back-off is over.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from telebridge.timing.backoff import backoff_seconds

T = TypeVar("T")

FIRST_DELAY_SECONDS = 0.5
RATE_LIMITED_DELAY_SECONDS = 5.0
LONGEST_DELAY_SECONDS = 60.0
MOST_RETURNED = 16
"""Connections that are released while there are spares enough are kept up to this many. If they were closed, each
utterance would cost a handshake, because a new spare has taken their place by then. Those not needed expire."""


class SparePool(Generic[T]):
    """The spares of one address. Times are `now` in monotonic seconds.

    Args:
        wanted: How many spares to have.
        max_idle_seconds: A spare that was idle for longer has expired.
        keep_seconds: How long after its last use the address has spares; None for always.
        jitter: Returns a number from 0 to 1, by which delays are spread to avoid a thundering herd.
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

    def acquire(self, *, now: float) -> T | None:
        """Remove and return the spare that was idle for the shortest time, or None. Expired ones stay for `expired`."""
        self._used_at = now
        if self._idle and now - self._idle[-1][0] <= self._max_idle:
            return self._idle.pop()[1]
        return None

    def add(self, spare: T, *, now: float) -> bool:
        """Add a connection that is idle again. Returns False when there are enough, or none are wanted."""
        if not self._wanted or len(self._idle) >= max(self._wanted, MOST_RETURNED):
            return False
        self._idle.append((now, spare))
        return True

    def missing(self, *, now: float) -> int:
        """How many connections to open now; call `opening_started` for each."""
        if now < self._not_before or not self.is_kept(now=now):
            return 0
        return max(0, self._wanted - len(self._idle) - self._opening)

    def opening_started(self) -> None:
        """A connection is being opened; call `opened` or `opening_failed` next."""
        self._opening += 1

    def opened(self, spare: T, *, now: float) -> None:
        """A connection was opened."""
        self._opening -= 1
        self._failures = 0
        self._idle.append((now, spare))

    def opening_failed(self, *, now: float, rate_limited: bool = False) -> float:
        """A connection could not be opened.

        Args:
            now: The time.
            rate_limited: The service answered that connections are opened too fast.

        Returns:
            Seconds until the next attempt.
        """
        self._opening -= 1
        self._failures += 1
        first = RATE_LIMITED_DELAY_SECONDS if rate_limited else FIRST_DELAY_SECONDS
        delay = backoff_seconds(self._failures, first=first, longest=LONGEST_DELAY_SECONDS, jitter=self._jitter())
        self._not_before = now + delay
        return delay

    def expired(self, is_open: Callable[[T], bool], *, now: float) -> list[T]:
        """Remove and return the spares that are too old or not open, and all of an address that is not kept."""
        kept = self.is_kept(now=now)
        expired = [item for item in self._idle if not kept or now - item[0] > self._max_idle or not is_open(item[1])]
        self._idle = [item for item in self._idle if item not in expired]
        return [spare for _, spare in expired]

    def is_kept(self, *, now: float) -> bool:
        """Whether the address has spares, because it was used lately."""
        return self._keep is None or now - self._used_at <= self._keep

    def drain(self) -> list[T]:
        """Remove and return every spare."""
        spares = [spare for _, spare in self._idle]
        self._idle.clear()
        return spares
