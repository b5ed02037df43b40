"""A recognizer in this process, which needs no server and no account, for English.

The model runs in one thread of its own, one utterance at a time, behind the audio of the calls. An utterance is heard
once the caller has stopped, and its beginning at their pauses while the thread has nothing else to do. What takes
longer than `answer_seconds`, for a machine that is too busy or too many callers who speak at once, is given up.

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
from telebridge.recognition.local.decoding import SAMPLE_RATE
from telebridge.recognition.local.transcription import NO_WORDS, ProbableWords
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition.whole_utterances import WholeUtteranceRecognizer
from telebridge.timing.running_time import RunningTimeout

MOST_HEARD_MS = 10_000
"""So much of an utterance is heard; the rest of what somebody says without a pause is not."""
EARLY_MS = 4000
"""So long an utterance may be to be heard at its pauses: a word, a phrase, a few digits. What is longer has more of
them, each of which would cost a longer pass."""
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


class LocalRecognizer(WholeUtteranceRecognizer):
    """See the module.

    Args:
        options: Its options; the language, and how long an answer may take.
        load: Loads the model; blocks.

    Raises:
        ConfigurationError: The language is not English.
    """

    most_bytes = MOST_HEARD_MS * BYTES_PER_MS
    hears_pauses = True

    def __init__(self, options: RecognizerOptions, load: Callable[[], HearUtterance]) -> None:
        super().__init__()
        if not is_english(options.language):
            problem = f"is {options.language!r}, and the recognizer local hears English only"
            raise ConfigurationError("recognition.language", problem, "set it to en, or choose another provider")
        self._options = options
        self._load = load
        self._hear: HearUtterance | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._waiting = 0

    @override
    async def prepare(self) -> None:
        with suppress(Exception):  # said by the first utterance, which loads it again
            await asyncio.get_running_loop().run_in_executor(self._thread(), self._loaded)

    @override
    async def aclose(self) -> None:
        await super().aclose()
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    @override
    def hears_early(self, audio_bytes: int) -> bool:
        return audio_bytes <= EARLY_MS * BYTES_PER_MS and not self._waiting and self.available

    @override
    async def transcribe(
        self, utterance: int, request: RecognitionRequest, mulaw: bytes, unwanted: Callable[[], bool]
    ) -> FinalTranscript:
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
