"""One utterance under way from whoever makes it to whoever plays it: the `SpeechStream` of every source.

One rule: after `clear` nothing comes out, whatever is still put in.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from typing_extensions import override

from telebridge.errors import SpeechError
from telebridge.speech.source import SpeechEvent, SpeechStream


class Utterance(SpeechStream):
    """A stream that its maker fills, and ends or fails.

    Args:
        on_clear: Told once, when the listener wants no more of an utterance that was not complete.

    Attributes:
        substitute: Whether another voice stood in for some of it; known when it is complete.
    """

    def __init__(self, on_clear: Callable[[], None] | None = None) -> None:
        self.substitute = False
        self._on_clear = on_clear
        self._events: deque[SpeechEvent] = deque()
        self._listener: asyncio.Future[None] | None = None  # an Event would make as much of it for every piece
        self._over = False
        self._error: SpeechError | None = None

    @property
    def over(self) -> bool:
        """Whether it is complete, failed, or was cleared."""
        return self._over

    def put(self, event: SpeechEvent) -> None:
        """Add what was made."""
        if not self._over:
            self._events.append(event)
            self._wake()

    def end(self, error: SpeechError | None = None) -> None:
        """There is no more; with an error, it is raised once everything before it was taken."""
        if not self._over:
            self._over, self._error = True, error
            self._wake()

    @override
    def clear(self) -> None:
        self._events.clear()
        self._error = None
        if not self._over:
            self._over = True
            self._wake()
            if self._on_clear is not None:
                self._on_clear()

    @override
    def __aiter__(self) -> "Utterance":
        return self

    @override
    async def __anext__(self) -> SpeechEvent:
        while not self._events:
            if self._over:
                error, self._error = self._error, None
                raise error or StopAsyncIteration
            self._listener = asyncio.get_running_loop().create_future()
            await self._listener
        return self._events.popleft()

    def _wake(self) -> None:
        if self._listener is not None and not self._listener.done():
            self._listener.set_result(None)


def is_substitute(stream: SpeechStream) -> bool:
    """Whether another voice stood in for some of a stream that is complete: good to be heard, not to be kept."""
    return bool(getattr(stream, "substitute", False))
