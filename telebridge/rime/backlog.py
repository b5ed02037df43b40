"""Text on its way to Rime: taken from its author as it comes, handed out in requests of a bounded length."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable

from telebridge.errors import SpeechUnavailable
from telebridge.speech.segmentation import SentenceSegmenter, pieces_of

SILENT = " \t\r\n.,;:!?…\"'()[]-–—"  # noqa: RUF001 - the dashes are meant
"""A request of nothing but these is not made: nothing in it is to be said, and a lone full stop was heard as "dot"."""


class TextBacklog:
    """The text of one utterance.

    A whole text is cut into as few requests as the limit allows. A stream of tokens is cut at sentence ends; what has
    gathered when the next request is due goes into it together.

    Args:
        max_characters: The most in one request.
    """

    def __init__(self, text: str | AsyncIterable[str], max_characters: int) -> None:
        self._max = max_characters
        self._pieces: deque[str] = deque()
        self._news = asyncio.Event()
        self._complete = isinstance(text, str)
        self._error: BaseException | None = None
        self._reader: asyncio.Task[None] | None = None
        if isinstance(text, str):
            self._pieces += pieces_of(text, max_characters)
        else:
            self._reader = asyncio.get_running_loop().create_task(self._read(text))

    async def next_request(self) -> str | None:
        """The next text to be spoken, or None when all was handed out. What the author raised is raised here."""
        while True:
            request = self._gathered()
            if request.strip(SILENT):
                return request
            if self._error is not None:
                raise self._error
            if self._complete:
                return None
            self._news.clear()
            await self._news.wait()

    async def aclose(self) -> None:
        """Stop reading tokens."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def _gathered(self) -> str:
        request = ""
        while self._pieces and len(request) + len(self._pieces[0]) <= self._max:
            request += self._pieces.popleft()
        return request

    async def _read(self, tokens: AsyncIterable[str]) -> None:
        segmenter = SentenceSegmenter(self._max)
        try:
            async for token in tokens:
                if pieces := segmenter.feed(token):
                    self._pieces += pieces
                    self._news.set()
        except Exception as error:  # noqa: BLE001 - the top of a task that runs a user's generator
            self._error = error
        except asyncio.CancelledError:
            self._error = SpeechUnavailable("the author of the text was cancelled")
            self._complete = True
            self._news.set()
            raise
        self._pieces += segmenter.finish()
        self._complete = True
        self._news.set()
