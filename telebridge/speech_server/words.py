"""Which word sounds when: the words of a text as written, with the times a synthesizer reports for places in it.

espeak-ng reports several events for one written word ("2.5ml") and none for others; readers of Rime's timestamps want
one entry for each written word (Rime, "Websockets JSON", 'Timestamps').
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from telebridge.speech_server.voice import SpokenWord

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
