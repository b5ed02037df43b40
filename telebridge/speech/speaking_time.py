"""How much of a text can be spoken in a time, in any script: an ideograph or a digit takes longer than a letter.

The figures bound, they do not predict: a quick voice needs about that long for a character of each kind.
"""

import unicodedata

LETTER_MS = 40.0
SYLLABLE_MS = 90.0
"""For a character that is a syllable or more: ideographs, kana, Hangul."""
DIGIT_MS = 120.0
_SYLLABLES = ("W", "F")


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
