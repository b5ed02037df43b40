"""A recognizer in this process, which needs no server and no account, for English.

The model runs in one thread of its own, one utterance at a time, behind the audio of the calls. An utterance is heard
once the caller has stopped. What takes longer than `answer_seconds`, for a machine that is too busy or too many callers
who speak at once, is given up.

One rule: what an utterance costs is bounded, by the audio that is heard of it and by the utterances that may wait.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Protocol

from typing_extensions import override

from telebridge.audio.mulaw import BYTES_PER_MS, silence
from telebridge.errors import ConfigurationError
from telebridge.logs import logger
from telebridge.recognition.health import RecognizerHealth
from telebridge.recognition.local.decoding import SAMPLE_RATE
from telebridge.recognition.local.transcription import NO_WORDS, ProbableWords
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.source import (
    FinalTranscript,
    Recognition,
    RecognitionRequest,
    Recognizer,
    TranscriptSink,
)
from telebridge.tasks import Tasks
from telebridge.timing.running_time import RunningTimeout

log = logger(__name__)

MOST_HEARD_MS = 10_000
"""So much of an utterance is heard; the rest of what somebody says without a pause is not."""
LEAST_HEARD_MS = 1000
"""The model hears badly what is shorter; silence follows it."""
MOST_WAITING = 8
"""So many utterances may wait for the model, with the one that it hears; a further one is not heard."""
FULL_SCALE = 32768
NICENESS = 5
"""The thread of the model gives way to the audio of the calls."""


class HearUtterance(Protocol):
    """Hears an utterance; blocks, and is called in one thread alone."""

    def __call__(self, mulaw: bytes, request: RecognitionRequest, unwanted: Callable[[], bool]) -> ProbableWords:
        """Return what was said in `mulaw`; `unwanted` says that nobody waits for it any more."""
        ...


def is_english(language: str) -> bool:
    """Whether a language is one that the model hears; none is taken for English."""
    return language.partition("-")[0].lower() in ("", "en", "eng")


class LocalRecognizer(Recognizer):
    """See the module.

    Args:
        options: Its options; the language, and how long an answer may take.
        load: Loads the model; blocks.

    Raises:
        ConfigurationError: The language is not English.
    """

    def __init__(self, options: RecognizerOptions, load: Callable[[], HearUtterance]) -> None:
        if not is_english(options.language):
            problem = f"is {options.language!r}, and the recognizer local hears English only"
            raise ConfigurationError("recognition.language", problem, "set it to en, or choose another provider")
        self._options = options
        self._load = load
        self._hear: HearUtterance | None = None
        self._health = RecognizerHealth()
        self._executor: ThreadPoolExecutor | None = None
        self._waiting = 0
        self.tasks = Tasks("recognition")

    @property
    @override
    def available(self) -> bool:
        return self._health.available(now=asyncio.get_running_loop().time())

    @override
    async def prepare(self) -> None:
        with suppress(Exception):  # said by the first utterance, which loads it again
            await asyncio.get_running_loop().run_in_executor(self._thread(), self._loaded)

    @override
    def listen(self, request: RecognitionRequest, sink: TranscriptSink) -> Recognition:
        return _LocalRecognition(self, request, sink)

    @override
    async def aclose(self) -> None:
        self.tasks.cancel()
        await self.tasks.wait()
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def transcribe(
        self, utterance: int, request: RecognitionRequest, mulaw: bytes, unwanted: Callable[[], bool]
    ) -> FinalTranscript:
        """Hear an utterance; the transcript says why nothing is known where that fails."""
        if not is_english(request.language):
            return FinalTranscript(utterance, "", failure="the recognizer local hears English only")
        if not self.available:
            return FinalTranscript(utterance, "", failure="no recognizer is there")
        if self._waiting >= MOST_WAITING:
            return self._failed(utterance, f"{MOST_WAITING} utterances wait already")
        given_up = threading.Event()
        work = partial(self._heard, mulaw, request, lambda: given_up.is_set() or unwanted())
        self._waiting += 1
        try:
            async with RunningTimeout(self._options.answer_seconds):
                heard = await asyncio.get_running_loop().run_in_executor(self._thread(), work)
        except TimeoutError:
            return self._failed(utterance, "no answer in time: the machine is too busy")
        except Exception as error:  # noqa: BLE001 - the model has errors of its own; whatever it is, nothing is known
            return self._failed(utterance, f"{type(error).__name__}: {error}")
        finally:
            given_up.set()
            self._waiting -= 1
        self._health.succeeded()
        return FinalTranscript(utterance, heard.text, heard.confidence)

    def _thread(self) -> ThreadPoolExecutor:
        """The thread of the model."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "recognition", initializer=_give_way)
        return self._executor

    def _loaded(self) -> HearUtterance:
        """The model. Called in its thread."""
        if self._hear is None:
            self._hear = self._load()
        return self._hear

    def _heard(self, mulaw: bytes, request: RecognitionRequest, unwanted: Callable[[], bool]) -> ProbableWords:
        """What is heard. Called in the thread of the model."""
        return NO_WORDS if unwanted() else self._loaded()(mulaw, request, unwanted)

    def _failed(self, utterance: int, problem: str) -> FinalTranscript:
        seconds = self._health.failed(now=asyncio.get_running_loop().time())
        log.warning("recognizer failed", error=problem, hint="", keys_only_seconds=round(seconds, 1))
        return FinalTranscript(utterance, "", failure=problem)


class _LocalRecognition(Recognition):
    """The recognition of one question."""

    def __init__(self, recognizer: LocalRecognizer, request: RecognitionRequest, sink: TranscriptSink) -> None:
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
            self._spoken += mulaw[: MOST_HEARD_MS * BYTES_PER_MS - len(self._spoken)]

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


def _give_way() -> None:
    """Lower the priority of the thread that calls this; only Linux has priorities of threads."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def load_moonshine() -> HearUtterance:
    """Load Moonshine's English model; blocks for some tenths of a second.

    Raises:
        ConfigurationError: It is not installed.
    """
    import numpy as np  # as the model: only where it is needed, for it takes long to import

    from telebridge.recognition.local.moonshine import MoonshineModel, find_model, load_tokens
    from telebridge.recognition.local.transcription import Transcriber
    from telebridge.recognition.resampling import ResampledAudio

    folder = find_model()
    transcriber = Transcriber(MoonshineModel(folder), load_tokens(folder))
    resampled = ResampledAudio(SAMPLE_RATE)

    def hear(mulaw: bytes, request: RecognitionRequest, unwanted: Callable[[], bool]) -> ProbableWords:
        padded = mulaw + silence(max(0, LEAST_HEARD_MS - len(mulaw) // BYTES_PER_MS))
        samples = np.frombuffer(resampled.convert(padded, last=True), "<i2").astype(np.float32)
        samples /= np.float32(FULL_SCALE)
        return transcriber.transcribe(samples, request.answers, doubtful=request.doubtful, unwanted=unwanted)

    return hear
