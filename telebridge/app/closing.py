"""Closes the parts of an application within a bound that is known only when it is told to stop.

One rule: a part that fails to close, or takes too long, keeps no other part from being closed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from aiohttp import web

from telebridge.logs import logger

log = logger(__name__)

LEAST_SECONDS = 0.05
"""So long each part may take at least, when the others have taken all the time."""


class Closing:
    """Closes parts one after the other, the one that was added last first. Call `close` at the end."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._drained_by: float | None = None

    def drained_by(self, when: float) -> None:
        """Bound the closing: what waits for others has until then, in seconds of the event loop's clock."""
        self._drained_by = when

    def add(self, part: str, close: Callable[[], Awaitable[object]], *, seconds: float) -> None:
        """Close a part at the end.

        Args:
            part: Its name, for the log.
            close: Closes it; it is cancelled when it takes too long.
            seconds: How long after the time of `drained_by` it may still take.
        """
        self._stack.push_async_callback(self._close, part, close, seconds)

    async def close(self) -> None:
        """Close all parts that were added."""
        await self._stack.aclose()

    async def _close(self, part: str, close: Callable[[], Awaitable[object]], seconds: float) -> None:
        until = None
        if self._drained_by is not None:
            until = max(self._drained_by + seconds, asyncio.get_running_loop().time() + LEAST_SECONDS)
        try:
            async with asyncio.timeout_at(until):
                await close()
        except TimeoutError:
            log.warning("a part was not closed in time", part=part)
        except Exception:  # the other parts must be closed all the same
            log.exception("a part could not be closed", part=part)


CLOSING = web.AppKey("CLOSING", Closing)
