"""Text into pieces that can be spoken one by one: cut at sentence ends, and never longer than a service takes.

Text may come token by token; the pieces are the same however it is split, and no character is lost or added. Sentence
marks are those of all scripts (the property `Sentence_Terminal` of the Unicode Character Database): `।`, `؟` and `。`
as well as the full stop.

One rule: a text is only ever cut between words, unless a single word is longer than a service takes.
"""

import re
from collections.abc import Iterable, Iterator

import regex

from telebridge.speech.patterns import compiled
from telebridge.speech.words import last_boundary
from telebridge.unicode_text import is_speakable

_ALSO_WITHIN = "!.?\u2024\u203c\u203d\u2047\u2048\u2049\ufe52\ufe56\ufe57\uff0e"
"""Marks that also stand within numbers, names and addresses, so that they need a blank after them."""
_MARK = r"\p{STerm}\u05c3"  # and the Hebrew sof pasuq, which the property leaves out
_CLOSING = r"\"'\p{Pe}\p{Pf}"
_NO_BLANKS = r"[[[\p{LB=ID}\p{LB=CJ}\p{LB=SA}]&&[\p{L}]]\u3008\u300a\u300c\u300e\u3010\uff08]"
_WORD_MAY_GO_ON = compiled(r"[\p{L}\p{N}\p{M}\p{Cf}]$")

SENTENCE_END = compiled(
    rf"[{_ALSO_WITHIN}]+[{_CLOSING}]*(?:\s|(?={_NO_BLANKS}))"
    rf"|[[{_MARK}]--[{_ALSO_WITHIN}]][{_MARK}{_CLOSING}]*(?:\s|(?=[^{_MARK}{_CLOSING}\s]))"
    r"|\n[^\S\n]*\n|\u2029",
    regex.V1,
)
"""A sentence ends with its mark and the blank after it: a mark alone may be the middle of a number or an address.

Marks that mean nothing else, such as the danda and the ideographic full stop, and any mark before a script without
blanks end a sentence at once. What matches must not depend on what has come so far: each alternative is decided by its
last character, or by the one after it.
"""

_MAY_END = re.compile(r"[^\w ,;:()/'-]")
"""What a sentence end begins with, and some other characters: sentence marks and line breaks are no part of words. That
expression is asked only there, because it takes a microsecond for each character."""
_ABBREVIATIONS = (
    "dr|mr|mrs|ms|prof|st|jr|sr|no|vs|approx|inc|ltd|co|ave|blvd|ext|dra|sra|srta|ud|uds|nr|bzw|ca|tel|str|mme|mlle|"
    "sig|dott|av|art|núm|n[ºo]"
)
NOT_AN_END = compiled(
    rf"(?:\.{{2,}}|…|(?<!\w)(?:{_ABBREVIATIONS}|\p{{L}}\p{{M}}*(?:\.\s?\p{{L}}\p{{M}}*)*)\.)$",
    regex.IGNORECASE | regex.V1,
)
"""What a full stop belongs to without ending a sentence: an ellipsis, an abbreviation, an initial."""

_BELONGS_TO_LETTER = compiled(r"[\p{M}\u200d]|(?<=\u200d).")
PAUSE_BEGUN = re.compile(r"<\s*\d[\d.\s]{0,12}$")
MARKUP = (("spell(", ")"), ("{", "}"))


class SentenceSegmenter:
    """Cuts a stream of tokens into sentences.

    Args:
        max_characters: A sentence longer than this is cut at a blank, or within a word that is longer by itself.
    """

    def __init__(self, max_characters: int = 500) -> None:
        self._max = max_characters
        self._buffer = ""
        self._decided = 0  # no sentence ends before this character of the buffer

    @property
    def pending(self) -> str:
        """The text that has not been handed out."""
        return self._buffer

    def feed(self, token: str) -> list[str]:
        """The pieces that are complete now that `token` has come."""
        self._buffer += token
        pieces = []
        while (end := self._end_of_piece()) is not None:
            pieces.append(self._cut(end))
        return pieces

    def feed_nothing(self) -> list[str]:
        """The author of the text is slow: what there is up to the last word that is known to be whole.

        Markup that has begun is kept for later.
        """
        text = self._buffer
        end = last_boundary(text, len(text)) if _WORD_MAY_GO_ON.search(text) else len(text)
        while end > 0 and is_inside_markup(text[:end]):
            end = last_boundary(text, end - 1)
        return [self._cut(end)] if is_speakable(text[:end]) else []

    def finish(self) -> list[str]:
        """What is left when no token follows."""
        return [self._cut(len(self._buffer))] if self._buffer else []

    def _cut(self, end: int) -> str:
        piece, self._buffer = self._buffer[:end], self._buffer[end:]
        self._decided = 0
        return piece

    def _end_of_piece(self) -> int | None:
        text = self._buffer
        end = self._sentence_end(text if len(text) <= self._max else text[: self._max + 1])
        if end is not None and end <= self._max:
            return end
        if len(text) <= self._max:
            return None
        return last_boundary(text, self._max) or _within_word(text, self._max)

    def _sentence_end(self, text: str) -> int | None:
        for end in sentence_ends(text, self._decided):
            before = text[:end].rstrip()
            if not before or (before[-1] in ".…" and NOT_AN_END.search(before)) or is_inside_markup(before):
                continue
            return end
        decided = len(text)  # a mark at the end is judged again with what follows it
        while decided > self._decided and not text[decided - 1].isalnum():
            decided -= 1
        self._decided = decided
        return None


def sentence_ends(text: str, start: int) -> Iterator[int]:
    """The end of every match of `SENTENCE_END` from `start` on."""
    while (place := _MAY_END.search(text, start)) is not None:
        found = SENTENCE_END.match(text, place.start())
        if found is None:
            start = place.end()
        else:
            start = found.end()
            yield start


def _within_word(text: str, end: int) -> int:
    """Where to cut a word that is too long: not between a letter and its marks, if that can be helped."""
    place = end
    while place > max(0, end - 16) and _BELONGS_TO_LETTER.match(text, place):
        place -= 1
    return place if place > max(0, end - 16) else end


def is_inside_markup(text: str) -> bool:
    """Whether markup has begun and not ended: a cut there would have it spoken literally."""
    lowered = text.lower()
    return PAUSE_BEGUN.search(text) is not None or any(
        lowered.rfind(opening) > lowered.rfind(closing) for opening, closing in MARKUP
    )


def packed(pieces: Iterable[str], max_characters: int) -> Iterator[str]:
    """The same text in as few pieces as the limit allows: a voice that sees more of a text speaks it better."""
    gathered = ""
    for piece in pieces:
        if gathered and len(gathered) + len(piece) > max_characters:
            yield gathered
            gathered = ""
        gathered += piece
    if gathered:
        yield gathered


def pieces_of(text: str, max_characters: int) -> list[str]:
    """A whole text in pieces of at most so many characters."""
    segmenter = SentenceSegmenter(max_characters)
    return list(packed([*segmenter.feed(text), *segmenter.finish()], max_characters))
