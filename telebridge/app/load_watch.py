"""Watches the load of this process: looks at the event loop, and tells `Overload` and `RunningTime` what it saw.

One rule: an episode of overload is one line in the log when it begins and one when it ends, however many calls it
costs.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from telebridge import metrics
from telebridge.call.overload import AVERAGED_SECONDS, Overload, OverloadBegan, OverloadEnded, OverloadEvent
from telebridge.logs import logger
from telebridge.timing.running_time import TICK_SECONDS, RunningTime, running_time

log = logger(__name__)

SHARE_EVERY_TICKS = 4
"""The share of the core is measured at each fourth tick, which is ten times a second: it asks the operating system."""
SHARE_LOOKS = 1 + round(AVERAGED_SECONDS / (SHARE_EVERY_TICKS * TICK_SECONDS))
"""How many such looks there are in the time over which it is measured, the first and the last one included."""


class LoadWatch:
    """The load of one process. Call `start` on its event loop, and `stop` at the end.

    Until it is started, every call is accepted and all time counts as running time.

    Args:
        overload: Decides.
        live: Returns how many calls are live.
        processor_seconds: Returns how much processor time the process has used.
    """

    def __init__(
        self, overload: Overload, live: Callable[[], int], processor_seconds: Callable[[], float] = time.process_time
    ) -> None:
        self._overload = overload
        self._live = live
        self._processor_seconds = processor_seconds
        self._used: deque[tuple[float, float]] = deque(maxlen=SHARE_LOOKS)  # the time, and what was used by then
        self._share = 0.0
        self._ticks = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def refuses(self) -> bool:
        """Whether a call that arrives now must be refused."""
        return self._overload.refuses

    def start(self) -> None:
        """Begin to look."""
        self._tick(asyncio.get_running_loop(), running_time())

    def stop(self) -> None:
        """Look no longer; calls are accepted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            running_time().stop()

    def call_began(self) -> None:
        """A call was accepted."""
        if self._timer is not None:
            self._tell(self._overload.call_began(now=asyncio.get_running_loop().time()))

    def call_refused(self) -> None:
        """A call was refused for the load."""
        self._overload.call_refused()

    def _tick(self, loop: asyncio.AbstractEventLoop, clock: RunningTime) -> None:
        now = loop.time()
        late = clock.tick(now)
        self._timer = loop.call_at(now + TICK_SECONDS, self._tick, loop, clock)
        if self._ticks % SHARE_EVERY_TICKS == 0:
            self._measure_share(now)
        self._ticks += 1
        self._tell(self._overload.measure(lag_ms=late * 1000, core_share=self._share, live=self._live(), now=now))

    def _measure_share(self, now: float) -> None:
        self._used.append((now, self._processor_seconds()))
        (since, before), (_, used) = self._used[0], self._used[-1]
        self._share = (used - before) / (now - since) if now > since else 0.0
        metrics.LOOP_LAG_SECONDS.set(self._overload.lag_ms / 1000)
        metrics.CORE_SHARE.set(self._share)

    def _tell(self, events: list[OverloadEvent]) -> None:
        for event in events:
            match event:
                case OverloadBegan(lag_ms, share, expected, live):
                    metrics.OVERLOADS.inc()
                    log.warning(
                        "overload: new calls are refused",
                        lag_ms=round(lag_ms, 1),
                        core_share=round(share, 2),
                        expected_share=round(expected, 2),
                        live=live,
                    )
                case OverloadEnded(seconds, refused):
                    log.info("the overload is over: calls are accepted", seconds=round(seconds, 1), refused=refused)
