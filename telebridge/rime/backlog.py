"""The text of an utterance that was not requested yet, cut into requests within Rime's limit.

Rime, "WebSockets": at most 500 characters.

One rule: no character is lost or repeated, however the author cuts the text into tokens.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable

from telebridge.errors import SpeechUnavailable
from telebridge.speech.segmentation import SentenceSegmenter, pieces_of
from telebridge.speech.tokens import repaired_tokens
from telebridge.timing.timer import DeadlineTimer
from telebridge.unicode_text import is_speakable, repaired

STALLED_SECONDS = 1.0


class TextBacklog:
    """The text of one utterance.

    A whole text is cut into as few requests as the limit allows. A stream of tokens is cut at sentence ends; what has
    gathered when the next request is due goes into it together. When no token has come for a while, what there is goes
    out up to the last whole word. A request without a letter or a digit is never made: it would have no sound, and a
    lone full stop was heard as "dot".

    Args:
        text: The whole, or its tokens; reading these begins now.
        max_characters: The most in one request.
        stalled_seconds: How long a sentence that has begun waits for its next token.
    """

    def __init__(
        self, text: str | AsyncIterable[str], max_characters: int, stalled_seconds: float = STALLED_SECONDS
    ) -> None:
        self._max = max_characters
        self._stalled_seconds = stalled_seconds
        self._segmenter = SentenceSegmenter(max_characters)
        self._loop = asyncio.get_running_loop()
        self._timer = DeadlineTimer(self._loop)
        self._stalls_at = 0.0
        self._pieces: deque[str] = deque()
        self._more = asyncio.Event()
        self._complete = isinstance(text, str)
        self._error: BaseException | None = None
        self._reader: asyncio.Task[None] | None = None
        if isinstance(text, str):
            self._pieces += pieces_of(repaired(text), max_characters)
        else:
            self._reader = self._loop.create_task(self._read(text))

    async def next_request(self) -> str | None:
        """Wait for the next request's text; None after the last. Raises what the author of the text raised."""
        while True:
            request = self._gathered()
            if is_speakable(request):
                return request
            if self._error is not None:
                raise self._error
            if self._complete:
                return None
            self._more.clear()
            await self._more.wait()

    async def aclose(self) -> None:
        """Stop reading tokens."""
        self._timer.cancel()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def _gathered(self) -> str:
        request = ""
        while self._pieces and len(request) + len(self._pieces[0]) <= self._max:
            request += self._pieces.popleft()
        return request

    async def _read(self, tokens: AsyncIterable[str]) -> None:
        try:
            async for token in repaired_tokens(tokens):
                self._hand_out(self._segmenter.feed(token))
                self._stalls_at = self._loop.time() + self._stalled_seconds
                self._timer.set(self._stalls_at if self._segmenter.pending else None, self._timer_fired)
        except Exception as error:  # noqa: BLE001 - the top of a task that runs a user's generator
            self._error = error
        except asyncio.CancelledError:
            self._error = SpeechUnavailable("the author of the text was cancelled")
            self._complete = True
            self._more.set()
            raise
        finally:
            self._timer.cancel()
        self._pieces += self._segmenter.finish()
        self._complete = True
        self._more.set()

    def _timer_fired(self) -> None:
        if self._loop.time() < self._stalls_at:
            self._timer.set(self._stalls_at, self._timer_fired)
        else:
            self._hand_out(self._segmenter.feed_nothing())

    def _hand_out(self, pieces: list[str]) -> None:
        if pieces:
            self._pieces += pieces
            self._more.set()
