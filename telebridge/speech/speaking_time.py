"""How much of a text can be spoken in a time, in any script: an ideograph or a digit takes longer than a letter.

The figures of `characters_within` bound, they do not predict: a quick voice needs about that long for a character of
each kind. Those of `expected_ms` are of an ordinary voice, and low where a writing says little about its sound: a
number is one short word, and markup is nothing.

One rule: what is uncertain makes the least shorter and the most longer, so that no right utterance is out of bounds.
"""

import re
import unicodedata
from functools import lru_cache

import regex

from telebridge.speech.patterns import compiled
from telebridge.unicode_text import is_speakable

LETTER_MS = 40.0
SYLLABLE_MS = 90.0
"""For a character that is a syllable or more: ideographs, kana, Hangul."""
DIGIT_MS = 120.0
_SYLLABLES = ("W", "F")

EXPECTED_LETTER_MS = 80.0
"""About 160 words a minute of five letters and a blank."""
EXPECTED_SYLLABLE_MS = 130.0
EXPECTED_NUMBER_MS = 150.0
SHARE_AFTER_DONE = 0.5
"""Of the expected time; what is less is too little although Rime says that all was spoken."""
SHARE_AFTER_CLOSE = 0.6
"""The same, where nothing but the close of the connection says so."""
SLACK_AFTER_DONE_MS = 1000.0
SLACK_AFTER_CLOSE_MS = 400.0
"""So much may be missing besides: short words are swallowed."""
ANY_SPEED = 0.4
"""Rime speaks at most 2.5 times as fast as usual (Rime, "WebSockets", `timeScaleFactor`)."""
LEARNT_FROM_MS = 1500.0
"""The rate is not learnt from a text that should take less, of which pauses are too large a part."""

SLOW = 2.0
"""So much slower than expected speech may be."""
SPELT_MS = 600.0
"""For a character that is spelt, a digit that is read alone, or a sign that has a name."""
PAUSES_MS = 3000.0
"""What silence before, within and after a text may add."""

_MARKUP = compiled(r"<[^<>]*>|\{[^{}]*\}|\bspell\s*\([^()]*\)", regex.IGNORECASE)
_PAUSE = compiled(r"<\s*(\d{1,6})(?:\.\d*)?\s*>")
_SPELT = re.compile(r"\bspell\s*\(", re.IGNORECASE)
_NUMBER = compiled(r"\p{N}+")
_DRAWN_OUT = compiled(r"(\w)\1{2,}", regex.IGNORECASE)


def characters_within(text: str, ms: float) -> int:
    """How many characters of `text`, from its beginning, can be spoken in so many milliseconds at the most."""
    for position, character in enumerate(text):
        ms -= _milliseconds(character)
        if ms < 0:
            return position
    return len(text)


def _milliseconds(character: str) -> float:
    if character.isascii():
        return LETTER_MS if character.isalpha() else DIGIT_MS if character.isdigit() else 0.0
    if not character.isalnum():
        return 0.0
    if character.isdigit():
        return DIGIT_MS
    return SYLLABLE_MS if unicodedata.east_asian_width(character) in _SYLLABLES else LETTER_MS


def needs_audio(text: str) -> bool:
    """Whether the text has something to be heard, markup aside."""
    return is_speakable(_MARKUP.sub(" ", text))


@lru_cache(maxsize=256)
def expected_ms(text: str) -> float:
    """How long an ordinary voice needs for the text; rather too short where that is uncertain.

    Kept, because a text is held against it before it is spoken, and twice after.
    """
    plain = _DRAWN_OUT.sub(r"\1\1", _MARKUP.sub(" ", text))
    numbers = EXPECTED_NUMBER_MS * len(_NUMBER.findall(plain))
    return numbers + sum(
        EXPECTED_SYLLABLE_MS if unicodedata.east_asian_width(each) in _SYLLABLES else EXPECTED_LETTER_MS
        for each in plain
        if each.isalpha()
    )


class VoiceRate:
    """How fast a voice speaks, as a moving average over its utterances, and what follows for the length of a text.

    Args:
        any_speed: Whether parameters of the voice change its speed, so that nothing is known of it at first.

    Attributes:
        factor: Its time for a text, as a multiple of the expected time.
    """

    def __init__(self, *, any_speed: bool = False) -> None:
        self.factor = ANY_SPEED if any_speed else 1.0

    def least_ms(self, text: str, *, done: bool) -> float:
        """The least that a whole text can take; 0 where any length may be right.

        Args:
            text: What was requested.
            done: Whether the service said that it has spoken all.
        """
        share, slack_ms = (SHARE_AFTER_DONE, SLACK_AFTER_DONE_MS) if done else (SHARE_AFTER_CLOSE, SLACK_AFTER_CLOSE_MS)
        return max(0.0, share * min(1.0, self.factor) * expected_ms(text) - slack_ms)

    def most_ms(self, text: str) -> float:
        """The most that a text can take, all of it spelt where that may be."""
        pauses = sum(float(pause) for pause in _PAUSE.findall(text))
        spelt = sum(each.isupper() or not (each.isalpha() or each.isspace()) for each in text)
        if _SPELT.search(text):
            spelt = len(text)
        return PAUSES_MS + pauses + SPELT_MS * spelt + SLOW * max(1.0, self.factor) * expected_ms(text)

    def learn(self, text: str, ms: float, *, whole: bool) -> None:
        """Enter that the text took `ms`.

        What was not `whole` is learnt from more slowly: a voice that is quicker than any other is not refused for ever.
        """
        if ms > 0 and (expected := expected_ms(text)) >= LEARNT_FROM_MS:
            self.factor += (0.2 if whole else 0.1) * (min(4.0, ms / expected) - self.factor)
