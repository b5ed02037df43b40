"""What a voice is to the speech server: one phrase in, PCM and word times out.

A phrase is short (a sentence, or a stretch of one), so that many sockets can take turns on few voices, and so that a
client who vanished leaves at most one phrase unfinished.

One rule: a voice knows nothing of Rime. Markup, segments and formats are settled before and after it.

Which word sounds when: the words of a text as written, with the times a synthesizer reports for places in it.

espeak-ng reports several events for one written word ("2.5ml") and none for others; readers of Rime's timestamps want
one entry for each written word (Rime, "Websockets JSON", 'Timestamps').
"""

import re
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a voice is to say, and how.

    Args:
        text: Plain words; phoneme mnemonics of espeak-ng when `phonetic`.
        speaker: Rime's name of the speaker; a voice picks something of its own for it, always the same.
        lang: One of the languages of `languages.py`, as a three-letter code.
        speed: 1.0 is the normal speed, 2.0 twice as fast.
        sample_rate: Samples per second that are wanted.
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
    """A word and when it sounds, in seconds since the start of the phrase (or of the segment, further up)."""

    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class SpokenWords:
    """The words of a phrase, after its last samples."""

    words: tuple[SpokenWord, ...]


VoiceEvent = Pcm | SpokenWords


class VoiceFailed(Exception):
    """A voice could not say a phrase."""


class Voice(Protocol):
    """Whoever can say a phrase."""

    def say(self, phrase: Phrase) -> AsyncIterator[VoiceEvent]:
        """Say `phrase`: its samples in order, then its words. Leaving the iteration early stops the voice.

        Raises:
            VoiceFailed: While iterating, when the voice breaks down.
        """
        ...

    async def start(self) -> None:
        """Get ready; called once, before the first phrase."""
        ...

    async def aclose(self) -> None:
        """Let go of everything, processes above all."""
        ...


_WRITTEN_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class WordStart:
    """Something that begins at a character of the text (counted from 0) sounds from here on."""

    character: int
    seconds: float


def spoken_words(text: str, starts: Sequence[WordStart], *, duration_seconds: float) -> tuple[SpokenWord, ...]:
    """Every written word of `text` with its times: in order, never overlapping, none beyond `duration_seconds`."""
    spans = [(match.start(), match.group()) for match in _WRITTEN_WORD.finditer(text) if _is_voiced(match.group())]
    first_seconds = _first_seconds([start for start, _ in spans], starts, duration_seconds)
    ends = [*first_seconds[1:], duration_seconds]
    return tuple(
        SpokenWord(word, begin, end) for (_, word), begin, end in zip(spans, first_seconds, ends, strict=False)
    )


def _is_voiced(word: str) -> bool:
    """A dash or a bracket on its own is not a word."""
    return any(character.isalnum() for character in word)


def _first_seconds(places: list[int], starts: Sequence[WordStart], duration_seconds: float) -> list[float]:
    """When each of the words at `places` begins; a word without a report of its own begins with the next one."""
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
