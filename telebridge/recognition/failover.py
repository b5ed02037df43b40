"""A second recognizer, which hears what the first one has failed to.

One rule: it is asked only while that costs the caller no silence that they would notice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from typing_extensions import override

from telebridge.recognition.source import (
    FinalTranscript,
    Recognition,
    RecognitionRequest,
    RecognitionResult,
    Recognizer,
    TranscriptSink,
)
from telebridge.recognition.utterances import MOST_REPEATED_BYTES

LATEST_SECONDS = 0.3
"""So long after the caller has stopped a failure is heard by the next recognizer; later the question is asked again."""


class FailoverRecognizer(Recognizer):
    """Recognizers in the order in which they are asked.

    Args:
        recognizers: At least one.
    """

    def __init__(self, recognizers: Sequence[Recognizer]) -> None:
        self._recognizers = tuple(recognizers)

    @property
    @override
    def available(self) -> bool:
        return any(each.available for each in self._recognizers)

    @override
    def listen(self, request: RecognitionRequest, sink: TranscriptSink) -> Recognition:
        return _FailoverRecognition(self._recognizers, request, sink)

    @override
    async def prepare(self) -> None:
        await asyncio.gather(*(each.prepare() for each in self._recognizers))

    @override
    async def aclose(self) -> None:
        await asyncio.gather(*(each.aclose() for each in self._recognizers))


@dataclass(slots=True)
class _Spoken:
    """An utterance, until its final transcript is passed on."""

    number: int
    audio: bytearray = field(default_factory=bytearray)
    ended_at: float | None = None


class _FailoverRecognition(Recognition):
    """The recognition of one question, by whichever recognizer hears it."""

    def __init__(self, recognizers: tuple[Recognizer, ...], request: RecognitionRequest, sink: TranscriptSink) -> None:
        self._recognizers = recognizers
        self._request = request
        self._sink: TranscriptSink | None = sink
        self._open: dict[int, Recognition] = {}
        self._asked: dict[int, list[int]] = {}  # our numbers of what each recognizer was given
        self._spoken: dict[int, _Spoken] = {}
        self._count = 0
        self._present = 0
        self._current = self._first_available(0) or 0
        self._recognition(self._current)

    @override
    def begin_speech(self) -> None:
        if self._present or self._sink is None:
            return
        self._count += 1
        self._present = self._count
        self._spoken[self._present] = _Spoken(self._present)
        self._current = self._first_available(0) or 0
        self._begin(self._current, self._present)

    @override
    def feed(self, mulaw: bytes) -> None:
        if self._present and self._sink is not None:
            spoken = self._spoken[self._present]
            if len(spoken.audio) < MOST_REPEATED_BYTES:
                spoken.audio += mulaw
            self._open[self._current].feed(mulaw)

    @override
    def end_speech(self) -> None:
        if self._present and self._sink is not None:
            self._spoken[self._present].ended_at = asyncio.get_running_loop().time()
            self._present = 0
            self._open[self._current].end_speech()

    @override
    def close(self) -> None:
        self._sink = None
        for recognition in self._open.values():
            recognition.close()

    def _first_available(self, at: int) -> int | None:
        """The first recognizer from there on that is available."""
        return next((n for n in range(at, len(self._recognizers)) if self._recognizers[n].available), None)

    def _recognition(self, at: int) -> Recognition:
        if at not in self._open:
            self._asked[at] = []
            self._open[at] = self._recognizers[at].listen(self._request, partial(self._take, at))
        return self._open[at]

    def _begin(self, at: int, number: int) -> Recognition:
        recognition = self._recognition(at)
        self._asked[at].append(number)
        recognition.begin_speech()
        return recognition

    def _take(self, at: int, result: RecognitionResult) -> None:
        """Take what a recognizer has heard, by its own numbers."""
        number = self._asked[at][result.utterance - 1]
        spoken = self._spoken.get(number)
        if self._sink is None or spoken is None:
            return
        if isinstance(result, FinalTranscript):
            following = self._first_available(at + 1) if result.failure else None
            if following is not None and self._in_time(spoken):
                repeated = self._begin(following, number)
                repeated.feed(bytes(spoken.audio))
                repeated.end_speech()
                return
            del self._spoken[number]
        self._sink(replace(result, utterance=number))

    @staticmethod
    def _in_time(spoken: _Spoken) -> bool:
        now = asyncio.get_running_loop().time()
        return spoken.ended_at is not None and now - spoken.ended_at <= LATEST_SECONDS
