"""Work that is done again and again until it is drained: dialling, delivering.

This is a shell: it owns the loop and the waiting between two rounds. What a round does is its owner's.

One rule: a round that fails ends nothing; the next one comes later.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from telebridge.logs import logger

log = logger(__name__)


class Rounds:
    """The rounds of one process's work.

    Args:
        every_seconds: How long to wait between two rounds.
        trouble_seconds: How long after a round that failed.
    """

    def __init__(self, *, every_seconds: float, trouble_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._trouble_seconds = trouble_seconds
        self._wake = asyncio.Event()
        self._draining = False

    @property
    def draining(self) -> bool:
        """Whether nothing further is to be begun."""
        return self._draining

    def wake(self) -> None:
        """Let the next round begin at once."""
        self._wake.set()

    def drain(self) -> None:
        """Let no further round begin."""
        self._draining = True
        self._wake.set()

    async def run(self, work: Callable[[], Awaitable[object]], *, failed: str, **facts: str) -> None:
        """Work until drained.

        Args:
            work: One round.
            failed: What is logged of a round that failed.
            facts: What is logged with it.
        """
        while not self._draining:
            pause = self._every_seconds
            try:
                await work()
            except Exception:  # whatever it was, everything is safe in the store, and the next round may go well
                log.exception(failed, **facts)
                pause = self._trouble_seconds
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()
