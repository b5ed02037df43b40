"""A text that is spoken while it is written, and can be gone back in: a lost stream cuts it anywhere.

One rule: its author is read once, ahead of the voice; whoever speaks it again reads what was remembered.

A streamed text that can be read more than once: what was said already is remembered for whoever speaks on.

One rule: its author is read once, by one task, whoever listens and however often.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable

from typing_extensions import override

from telebridge.errors import SpeechUnavailable
from telebridge.speech.source import Rereadable


class TokenTape:
    """The tokens of one text as they come.

    Args:
        tokens: The author; reading begins now.
        on_token: Told each.
        on_end: Told when no more will come.

    Attributes:
        error: What the author raised.
    """

    def __init__(
        self, tokens: AsyncIterable[str], *, on_token: Callable[[str], None], on_end: Callable[[], None]
    ) -> None:
        self.error: Exception | None = None
        self._text = ""
        self._over = False
        self._news: set[asyncio.Event] = set()
        self._on_token = on_token
        self._on_end = on_end
        self._reader = asyncio.get_running_loop().create_task(self._read(tokens))

    async def since(self, position: int) -> AsyncIterator[str]:
        """The text from this character on. What the author raised is raised here."""
        news = asyncio.Event()
        self._news.add(news)
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
                    news.clear()
                    await news.wait()
        finally:
            self._news.discard(news)

    def stop(self) -> None:
        """Read no more."""
        self._reader.cancel()

    async def _read(self, tokens: AsyncIterable[str]) -> None:
        try:
            async for token in tokens:
                self._text += token
                self._on_token(token)
                self._tell()
        except asyncio.CancelledError:
            self.error = SpeechUnavailable("the author of the text was cancelled")
            raise
        except Exception as error:  # noqa: BLE001 - the top of a task that runs a user's generator
            self.error = error
        finally:
            self._over = True
            self._on_end()
            self._tell()

    def _tell(self) -> None:
        for news in self._news:
            news.set()


class StreamedText(Rereadable):
    """The tokens of one author, from one place on.

    Args:
        tape: Remembers what was written.
        position: The place, in characters.
    """

    def __init__(self, tape: TokenTape, position: int = 0) -> None:
        self._tape = tape
        self._position = position

    @classmethod
    def by(cls, author: AsyncIterable[str]) -> "StreamedText":
        """Begin to read an author; to be stopped."""
        return cls(TokenTape(author, on_token=lambda _: None, on_end=lambda: None))

    def stop(self) -> None:
        """Read no more: nobody will speak it again."""
        self._tape.stop()

    @override
    def since(self, position: int) -> "StreamedText":
        return StreamedText(self._tape, self._position + position)

    @override
    def __aiter__(self) -> AsyncIterator[str]:
        return self._tape.since(self._position)
