"""Two times for the local Twilio: the real one, and a virtual one in which nobody waits.

Everything in `telebridge.simulator` reads time from the running event loop alone. `VirtualTimeLoop` is an event loop
whose clock stands still while there is work and jumps to the next timer when there is none, so that a call of ten
minutes over real sockets on loopback takes as long as its messages take.

One rule: virtual time never passes while somebody outside the loop (a thread, a process) is at work for it, also when
nobody awaits that work any more.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple

from typing_extensions import override

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

VIRTUAL_START = 1000.0
VIRTUAL_WALLCLOCK = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SimulatorClock:
    """Monotonic seconds, and a wall clock that is computed from them, so that both agree."""

    now: Callable[[], float]
    anchor: float
    anchor_wallclock: datetime

    def wallclock(self, at: float | None = None) -> datetime:
        """The aware UTC instant of monotonic time `at`, or of now."""
        return self.anchor_wallclock + timedelta(seconds=(self.now() if at is None else at) - self.anchor)


def running_clock() -> SimulatorClock:
    """The clock of the running event loop: virtual in a `VirtualTimeLoop`, else real."""
    loop = asyncio.get_running_loop()
    start = VIRTUAL_WALLCLOCK if isinstance(loop, VirtualTimeLoop) else datetime.now(UTC)
    return SimulatorClock(loop.time, VIRTUAL_START if isinstance(loop, VirtualTimeLoop) else loop.time(), start)


class _JumpingSelector(selectors.BaseSelector):
    """Never sleeps until a timer: when nothing is ready it moves `now` there instead."""

    def __init__(self) -> None:
        self.now = VIRTUAL_START
        self.outside_work = 0
        self.busy: list[Callable[[], bool]] = []
        self._real = selectors.DefaultSelector()

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self.outside_work:
            return self._real.select(None)
        if any(busy() for busy in self.busy):
            return self._real.select(0.001)
        self.now += timeout
        return ready

    @override
    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    @override
    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    @override
    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    @override
    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    @override
    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time.

    The threads of `run_in_executor`, `asyncio.to_thread` and `getaddrinfo` are noticed. What other threads and
    processes do for the loop must be declared: by `thread_work`, `outside_work` or `hold_while`.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        self._default_threads: Executor | None = None
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.now

    @contextmanager
    def outside_work(self) -> Iterator[None]:
        """Hold the clock still inside the block, which awaits something that wakes the loop, as a pipe or a socket."""
        self._jumping.outside_work += 1
        try:
            yield
        finally:
            self._jumping.outside_work -= 1

    def hold_while(self, busy: Callable[[], bool]) -> None:
        """Hold the clock still whenever `busy()` is true; it is asked each time before the clock would jump."""
        self._jumping.busy.append(busy)

    def thread_work(
        self, function: Callable[[*Ts], T], answer: "asyncio.Future[Any] | None" = None
    ) -> Callable[[*Ts], T]:
        """Hold the clock still from now until a thread has called a function, and its answer is on the loop.

        Args:
            function: What the thread will call.
            answer: The future that the thread sets next; None when it sets none.

        Returns:
            The function to give to the thread, which must call it once.
        """
        self._jumping.outside_work += 1

        def work(*args: *Ts) -> T:
            try:
                return function(*args)
            finally:
                with suppress(RuntimeError):  # the loop was closed meanwhile
                    self.call_soon_threadsafe(self._worked, answer)

        return work

    @override
    def set_default_executor(self, executor: Executor) -> None:
        if not isinstance(executor, ThreadPoolExecutor):
            msg = "the default executor runs threads"
            raise TypeError(msg)
        self._default_threads = executor
        super().set_default_executor(executor)

    @override
    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        if executor is None:
            if self._default_threads is None:
                self.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
            executor = self._default_threads
        if executor is None:
            raise AssertionError
        self._jumping.outside_work += 1
        try:
            work = executor.submit(func, *args)
        except BaseException:
            self._jumping.outside_work -= 1
            raise
        answer = asyncio.wrap_future(work, loop=self)
        # After `wrap_future`, so that the answer is on the loop before the clock goes on. It is the work that is waited
        # for, not the answer: that is done when it is cancelled, and the thread works on.
        work.add_done_callback(self._thread_done)
        return answer

    @override
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads as they really take; on virtual time asyncio's patience with them is over at once."""
        with self.outside_work():
            await super().shutdown_default_executor()

    def _thread_done(self, _work: "Future[Any]") -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self.call_soon_threadsafe(self._worked, None)

    def _worked(self, answer: "asyncio.Future[Any] | None") -> None:
        """A thread has done its work; it is about to set the answer, unless that is set or cancelled already."""
        if answer is None or answer.done():
            self._jumping.outside_work -= 1
        else:
            answer.add_done_callback(lambda _: self._worked(None))


def run_virtual(main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """Run `main` to its end in a fresh `VirtualTimeLoop`; in the debug mode of asyncio when Python runs in its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop, debug=debug) as runner:
        return runner.run(main)
