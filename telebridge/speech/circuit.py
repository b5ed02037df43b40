"""When to ask a service again that could not be reached: not at once, and not by every caller.

One rule: while it is out of order, one caller at a time finds out whether it still is.
"""

from collections.abc import Callable

FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 60.0


class Circuit:
    """Whether one service is worth asking. Time is `now` in monotonic seconds.

    Args:
        jitter: Gives a number from 0 to 1; each delay is stretched by up to its half, lest many try at once.
    """

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._failures = 0
        self._not_before = 0.0

    def ready(self, *, now: float) -> bool:
        """Whether to ask it."""
        return not self._failures or now >= self._not_before

    def asked(self, *, now: float) -> None:
        """It is being asked; where it was out of order, others wait for the answer."""
        if self._failures:
            self._put_off(now)

    def worked(self) -> None:
        """It answered."""
        self._failures = 0

    def failed(self, *, now: float) -> float:
        """It could not be reached; gives the seconds until it is asked again."""
        self._failures += 1
        return self._put_off(now)

    def _put_off(self, now: float) -> float:
        doubled = FIRST_DELAY_SECONDS * float(1 << min(self._failures - 1, 16))
        delay = min(doubled, LONGEST_DELAY_SECONDS) * (1 + self._jitter() / 2)
        self._not_before = now + delay
        return delay
