"""Where the words of a text begin, in scripts that part them by blanks and in those that do not.

Between blanks the text is one word, except in scripts that are written without them (Chinese, Japanese, Thai, …): there
a word begins at each boundary of Unicode's default word segmentation (UAX #29). That has no dictionary: an ideograph or
a Thai syllable is a word by itself. Punctuation belongs to the word before it, an opening bracket to the one after it.

One rule: where a text is cut at such a boundary, the words before the cut are those of the whole text.
"""

from collections.abc import Iterator

import regex

from telebridge.speech.patterns import compiled

_LETTER = r"[[\p{LB=ID}\p{LB=CJ}\p{LB=SA}]&&[\p{L}\p{N}]]"
_KANA_THAT_CLINGS = r"[\p{LB=CJ}]"
_OPENING = r"[\p{Ps}\p{Pi}]"
_CLOSING = r"[[\p{P}\p{S}]--[\p{Ps}\p{Pi}]]"

WITHOUT_BLANKS = compiled(_LETTER, regex.V1)
"""A letter of a script that is written without blanks between words."""

_BLANK = compiled(r"\s")
_AFTER_BLANK = compiled(r"(?<=\s)")
_BEGINS = rf"(?=[[^\s\p{{P}}\p{{S}}\p{{M}}]||[\p{{Ps}}\p{{Pi}}]])(?!{_KANA_THAT_CLINGS})"
_BOUNDARY = compiled(
    rf"(?<=\s)|(?<={_LETTER}\p{{M}}*)\b{_BEGINS}|(?<={_LETTER}\p{{M}}*{_CLOSING}+){_BEGINS}"
    rf"|(?<!{_OPENING})\b(?={_LETTER})(?!{_KANA_THAT_CLINGS})",
    regex.V1 | regex.WORD,
)


def boundaries(text: str, start: int = 0, end: int | None = None) -> Iterator[int]:
    """Every place between `start` and `end` where the text may be cut between words, in order.

    After a blank is such a place, so that a piece keeps the blank that follows it. The ends of the text are not among
    them.
    """
    pattern = _BOUNDARY if WITHOUT_BLANKS.search(text) else _AFTER_BLANK
    last = len(text) if end is None else end
    for match in pattern.finditer(text, max(0, start - 1)):
        place = match.start()
        if place > last or place >= len(text):
            return
        if place >= start and place > 0:
            yield place


def last_boundary(text: str, end: int, start: int = 0) -> int:
    """The last place after `start` and up to `end` where the text may be cut between words; 0 when there is none."""
    last = 0
    for place in boundaries(text, start, end):
        last = place
    return last


def word_starts(text: str) -> list[int]:
    """Where each word of the text begins."""
    if not text:
        return []
    places = [0, *boundaries(text)]
    return [place for place in places if not _BLANK.match(text, place)]


def count_words(text: str) -> int:
    """How many words a text has."""
    return len(word_starts(text))


def from_word(text: str, heard: int) -> str:
    """What is left of a text of which so many words were heard, beginning with the last of them.

    A caller who comes back after a silence needs a word to hold on to; and the last one may have been cut.
    """
    starts = word_starts(text)
    if heard > len(starts):
        return ""
    return text[starts[max(0, heard - 1)] :].rstrip() if starts else ""


def end_of_word(text: str, position: int) -> int:
    """Where the word that holds the character before `position` ends, with the punctuation that clings to it."""
    for place in boundaries(text, position):
        return len(text[:place].rstrip()) if _BLANK.match(text, place - 1) else place
    return len(text.rstrip()) if text[position:].isspace() else len(text)


def end_of_share(text: str, characters: float) -> int:
    """Where the last word begins that is not all within so many characters; the end when all are."""
    cut = int(characters)
    if cut >= len(text):
        return len(text)
    end = cut + 1 if _BLANK.match(text, cut) else cut
    return last_boundary(text, end)
