"""A source that has others to fall back on: where one is out of reach, falls silent or breaks off, the next speaks on.

The shell over `Climb`, which decides, and `Circuit`, which remembers who could not be reached.

One rule: a caller hears the text, by whichever voice. Only when every rung has failed does the stream fail.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass

from typing_extensions import override

from telebridge import metrics
from telebridge.errors import SpeechError
from telebridge.logs import logger
from telebridge.speech.failover import (
    Circuit,
    Climb,
    Deliver,
    Effect,
    Finish,
    Left,
    Pace,
    Patience,
    Sounded,
    SpeakOn,
)
from telebridge.speech.source import SpeechEvent, SpeechSource, SpeechStream, Voice
from telebridge.speech.streamed_text import TokenTape

log = logger(__name__)

NO_ENTRY = frozenset({401, 402, 403, 404, 429})
"""A refusal with one of these is of us, not of the text: whoever comes next is refused as well."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One who can speak.

    Args:
        name: For logs and metrics.
        source: Speaks.
        first_audio_seconds: How long it may take to begin.
        stall_seconds: How long it may be silent once it has.
        same_voice: Whether it sounds as the first rung does.
    """

    name: str
    source: SpeechSource
    first_audio_seconds: float
    stall_seconds: float
    same_voice: bool = True


class LadderSpeech(SpeechSource):
    """Speaks through the first of its rungs that does.

    Args:
        rungs: The best first; all are closed with this.
    """

    def __init__(self, rungs: Sequence[Rung]) -> None:
        self.rungs = tuple(rungs)
        self.circuits = [Circuit(random.random) for _ in rungs]
        self.paces = [Pace() for _ in rungs]
        self.patience = [Patience(rung.name, rung.first_audio_seconds, rung.stall_seconds) for rung in rungs]
        self.closed = False
        self.tapes: set[TokenTape] = set()

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: Voice | None = None) -> SpeechStream:
        return _LadderStream(self, text, voice)

    def order(self, *, now: float) -> list[int]:
        """The rungs in the order to ask them: those that can be reached, as far as is known, before the others."""
        return sorted(range(len(self.rungs)), key=lambda rung: not self.circuits[rung].ready(now=now))

    def left(self, left: Left, *, now: float) -> None:
        """A rung was given up."""
        name, error = self.rungs[left.rung].name, left.error
        metrics.RUNGS.labels(name, "broke off" if left.sounded else "failed").inc()
        seconds = None
        if not left.sounded and (error.retryable or error.status in NO_ENTRY):
            seconds = round(self.circuits[left.rung].failed(now=now), 1)
        log.warning("a voice failed", rung=name, error=str(error), mid_utterance=left.sounded, skipped_seconds=seconds)

    @override
    async def aclose(self) -> None:
        self.closed = True
        for tape in self.tapes:
            tape.stop()
        for rung in self.rungs:
            await rung.source.aclose()


class _LadderStream(SpeechStream):
    """One utterance; `substitute` is true when another voice spoke some of it, or several did."""

    def __init__(self, ladder: LadderSpeech, text: str | AsyncIterable[str], voice: Voice | None) -> None:
        self.substitute = False
        self._ladder = ladder
        self._voice = voice
        self._text = text if isinstance(text, str) else ""
        whole = isinstance(text, str)
        order = ladder.order(now=_now())
        self._climb = Climb(ladder.patience, ladder.paces, order, self._text, complete=whole)
        self._tape = None if isinstance(text, str) else self._taped(text)
        self._sounded: list[int] = []
        self._out: deque[SpeechEvent] = deque()
        self._over = False
        self._error: SpeechError | None = None
        self._stream: SpeechStream | None = None
        self._timeout: asyncio.Timeout | None = None
        self._perform(self._climb.start(now=_now()))

    @override
    def __aiter__(self) -> "_LadderStream":
        return self

    @override
    async def __anext__(self) -> SpeechEvent:
        while not self._out:
            if self._over or self._stream is None:
                error, self._error = self._error, None
                raise error or StopAsyncIteration
            effects = await self._listen(self._stream)
            if not self._over:
                self._perform(effects)
        return self._out.popleft()

    @override
    def clear(self) -> None:
        self._out.clear()
        self._error = None
        self._finish()

    async def _listen(self, stream: SpeechStream) -> list[Effect]:
        """What follows from what the present rung does next."""
        try:
            async with asyncio.timeout_at(self._climb.next_deadline()) as self._timeout:
                event = await anext(stream)
        except TimeoutError:
            return self._climb.handle_timeout(now=_now())
        except StopAsyncIteration:
            return self._climb.receive_end()
        except SpeechError as error:
            # Whose text broke off cannot be helped by another voice.
            final = self._ladder.closed or (self._tape is not None and self._tape.error is not None)
            return self._climb.receive_failure(error, now=_now(), final=final)
        finally:
            self._timeout = None
        return self._climb.receive(event, now=_now())

    def _taped(self, tokens: AsyncIterable[str]) -> TokenTape:
        tape = TokenTape(tokens, on_token=self._climb.add_text, on_end=self._text_complete)
        self._ladder.tapes.add(tape)
        return tape

    def _text_complete(self) -> None:
        self._climb.text_complete(now=_now())
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(self._climb.next_deadline())

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Deliver(event):
                    self._out.append(event)
                case Sounded(rung):
                    self._has_sounded(rung)
                case Left():
                    if self._stream is not None:
                        self._stream.clear()
                    self._ladder.left(effect, now=_now())
                case SpeakOn(rung, start):
                    self._speak_on(rung, start)
                case Finish(error):
                    self._error = error
                    self._finish()

    def _has_sounded(self, rung: int) -> None:
        metrics.RUNGS.labels(self._ladder.rungs[rung].name, "spoke").inc()
        self._ladder.circuits[rung].worked()
        self._sounded.append(rung)
        self.substitute = len(self._sounded) > 1 or not self._ladder.rungs[rung].same_voice

    def _speak_on(self, rung: int, start: int) -> None:
        self._ladder.circuits[rung].asked(now=_now())
        text = self._text[start:] if self._tape is None else self._tape.since(start)
        self._stream = self._ladder.rungs[rung].source.speak(text, voice=self._voice)

    def _finish(self) -> None:
        self._over = True
        if self._tape is not None:
            self._tape.stop()
            self._ladder.tapes.discard(self._tape)
        if self._stream is not None:
            self._stream.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
