"""Recognizers that are asked for each utterance as a whole, once the caller has stopped.

Where a pass costs nothing but time, an utterance is heard early, too: at a pause in it. What is heard then is a partial
transcript, and the final one where nothing but silence follows. So the words are known when the call knows that the
caller has stopped, and not the time of a pass later.

One rule: each utterance that ended gets one final transcript, of all its audio.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from typing_extensions import override

from telebridge.audio.mulaw import silence
from telebridge.recognition.failures import note_failure
from telebridge.recognition.health import RecognizerHealth
from telebridge.recognition.pauses import SpeechPauses
from telebridge.recognition.source import (
    FinalTranscript,
    PartialTranscript,
    Recognition,
    RecognitionRequest,
    RecognitionResult,
    Recognizer,
    TranscriptSink,
)
from telebridge.tasks import Tasks

ENDING_MS = 480
"""An utterance that is heard at a pause is given so much silence at its end, as it has where it is over: models hear
the same word differently without it."""


class WholeUtteranceRecognizer(Recognizer):
    """A recognizer whose `transcribe` answers for one utterance.

    Attributes:
        most_bytes: So much of an utterance is heard; None for all of it.
        hears_pauses: Whether an utterance is heard at its pauses, too; each is a call of `transcribe` more.
        tasks: The utterances that are being transcribed.
    """

    most_bytes: int | None = None
    hears_pauses = False

    def __init__(self) -> None:
        self._health = RecognizerHealth()
        self.tasks = Tasks("recognition")

    @property
    @override
    def available(self) -> bool:
        return self._health.available(now=asyncio.get_running_loop().time())

    def hears_early(self, audio_bytes: int) -> bool:
        """Where pauses are heard, whether this one is, so many bytes after the beginning of its utterance."""
        del audio_bytes
        return True

    @override
    def listen(self, request: RecognitionRequest, sink: TranscriptSink) -> Recognition:
        return _WholeUtteranceRecognition(self, request, sink)

    @override
    async def aclose(self) -> None:
        self.tasks.cancel()
        await self.tasks.wait()

    @abstractmethod
    async def transcribe(
        self, utterance: int, request: RecognitionRequest, mulaw: bytes, unwanted: Callable[[], bool]
    ) -> FinalTranscript:
        """Return the transcript of an utterance; one that says why nothing is known where that fails.

        Args:
            utterance: Its number in the recognition.
            request: What is listened for.
            mulaw: Its audio.
            unwanted: Whether nobody waits for the words any more.
        """

    def _failed(self, utterance: int, problem: str, *, status: int | None = None) -> FinalTranscript:
        note_failure(self._health, problem, status=status)
        return FinalTranscript(utterance, "", failure=problem)


@dataclass(slots=True, eq=False)
class _EarlyPass:
    """What an utterance says up to a pause in it.

    Args:
        final: The transcript of that; None before the pass has begun.
        shown: Whether it was reported as a partial transcript.
    """

    final: asyncio.Task[FinalTranscript] | None = None
    shown: bool = False


@dataclass(slots=True)
class _Spoken:
    """An utterance: what was said, where it pauses, and the pass of a pause after which nothing but silence came."""

    number: int
    mulaw: bytearray = field(default_factory=bytearray)
    pauses: SpeechPauses = field(default_factory=SpeechPauses)
    early: _EarlyPass | None = None


class _WholeUtteranceRecognition(Recognition):
    """The recognition of one question."""

    def __init__(self, recognizer: WholeUtteranceRecognizer, request: RecognitionRequest, sink: TranscriptSink) -> None:
        self._recognizer = recognizer
        self._request = request
        self._sink: TranscriptSink | None = sink
        self._count = 0
        self._spoken: _Spoken | None = None

    @override
    def begin_speech(self) -> None:
        if self._spoken is None:
            self._count += 1
            self._spoken = _Spoken(self._count)

    @override
    def feed(self, mulaw: bytes) -> None:
        spoken = self._spoken
        if spoken is None:
            return
        most = self._recognizer.most_bytes
        spoken.mulaw += mulaw if most is None else mulaw[: most - len(spoken.mulaw)]
        if not self._recognizer.hears_pauses:
            return
        spoken.pauses.receive(mulaw)
        if not spoken.pauses.paused:
            self._speaks_on(spoken)
        elif spoken.early is None and self._sink is not None and self._recognizer.hears_early(len(spoken.mulaw)):
            spoken.early = early = _EarlyPass()
            ended = bytes(spoken.mulaw) + silence(max(0, ENDING_MS - round(spoken.pauses.silent_ms)))
            early.final = self._recognizer.tasks.start(self._hear_early(spoken, early, ended))

    @override
    def end_speech(self) -> None:
        spoken, self._spoken = self._spoken, None
        if spoken is not None and self._sink is not None:
            _ = self._recognizer.tasks.start(self._hear(spoken))

    @override
    def close(self) -> None:
        self._sink = None

    def _speaks_on(self, spoken: _Spoken) -> None:
        """What was heard at a pause is not all."""
        early, spoken.early = spoken.early, None
        if early is not None and early.shown:
            asyncio.get_running_loop().call_soon(self._report, PartialTranscript(spoken.number, ""))

    def _report(self, transcript: RecognitionResult) -> None:
        if self._sink is not None:
            self._sink(transcript)

    async def _hear_early(self, spoken: _Spoken, early: _EarlyPass, mulaw: bytes) -> FinalTranscript:
        def unwanted() -> bool:
            return self._sink is None or spoken.early is not early

        final = await self._recognizer.transcribe(spoken.number, self._request, mulaw, unwanted)
        if spoken.early is early and self._spoken is spoken and final.text:
            early.shown = True
            self._report(PartialTranscript(spoken.number, final.text))
        return final

    async def _hear(self, spoken: _Spoken) -> None:
        early = spoken.early
        final = None if early is None or early.final is None else await early.final
        if final is None or final.failure:
            mulaw = bytes(spoken.mulaw)
            final = await self._recognizer.transcribe(spoken.number, self._request, mulaw, lambda: self._sink is None)
        self._report(final)
