"""Which words of a text have been spoken, by the word times of a speech service.

A service may spell a word otherwise than the text: "one hundred dollars" for `$100`. Both are read in step.
A spoken word that is not the next of the text is looked for further on only as far as the words spoken since the last
match can stand for what would be left out, or where several words in a row agree.

One rule: the answer is never further on than what could have been spoken by then; in doubt it is too early.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex

from telebridge.speech.patterns import compiled
from telebridge.speech.source import Word
from telebridge.speech.words import end_of_word

_WITHOUT_BLANKS = r"[[\p{LB=ID}\p{LB=CJ}\p{LB=SA}]&&[\p{L}]]"
_TOKEN = compiled(
    rf"{_WITHOUT_BLANKS}\p{{M}}*"
    r"|\p{N}+(?:[.,:]\p{N}+)*"
    r"|\p{L}(?:\.\p{L})+(?![\p{L}\p{M}])"
    rf"|(?:(?!{_WITHOUT_BLANKS})[\p{{L}}\p{{M}}])+(?:['\u2019\u02bc](?:(?!{_WITHOUT_BLANKS})[\p{{L}}\p{{M}}])+)*",
    regex.V1,
)
_UNSPOKEN = compiled(r"<\s*\d[\d.\s]{0,12}>|\bspell(?=\()", regex.IGNORECASE)
"""Markup in a text that no word is spoken for."""
_IGNORED = compiled(r"['\u2019\u02bc.,:]")

AGREEING_WORDS = 4
"""So many words in a row that agree are a match even where what is left out was not spoken."""
MOST_LEFT_OUT = 5
LEAST_MS_PER_CHARACTER = 10.0
"""Nobody reads faster; a stretch of the text that would need more time than passed was not spoken."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """How far a text has been spoken.

    Args:
        position: Where in the text the last word ends that was spoken.
        exact: Whether every spoken word was found there, so that nothing is in doubt.
        matched: How many words of the text were found among the spoken ones.
    """

    position: int
    exact: bool
    matched: int


@dataclass(frozen=True, slots=True)
class _TextWord:
    core: str
    start: int
    end: int


def spoken_until(text: str, words: Sequence[Word], heard: int, start: int = 0) -> Spoken:
    """How far `text` has been spoken when the first `heard` of `words` have.

    Args:
        text: The whole text.
        words: As the service spelled and timed them; those that follow the heard ones make the answer more certain.
        heard: How many of them have been spoken.
        start: Where in the text they begin; also the answer when none is found.
    """
    ahead = _text_words(text, start)
    spoken = [(core, at) for at, word in enumerate(words) for core in _cores(word.text)]
    count = sum(at < heard for _, at in spoken)
    last, following, matched = (-1, -1), None, 0
    for match in _matches(ahead, spoken, words):
        if match[0] >= count:
            following = match
            break
        last, matched = match, matched + 1
    unmatched = count - 1 - last[0]
    done = last[1] + 1  # words of the text that were spoken
    exact = unmatched == 0
    if unmatched and following is not None:
        in_all, left_out = following[0] - last[0] - 1, following[1] - last[1] - 1
        done += left_out * unmatched // in_all
        exact = unmatched == in_all
    return Spoken(_end_of_text_word(text, ahead, done, start), exact, matched)


def _matches(
    ahead: Sequence[_TextWord], spoken: Sequence[tuple[str, int]], words: Sequence[Word]
) -> Iterator[tuple[int, int]]:
    """Pairs of indexes of spoken words and words of the text that are the same, in order."""
    following, unmatched, since_ms = 0, 0, 0.0
    for index, (_, at) in enumerate(spoken):
        found = _find(ahead, following, [each for each, _ in spoken[index : index + AGREEING_WORDS]], unmatched)
        if found is not None and found > following:
            skipped = ahead[found - 1].end - ahead[following].start
            if skipped * LEAST_MS_PER_CHARACTER > max(0.0, words[at].end_ms - since_ms):
                found = None
        if found is None:
            unmatched += 1
            continue
        yield index, found
        following, unmatched, since_ms = found + 1, 0, words[at].end_ms


def _find(ahead: Sequence[_TextWord], following: int, cores: Sequence[str], unmatched: int) -> int | None:
    """Where the first of `cores` stands in the text: at `following`, or after words that can have been left out."""
    for left_out in range(unmatched + MOST_LEFT_OUT + 1):
        place = following + left_out
        if place >= len(ahead):
            return None
        if ahead[place].core != cores[0]:
            continue
        if left_out <= unmatched:
            return place
        row = [word.core for word in ahead[place : place + AGREEING_WORDS]]
        if len(row) == AGREEING_WORDS and row == list(cores):
            return place
    return None


def _end_of_text_word(text: str, ahead: Sequence[_TextWord], done: int, start: int) -> int:
    """Where the last of so many words ends, with what clings to it; a word of several parts counts when all did."""
    while done > 0:
        end = end_of_word(text, ahead[done - 1].end)
        if done == len(ahead) or ahead[done].start >= end:
            return end
        done -= 1
    return start


@lru_cache(maxsize=64)
def _text_words(text: str, start: int) -> tuple[_TextWord, ...]:
    covered = _UNSPOKEN.sub(lambda match: " " * len(match.group()), text)
    return tuple(_TextWord(_core(match.group()), *match.span()) for match in _TOKEN.finditer(covered, start))


@lru_cache(maxsize=4096)
def _cores(text: str) -> tuple[str, ...]:
    """What is compared of a spoken word. Kept: a prompt is looked at again and again while it plays."""
    return tuple(_core(match.group()) for match in _TOKEN.finditer(text))


def _core(token: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFKC", token)).casefold()
