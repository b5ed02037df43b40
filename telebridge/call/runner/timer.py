"""One timer for the earliest of many deadlines, which move far more often than they come."""

import asyncio
from collections.abc import Callable


class DeadlineTimer:
    """The timer of one call; one that rings too early does no harm and is left alone.

    Args:
        loop: Whose time it is.
    """

    __slots__ = ("_loop", "_rings_at", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0  # kept here, because not every event loop's timers can tell it

    def set(self, deadline: float | None, ring: Callable[[], None]) -> None:
        """Ring at that time, or earlier; None for never. Who is rung must set the next deadline."""
        if self._timer is not None:
            if deadline is not None and self._rings_at <= deadline:
                return
            self.cancel()
        if deadline is not None:
            self._rings_at = deadline
            self._timer = self._loop.call_at(deadline, self._rang, ring)

    def cancel(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rang(self, ring: Callable[[], None]) -> None:
        self._timer = None
        ring()
