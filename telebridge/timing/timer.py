"""A timer for a deadline that moves far more often than it is reached, such as one that every frame puts off.

One rule: a deadline that moves later leaves the event loop's timer alone; the callback then runs too early, and sets
the timer again.
"""

import asyncio
from collections.abc import Callable


class DeadlineTimer:
    """Calls back at a deadline, or before it.

    Args:
        loop: The event loop; deadlines are in its time, in seconds.
    """

    __slots__ = ("_fires_at", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None
        self._fires_at = 0.0  # kept here, because not every event loop's handles have `when`

    def set(self, deadline: float | None, callback: Callable[[], None]) -> None:
        """Call `callback` at `deadline` or earlier; None for never.

        The callback must compare the time with its deadline, and call `set` again if the deadline is still to come.
        """
        if self._handle is not None:
            if deadline is not None and self._fires_at <= deadline:
                return
            self.cancel()
        if deadline is not None:
            self._fires_at = deadline
            self._handle = self._loop.call_at(deadline, self._fired, callback)

    def cancel(self) -> None:
        """Do not call back. May be called again."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fired(self, callback: Callable[[], None]) -> None:
        self._handle = None
        callback()
