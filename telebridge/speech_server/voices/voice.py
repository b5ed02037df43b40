"""The protocol of a synthesizer: one phrase in, PCM and word times out; and the word times of a written text.

A phrase is short (a sentence or a part of one), so that many sockets can share a few synthesizers, and so that a client
that disconnects leaves at most one phrase unfinished. espeak-ng reports several events for one written word ("2.5ml")
and none for others; `spoken_words` returns one entry for each written word, as Rime does (Rime, "Websockets JSON",
'Timestamps').

One rule: a synthesizer knows nothing of Rime. Markup, segments and formats are processed before and after it.
"""

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from telebridge.speech.words import word_starts


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text that is synthesized in one go, and its parameters.

    Args:
        text: Plain words; phoneme mnemonics of espeak-ng when `phonetic`.
        speaker: Rime's name of the speaker; a synthesizer always uses the same voice for it.
        lang: One of the languages of `espeak_names`, as a three-letter code.
        speed: 1.0 is the normal speed, 2.0 twice as fast.
        sample_rate: Samples per second.
        phonetic: Whether `text` is phonemes.
        pause_after: Whether a sentence ends here, and a short silence follows.
    """

    text: str
    speaker: str
    lang: str
    speed: float
    sample_rate: int
    phonetic: bool = False
    pause_after: bool = False


@dataclass(frozen=True, slots=True)
class Pcm:
    """The next samples of a phrase: signed 16-bit little-endian, mono, at the phrase's rate; always whole samples."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word and its times, in seconds since the start of the phrase or of the synthesis."""

    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class SpokenWords:
    """The words of a phrase; they follow its last samples."""

    words: tuple[SpokenWord, ...]


VoiceEvent = Pcm | SpokenWords


class VoiceFailed(Exception):
    """A synthesizer could not synthesize a phrase."""


class Synthesizer(Protocol):
    """Synthesizes phrases. Call `start` once, before the first phrase, and `aclose` at the end."""

    def say(self, phrase: Phrase) -> AsyncIterator[VoiceEvent]:
        """Synthesize `phrase`: yield its samples in order, then its words. Leaving the iteration early stops it.

        Raises:
            VoiceFailed: The synthesizer failed, while iterating.
        """
        ...

    async def start(self) -> None:
        """Load what the first phrase needs."""
        ...

    async def aclose(self) -> None:
        """Release all resources, such as processes."""
        ...


@dataclass(frozen=True, slots=True)
class WordStart:
    """The time at which the text from a character on (counted from 0) sounds."""

    character: int
    seconds: float


def spoken_words(text: str, starts: Sequence[WordStart], *, duration_seconds: float) -> tuple[SpokenWord, ...]:
    """Return every written word of `text` with its times: in order, not overlapping, within `duration_seconds`."""
    spans = [(start, word) for start, word in _written_words(text) if _is_voiced(word)]
    first_seconds = _first_seconds([start for start, _ in spans], starts, duration_seconds)
    ends = [*first_seconds[1:], duration_seconds]
    return tuple(
        SpokenWord(word, begin, end) for (_, word), begin, end in zip(spans, first_seconds, ends, strict=False)
    )


def _written_words(text: str) -> list[tuple[int, str]]:
    """The words of a text with their places, without the blanks after them."""
    starts = word_starts(text)
    return [(start, text[start:end].rstrip()) for start, end in pairwise([*starts, len(text)])]


def _is_voiced(word: str) -> bool:
    """Return whether this is a word; a dash or a bracket on its own is not."""
    return any(character.isalnum() for character in word)


def _first_seconds(places: list[int], starts: Sequence[WordStart], duration_seconds: float) -> list[float]:
    """Return when each of the words at `places` begins; a word without an event begins with the next word."""
    found: dict[int, float] = {}
    for start in starts:
        index = bisect_right(places, start.character) - 1
        if index >= 0:
            found[index] = min(start.seconds, found.get(index, start.seconds))
    seconds: list[float] = []
    latest = duration_seconds
    for index in reversed(range(len(places))):
        latest = min(latest, found.get(index, latest))
        seconds.append(max(0.0, latest))
    seconds.reverse()
    return seconds
