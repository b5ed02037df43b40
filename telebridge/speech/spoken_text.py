"""How much of a text its audio has spoken: by the times of its words, or, where none tell, by its share of the audio.

A text is only ever cut between words.
"""

import re
from collections.abc import Iterable

_LETTERS = re.compile(r"\w+")
_BLANK = re.compile(r"\s")


def end_of_words(text: str, words: Iterable[str], start: int = 0) -> int:
    """Where in `text` the last of these words ends; they are found in it in order, whatever surrounds them.

    A word the service spells otherwise than the text does ("5" spoken as "five") is passed over.

    Args:
        text: The whole text.
        words: As the service spelled them.
        start: Where the search begins; also the answer when none is found.
    """
    end = start
    for word in words:
        core = _LETTERS.search(word)
        found = re.compile(rf"\b{re.escape(core.group())}", re.IGNORECASE).search(text, end) if core else None
        if found:
            end = end_of_word(text, found.end())
    return end


def end_of_word(text: str, position: int) -> int:
    """Where the word that holds `position` ends, with the punctuation that clings to it."""
    blank = _BLANK.search(text, position)
    return blank.start() if blank else len(text)


def end_of_share(text: str, characters: float) -> int:
    """Where the last word begins that is not all within so many characters; the end when all are."""
    cut = int(characters)
    if cut >= len(text):
        return len(text)
    return max(text.rfind(blank, 0, cut + 1) for blank in " \n\t") + 1
