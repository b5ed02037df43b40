"""A text that is spoken while its author writes it, buffered so that it can be spoken again from any character on.

One rule: the author is iterated once, by one task; every reader gets its tokens from the buffer.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable

from typing_extensions import override

from telebridge.errors import SpeechUnavailable
from telebridge.speech.source import Rereadable
from telebridge.speech.tokens import repaired_tokens


class ReplayBuffer:
    """The tokens of one author so far. Reading begins when it is made; call `stop` when nobody needs the text any more.

    Args:
        tokens: The author.
        on_token: Called with each token.
        on_end: Called once, when no more tokens will come.

    Attributes:
        error: What the author raised, if it failed.
    """

    def __init__(
        self, tokens: AsyncIterable[str], *, on_token: Callable[[str], None], on_end: Callable[[], None]
    ) -> None:
        self.error: Exception | None = None
        self._text = ""
        self._over = False
        self._waiting: set[asyncio.Event] = set()  # one for each reader
        self._on_token = on_token
        self._on_end = on_end
        self._reader = asyncio.get_running_loop().create_task(self._read(tokens))

    async def since(self, position: int) -> AsyncIterator[str]:
        """The text from this character on, as it is written. Raises at its end what the author raised."""
        more = asyncio.Event()
        self._waiting.add(more)
        try:
            while True:
                if len(self._text) > position:
                    token, position = self._text[position:], len(self._text)
                    yield token
                elif self.error is not None:
                    raise self.error
                elif self._over:
                    return
                else:
                    more.clear()
                    await more.wait()
        finally:
            self._waiting.discard(more)

    def stop(self) -> None:
        """Stop reading the author; readers get `SpeechUnavailable` unless the text was complete."""
        self._reader.cancel()

    async def _read(self, tokens: AsyncIterable[str]) -> None:
        try:
            async for token in repaired_tokens(tokens):
                self._text += token
                self._on_token(token)
                self._wake_readers()
        except asyncio.CancelledError:
            self.error = SpeechUnavailable("the author of the text was cancelled")
            raise
        except Exception as error:  # noqa: BLE001 - the top of a task that runs a user's generator
            self.error = error
        finally:
            self._over = True
            self._on_end()
            self._wake_readers()

    def _wake_readers(self) -> None:
        for more in self._waiting:
            more.set()


class StreamedText(Rereadable):
    """The text of one author from one character on; may be iterated any number of times.

    Args:
        buffer: Holds what was written.
        position: The first character, counted from 0.
    """

    def __init__(self, buffer: ReplayBuffer, position: int = 0) -> None:
        self._buffer = buffer
        self._position = position

    @classmethod
    def by(cls, author: AsyncIterable[str]) -> "StreamedText":
        """Begin to read an author. Call `stop` when the text was spoken, or will not be."""
        return cls(ReplayBuffer(author, on_token=lambda _: None, on_end=lambda: None))

    def stop(self) -> None:
        """Stop reading the author."""
        self._buffer.stop()

    @override
    def since(self, position: int) -> "StreamedText":
        return StreamedText(self._buffer, self._position + position)

    @override
    def __aiter__(self) -> AsyncIterator[str]:
        return self._buffer.since(self._position)
