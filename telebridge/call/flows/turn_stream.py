"""The caller's turns as a Python flow iterates over them.

One rule: who stops waiting for a turn loses none; a later wait goes on with the next one.
"""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Self

from typing_extensions import override

from telebridge.turns.caller_turn import CallerTurn


class TurnStream(AsyncIterator[CallerTurn]):
    """Abstract: what the caller says, turn by turn, until the call is over."""

    @override
    def __aiter__(self) -> Self:
        return self

    @override
    @abstractmethod
    async def __anext__(self) -> CallerTurn:
        """Wait for the next turn."""

    @abstractmethod
    async def aclose(self) -> None:
        """Take no turns any more."""


class QueuedTurns(TurnStream):
    """The turns of a call, as they come.

    Args:
        stop: Called when no more are wanted.
    """

    def __init__(self, stop: Callable[["QueuedTurns"], None]) -> None:
        self._queue: asyncio.Queue[CallerTurn | None] = asyncio.Queue()
        self._stop = stop
        self._over = False

    def put(self, turn: CallerTurn | None) -> None:
        """Take the next turn; None after the last one."""
        self._queue.put_nowait(turn)

    @override
    async def __anext__(self) -> CallerTurn:
        turn = None if self._over else await self._queue.get()
        if turn is None:
            self._over = True
            raise StopAsyncIteration
        return turn

    @override
    async def aclose(self) -> None:
        if not self._over:
            self._over = True
            self._stop(self)
