"""Time in which the event loop ran: what a deadline for a vendor counts.

An event loop that is late, because the machine is overloaded or a callback took long, has not looked at what the vendor
sent meanwhile. Such time says nothing of the vendor. `RunningTime` leaves it out: whoever watches the loop calls `tick`
every `TICK_SECONDS`, and what a tick comes too late by is no running time.

One rule: time is left out only while somebody watches; without that, running time is the time of the loop.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

from typing_extensions import override

from telebridge.timing.timer import DeadlineTimer

TICK_SECONDS = 0.025
"""How often the loop is looked at; a deadline is put off by at most so much too little for each time that it stalls."""
ROUNDING = 1e-6
PUNCTUAL_SECONDS = 0.010
"""A tick that is no later than this is on time."""


class RunningTime:
    """The running time of one event loop, in its seconds; it never goes backwards.

    Args:
        loop: The event loop.

    Attributes:
        left_out: How many seconds did not count until the last tick. What comes often may subtract it from the time of
            the loop, in place of a call of `time`; while a tick is overdue that is later than the running time.
    """

    __slots__ = ("__weakref__", "_due", "_loop", "left_out")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.left_out = 0.0
        self._due: float | None = None  # when the next tick is due; None while nobody ticks

    def tick(self, now: float) -> float:
        """Look at the loop, at `now` in its time; to be called again at `now + TICK_SECONDS`.

        Returns:
            By how many seconds the tick was late.
        """
        late = 0.0 if self._due is None else max(0.0, now - self._due)
        self.left_out += max(0.0, late - PUNCTUAL_SECONDS)
        self._due = now + TICK_SECONDS
        return late

    def stop(self) -> None:
        """Nobody ticks any more: all time counts from now on."""
        self.tick(self._loop.time())
        self._due = None

    def time(self) -> float:
        """The present running time."""
        now = self._loop.time()
        if self._due is not None and now > self._due + PUNCTUAL_SECONDS:
            now = self._due + PUNCTUAL_SECONDS  # the tick that is overdue will leave the rest out
        return now - self.left_out

    def at(self, deadline: float | None) -> float | None:
        """When, in the time of the loop, a deadline in running time is reached at the earliest; None for never."""
        return None if deadline is None else deadline + self.left_out + ROUNDING


_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, RunningTime]" = WeakKeyDictionary()


def running_time() -> RunningTime:
    """The running time of the event loop that runs now."""
    loop = asyncio.get_running_loop()
    found = _of_loops.get(loop)
    if found is None:
        found = _of_loops[loop] = RunningTime(loop)
    return found


class RunningTimeout(AbstractAsyncContextManager["RunningTimeout"]):
    """A time-out that counts running time: `async with` it. Like `asyncio.timeout`, it raises `TimeoutError`.

    A subclass may put its end off by another `deadline`, which is asked when the time before is over.

    Args:
        seconds: How long the block may take.
    """

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = running_time()
        self._deadline = self._clock.time() + seconds
        self._timeout = asyncio.timeout(None)
        self._timer = DeadlineTimer(self._loop)

    @override
    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._timer_fired()
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        try:
            await self._timeout.__aexit__(kind, error, trace)
        finally:
            # It refers to the task, a cancelled task to its error, and that to the frames that refer to this: all would
            # stay until the garbage collector finds them.
            del self._timeout

    def deadline(self) -> float:
        """When it is over, in running time."""
        return self._deadline

    def _timer_fired(self) -> None:
        deadline = self.deadline()
        if self._clock.time() < deadline:
            self._timer.set(self._clock.at(deadline), self._timer_fired)
        else:
            self._timer.cancel()
            self._timeout.reschedule(self._loop.time())
