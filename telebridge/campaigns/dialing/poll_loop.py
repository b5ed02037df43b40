"""The poll loop of a process: repeats its work until it is drained, as the dialer and the webhook sender do.

This is a shell: it owns the loop and the wait between two calls of the work.

One rule: work that raises does not end the loop; it is called again after a longer wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from telebridge.logs import logger

log = logger(__name__)


class PollLoop:
    """Calls a coroutine function again and again.

    Args:
        every_seconds: How long to wait between two calls.
        trouble_seconds: How long to wait after a call that raised.
    """

    def __init__(self, *, every_seconds: float, trouble_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._trouble_seconds = trouble_seconds
        self._wake = asyncio.Event()
        self._draining = False

    @property
    def draining(self) -> bool:
        """Whether `drain` was called."""
        return self._draining

    def wake(self) -> None:
        """End the wait: call the work at once."""
        self._wake.set()

    def drain(self) -> None:
        """End the loop after the call that is under way."""
        self._draining = True
        self._wake.set()

    async def run(self, work: Callable[[], Awaitable[object]], *, failed: str, **facts: str) -> None:
        """Call the work until drained.

        Args:
            work: Called without arguments.
            failed: Logged when it raised.
            facts: Logged with that.
        """
        while not self._draining:
            pause = self._every_seconds
            try:
                await work()
            except Exception:  # everything is safe in the store, and the next call may succeed
                log.exception(failed, **facts)
                pause = self._trouble_seconds
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):  # not wait_for: its task may be cancelled before it begins to wait
                    await self._wake.wait()
            self._wake.clear()
