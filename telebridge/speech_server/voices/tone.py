"""A synthesizer that hums: a tone for every word, always the same, without delay.

It serves tests on any clock, and installations without the optional voice. One rule: the length of a tone is
proportional to the number of characters of its word.
"""

import math
import zlib
from array import array
from collections.abc import AsyncIterator

from typing_extensions import override

from telebridge.speech_server.voices.voice import (
    Pcm,
    Phrase,
    SpokenWord,
    SpokenWords,
    Synthesizer,
    VoiceEvent,
)

CHARACTER_SECONDS = 0.06
GAP_SECONDS = 0.04
SENTENCE_PAUSE_SECONDS = 0.2
_AMPLITUDE = 9000
_CHUNK_SECONDS = 0.25


class ToneVoice(Synthesizer):
    """Hums: every word is a tone whose pitch follows from word and speaker, with a short gap after it."""

    @override
    async def start(self) -> None:
        """Do nothing."""

    @override
    async def aclose(self) -> None:
        """Do nothing."""

    @override
    async def say(self, phrase: Phrase) -> AsyncIterator[VoiceEvent]:
        """Hum `phrase`."""
        rate = phrase.sample_rate
        words: list[SpokenWord] = []
        samples = array("h")
        for word in phrase.text.split():
            start = len(samples)
            voiced = _samples(len(word) * CHARACTER_SECONDS / phrase.speed, rate)
            samples.extend(_hum(_pitch(word, phrase.speaker), voiced, rate))
            words.append(SpokenWord(word, start / rate, len(samples) / rate))
            samples.extend(array("h", bytes(2 * _samples(GAP_SECONDS / phrase.speed, rate))))
        if phrase.pause_after and words:
            samples.extend(array("h", bytes(2 * _samples(SENTENCE_PAUSE_SECONDS, rate))))
        step = max(1, int(_CHUNK_SECONDS * rate))
        for start in range(0, len(samples), step):
            yield Pcm(samples[start : start + step].tobytes())
        yield SpokenWords(tuple(words))


def _samples(seconds: float, rate: int) -> int:
    return max(1, round(seconds * rate))


def _pitch(word: str, speaker: str) -> float:
    return 110.0 + zlib.crc32(f"{speaker}/{word.lower()}".encode()) % 220


def _hum(pitch_hz: float, length: int, rate: int) -> "array[int]":
    """Return a tone that fades in and out, so that no word begins with a click."""
    step = 2 * math.pi * pitch_hz / rate
    fade = math.pi / length
    return array("h", (int(_AMPLITUDE * math.sin(fade * n) * math.sin(step * n)) for n in range(length)))
