"""Recognizers that are asked for each utterance as a whole, once the caller has stopped.

One rule: each utterance that ended gets one final transcript.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable

from typing_extensions import override

from telebridge.recognition.failures import note_failure
from telebridge.recognition.health import RecognizerHealth
from telebridge.recognition.source import (
    FinalTranscript,
    Recognition,
    RecognitionRequest,
    Recognizer,
    TranscriptSink,
)
from telebridge.tasks import Tasks


class WholeUtteranceRecognizer(Recognizer):
    """A recognizer whose `transcribe` answers for one utterance.

    Attributes:
        most_bytes: So much of an utterance is heard; None for all of it.
        tasks: The utterances that are being transcribed.
    """

    most_bytes: int | None = None

    def __init__(self) -> None:
        self._health = RecognizerHealth()
        self.tasks = Tasks("recognition")

    @property
    @override
    def available(self) -> bool:
        return self._health.available(now=asyncio.get_running_loop().time())

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


class _WholeUtteranceRecognition(Recognition):
    """The recognition of one question."""

    def __init__(self, recognizer: WholeUtteranceRecognizer, request: RecognitionRequest, sink: TranscriptSink) -> None:
        self._recognizer = recognizer
        self._request = request
        self._sink: TranscriptSink | None = sink
        self._utterance = 0
        self._spoken: bytearray | None = None

    @override
    def begin_speech(self) -> None:
        if self._spoken is None:
            self._utterance += 1
            self._spoken = bytearray()

    @override
    def feed(self, mulaw: bytes) -> None:
        if self._spoken is not None:
            most = self._recognizer.most_bytes
            self._spoken += mulaw if most is None else mulaw[: most - len(self._spoken)]

    @override
    def end_speech(self) -> None:
        spoken, self._spoken = self._spoken, None
        if spoken is not None and self._sink is not None:
            _ = self._recognizer.tasks.start(self._ask(self._utterance, bytes(spoken)))

    @override
    def close(self) -> None:
        self._sink = None

    def _closed(self) -> bool:
        return self._sink is None

    async def _ask(self, utterance: int, mulaw: bytes) -> None:
        final = await self._recognizer.transcribe(utterance, self._request, mulaw, self._closed)
        if self._sink is not None:
            self._sink(final)
