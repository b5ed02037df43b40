"""The voice of a test: it sounds like a voice, and each stretch of its audio belongs to one text and place alone.

The lowest bit of each sample is taken from a sequence of bits that only this text has. Nobody hears it, and 20 ms are
enough to tell which text it is, and which word of it.

One rule: the same text has the same audio in every run.
"""

import audioop
import random
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import lru_cache

from typing_extensions import override

from telebridge.audio.mulaw import BYTES_PER_MS, PCM_WIDTH, SAMPLE_RATE, SILENCE_BYTE, to_pcm
from telebridge.simulator.caller.voices import speech
from telebridge.speech_server.voices.voice import Pcm, Phrase, SpokenWord, SpokenWords, Synthesizer, VoiceEvent

CHARACTER_MS = 60
GAP_MS = 40
SENTENCE_PAUSE_MS = 200
BANK_MS = 1900
PITCH_HZ = 190.0
NEGATIVE_ZERO, ITS_NEIGHBOUR = b"\x7f", b"\x7e"
"""G.711's second zero does not survive a conversion to linear samples and back."""
IDENTIFYING_BYTES = 160
"""So much audio tells which text it is."""
PIECE_BYTES = 8000


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word of a text, and where its sound lies in the audio, in bytes of mu-law."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class KnownSpeech:
    """The speech of one text.

    Args:
        text: What is said.
        source: Who says it: "rime" or "say".
        audio: How it sounds, mu-law.
        words: Its words in order.
    """

    text: str
    source: str
    audio: bytes
    words: tuple[TimedWord, ...]


class KnownSpeeches:
    """All that the voice has said so far, to be recognized."""

    def __init__(self) -> None:
        self._by_beginning: dict[bytes, KnownSpeech] = {}

    def say(self, text: str, *, source: str, speed: float = 1.0, pause_after: bool = False) -> KnownSpeech:
        """The speech of a text; it is recognized from now on."""
        audio, words = _synthesized(f"{source}/{text}", text, speed, pause_after)
        known = self._by_beginning.get(audio[:IDENTIFYING_BYTES])
        if known is None:
            known = KnownSpeech(text, source, audio, words)
            self._by_beginning[audio[:IDENTIFYING_BYTES]] = known
        return known

    def find(self, audio: bytes) -> tuple[KnownSpeech, int] | None:
        """Which speech a stretch of audio begins with, and at which of its bytes; None when it is not known."""
        beginning = audio[:IDENTIFYING_BYTES]
        if (known := self._by_beginning.get(beginning)) is not None:
            return known, 0
        if len(beginning) < IDENTIFYING_BYTES:
            return None
        return next(((each, at) for each in self._latest() if (at := each.audio.find(beginning)) >= 0), None)

    def _latest(self) -> Iterator[KnownSpeech]:
        return reversed(self._by_beginning.values())


class KnownVoice(Synthesizer):
    """The voice of the local Rime in a test."""

    def __init__(self, speeches: KnownSpeeches) -> None:
        self._speeches = speeches

    @override
    async def start(self) -> None:
        """Do nothing."""

    @override
    async def aclose(self) -> None:
        """Do nothing."""

    @override
    async def say(self, phrase: Phrase) -> AsyncIterator[VoiceEvent]:
        """Say `phrase`; only at 8000 samples a second is it recognized."""
        spoken = self._speeches.say(phrase.text, source="rime", speed=phrase.speed, pause_after=phrase.pause_after)
        pcm = to_pcm(spoken.audio)
        if phrase.sample_rate != SAMPLE_RATE:
            pcm, _ = audioop.ratecv(pcm, PCM_WIDTH, 1, SAMPLE_RATE, phrase.sample_rate, None)
        for start in range(0, len(pcm), PIECE_BYTES * PCM_WIDTH):
            yield Pcm(pcm[start : start + PIECE_BYTES * PCM_WIDTH])
        yield SpokenWords(
            tuple(SpokenWord(word.text, word.start / SAMPLE_RATE, word.end / SAMPLE_RATE) for word in spoken.words)
        )


@lru_cache(maxsize=4096)
def _synthesized(seed: str, text: str, speed: float, pause_after: bool) -> tuple[bytes, tuple[TimedWord, ...]]:  # noqa: FBT001
    sound = bytearray()
    words: list[TimedWord] = []
    bank = _bank()
    gap = bytes([SILENCE_BYTE]) * round(GAP_MS / speed * BYTES_PER_MS)
    for word in text.split():
        size = round(CHARACTER_MS * max(2, len(re.sub(r"\W", "", word))) / speed) * BYTES_PER_MS
        at = zlib.crc32(word.casefold().encode()) % (len(bank) // 2)
        start = len(sound)
        sound += (bank[at:] + bank * (size // len(bank) + 1))[:size]
        words.append(TimedWord(word, start, len(sound)))
        sound += gap
    if pause_after:
        sound += bytes([SILENCE_BYTE]) * (SENTENCE_PAUSE_MS * BYTES_PER_MS)
    sound += bytes([SILENCE_BYTE]) * max(0, IDENTIFYING_BYTES - len(sound))
    return _marked(bytes(sound), seed), tuple(words)


def _marked(sound: bytes, seed: str) -> bytes:
    """The sound with the lowest bit of each sample from a sequence that this seed alone has."""
    size = len(sound)
    bits = random.Random(zlib.crc32(seed.encode())).randbytes(size)  # noqa: S311 - no secret
    ones = int.from_bytes(b"\x01" * size)
    mixed = (int.from_bytes(sound) & ~ones) | (int.from_bytes(bits) & ones)
    return mixed.to_bytes(size).replace(NEGATIVE_ZERO, ITS_NEIGHBOUR)


@lru_cache(maxsize=1)
def _bank() -> bytes:
    return speech(BANK_MS, pitch_hz=PITCH_HZ, seed=9)
