"""Background tasks with an owner: kept until they are done, cancelled together.

One rule: the event loop keeps only weak references to tasks, so each task that nobody awaits is held by one of these.
"""

import asyncio
from collections.abc import Coroutine
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
