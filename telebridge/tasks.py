"""What runs beside a call: tasks that end with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """The tasks of one call; kept, because the event loop alone would let them vanish."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have it done from now on."""
        task = asyncio.get_running_loop().create_task(work, name="call")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        """The call is over: cancel all but the one that says so."""
        current = asyncio.current_task()
        for task in self._running:
            if task is not current:
                task.cancel()
