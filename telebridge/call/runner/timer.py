"""One timer for the earliest of many deadlines, which move far more often than they come."""

import asyncio
from collections.abc import Callable


class DeadlineTimer:
    """The timer of one call. A call of `set` for each event is cheap: a timer that is due too early is left alone.

    Args:
        loop: The event loop whose time counts.
    """

    __slots__ = ("_due_at", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0  # kept here, because not every event loop's timers can tell it

    def set(self, deadline: float | None, callback: Callable[[], None]) -> None:
        """Call `callback` at the deadline or earlier, once; None for never. The callback must set the next deadline."""
        if self._timer is not None:
            if deadline is not None and self._due_at <= deadline:
                return
            self.cancel()
        if deadline is not None:
            self._due_at = deadline
            self._timer = self._loop.call_at(deadline, self._run, callback)

    def cancel(self) -> None:
        """Call nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self, callback: Callable[[], None]) -> None:
        self._timer = None
        callback()
