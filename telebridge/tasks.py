"""Background tasks with an owner: kept until they are done, cancelled together.

One rule: the event loop keeps only weak references to tasks, so each task that nobody awaits is held by one of these.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Tasks:
    """A set of background tasks. Used on the event loop only.

    Args:
        name: The name given to the tasks, for `asyncio`'s own messages.
    """

    __slots__ = ("_name", "_running")

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """How many tasks are running."""
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task and hold it until it is done. Its exception is the business of whoever awaits the task."""
        task = asyncio.get_running_loop().create_task(work, name=self._name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        """Cancel all tasks but the one that calls this."""
        current = asyncio.current_task()
        for task in self._running:
            if task is not current:
                task.cancel()

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until all tasks are done, at most that many seconds; returns whether they are."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        return not self._running


async def in_daemon_thread(name: str, work: Callable[[], T]) -> T:
    """Return what blocking work returns, done in a thread that holds up no end of the process.

    When whoever waits is cancelled the thread goes on, and nobody hears of it.

    Args:
        name: The name of the thread.
        work: The work; what it raises is raised here.
    """
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(done)
