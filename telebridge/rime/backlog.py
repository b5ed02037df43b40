"""The text of an utterance that was not requested yet, cut into requests within Rime's limit.

Rime, "WebSockets": at most 500 characters.

One rule: no character is lost or repeated, however the author cuts the text into tokens.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable

from telebridge.errors import SpeechUnavailable
from telebridge.speech.segmentation import SentenceSegmenter, pieces_of

SILENT = " \t\r\n.,;:!?…\"'()[]-–—"  # noqa: RUF001 - the dashes are meant
"""A request of these characters alone is not made: it has no sound, and a lone full stop was heard as "dot"."""


class TextBacklog:
    """The text of one utterance.

    A whole text is cut into as few requests as the limit allows. A stream of tokens is cut at sentence ends, and the
    sentences that have come when the next request is due go into it together. Call `aclose` at the end.

    Args:
        max_characters: The most characters in one request.
    """

    def __init__(self, text: str | AsyncIterable[str], max_characters: int) -> None:
        self._max = max_characters
        self._pieces: deque[str] = deque()
        self._more = asyncio.Event()
        self._complete = isinstance(text, str)
        self._error: BaseException | None = None
        self._reader: asyncio.Task[None] | None = None
        if isinstance(text, str):
            self._pieces += pieces_of(text, max_characters)
        else:
            self._reader = asyncio.get_running_loop().create_task(self._read(text))

    async def next_request(self) -> str | None:
        """Wait for the next request's text; None after the last. Raises what the author of the text raised."""
        while True:
            request = self._gathered()
            if request.strip(SILENT):
                return request
            if self._error is not None:
                raise self._error
            if self._complete:
                return None
            self._more.clear()
            await self._more.wait()

    async def aclose(self) -> None:
        """Stop reading the author's tokens."""
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
                    self._more.set()
        except Exception as error:  # noqa: BLE001 - the top of a task that runs a user's generator
            self._error = error
        except asyncio.CancelledError:
            self._error = SpeechUnavailable("the author of the text was cancelled")
            self._complete = True
            self._more.set()
            raise
        self._pieces += segmenter.finish()
        self._complete = True
        self._more.set()
