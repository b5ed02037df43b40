"""Cuts text into sentences within a service's limit, and finds how much of a text was spoken.

Text may come token by token; the pieces are the same however it is split. How much was spoken follows from the words
that were, or from a share of the characters where there are no word times.

One rule: no character is lost or added, and a cut lies between words unless a word alone is longer than the limit.
"""

import re
from collections.abc import Iterable, Iterator

SENTENCE_END = re.compile(
    "[.!?]+[\"')\\]\u2019\u201d]*\\s|[\u3002\uff01\uff1f]+(?=[^\u3002\uff01\uff1f])|\\n[^\\S\\n]*\\n"
)
"""The end of a sentence: its mark and the blank after it, because a mark alone may lie within a number or an address.

A match must not depend on how much of the text has come: each alternative is decided by its last character, or by the
one after it.
"""

NOT_AN_END = re.compile(
    r"(?:\.{2,}|…|\b(?:dr|mr|mrs|ms|prof|st|jr|sr|no|vs|approx|e\.g|i\.e|a\.m|p\.m|inc|ltd|co|ave|blvd|ext|[A-Z])\.)$",
    re.IGNORECASE,
)
"""What ends with a full stop that does not end a sentence: an ellipsis, an abbreviation, an initial."""

PAUSE_BEGUN = re.compile(r"<\s*\d[\d.\s]{0,12}$")
MARKUP = (("spell(", ")"), ("{", "}"))


class SentenceSegmenter:
    """Cuts a stream of tokens into sentences.

    Args:
        max_characters: A longer sentence is cut at a blank, or within a word that is longer by itself.
    """

    def __init__(self, max_characters: int = 500) -> None:
        self._max = max_characters
        self._buffer = ""

    def feed(self, token: str) -> list[str]:
        """Add a token. Returns the pieces that are complete now."""
        self._buffer += token
        pieces = []
        while (end := self._end_of_piece()) is not None:
            pieces.append(self._buffer[:end])
            self._buffer = self._buffer[end:]
        return pieces

    def finish(self) -> list[str]:
        """Return the rest; no token follows."""
        rest, self._buffer = self._buffer, ""
        return [rest] if rest else []

    def _end_of_piece(self) -> int | None:
        end = self._sentence_end(self._buffer[: self._max + 1])  # what lies beyond the limit cannot matter
        if end is not None and end <= self._max:
            return end
        if len(self._buffer) <= self._max:
            return None
        blank = max(self._buffer.rfind(blank, 0, self._max) for blank in " \n\t")
        return blank + 1 if blank > 0 else self._max

    @staticmethod
    def _sentence_end(text: str) -> int | None:
        for mark in SENTENCE_END.finditer(text):
            before = text[: mark.end()].rstrip()
            if not before or NOT_AN_END.search(before) or is_inside_markup(before):
                continue
            return mark.end()
        return None


def is_inside_markup(text: str) -> bool:
    """Whether `text` ends within Rime's inline markup: after a cut there it would be spoken literally."""
    lowered = text.lower()
    return PAUSE_BEGUN.search(text) is not None or any(
        lowered.rfind(opening) > lowered.rfind(closing) for opening, closing in MARKUP
    )


def packed(pieces: Iterable[str], max_characters: int) -> Iterator[str]:
    """Join pieces up to the limit: a voice that has more of a text at once speaks it better."""
    gathered = ""
    for piece in pieces:
        if gathered and len(gathered) + len(piece) > max_characters:
            yield gathered
            gathered = ""
        gathered += piece
    if gathered:
        yield gathered


def pieces_of(text: str, max_characters: int) -> list[str]:
    """Cut a whole text into pieces of at most so many characters."""
    segmenter = SentenceSegmenter(max_characters)
    return list(packed([*segmenter.feed(text), *segmenter.finish()], max_characters))


_LETTERS = re.compile(r"\w+")
_BLANK = re.compile(r"\s")


def end_of_words(text: str, words: Iterable[str], start: int = 0) -> int:
    """Return where in `text` the last of these words ends. They are found in order, whatever lies between them.

    A word that the service spells otherwise than the text does ("5" spoken as "five") is skipped.

    Args:
        text: The whole text.
        words: As the service spells them.
        start: Where the search begins, and what is returned when none is found.
    """
    end = start
    for word in words:
        core = _LETTERS.search(word)
        found = re.compile(rf"\b{re.escape(core.group())}", re.IGNORECASE).search(text, end) if core else None
        if found:
            end = end_of_word(text, found.end())
    return end


def end_of_word(text: str, position: int) -> int:
    """Return where the word at `position` ends, with the punctuation attached to it."""
    blank = _BLANK.search(text, position)
    return blank.start() if blank else len(text)


def end_of_share(text: str, characters: float) -> int:
    """Return where the first word begins that is not wholly within so many characters; the end when all are."""
    cut = int(characters)
    if cut >= len(text):
        return len(text)
    return max(text.rfind(blank, 0, cut + 1) for blank in " \n\t") + 1
