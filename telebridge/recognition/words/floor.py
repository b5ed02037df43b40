"""What words say that are spoken over a prompt: "go on", or "let me speak".

One rule: a word that is known for neither takes the floor; only what is known to say "go on" leaves it to the speaker.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

from telebridge.recognition.words.digits import number_words
from telebridge.recognition.words.phrases import FILLERS, tokens

LONGEST_PHRASE = 6
"""So many words of a phrase are compared."""
ARTICLES = frozenset({"ein", "eine", "un", "une", "una", "uno", "o"})
"""Number words that are said for something else more often."""
OTHER_LANGUAGES = "en"


class FloorMeaning(Enum):
    """What words say that are spoken over a prompt."""

    NOTHING = "no words"
    BACK_CHANNEL = "back-channel"
    FEW_WORDS = "too few words"
    WORDS = "words"
    NUMBER = "number"
    INTERRUPTING = "interrupting word"

    @property
    def takes_floor(self) -> bool:
        """Whether they take the floor."""
        return self in {FloorMeaning.WORDS, FloorMeaning.NUMBER, FloorMeaning.INTERRUPTING}


@dataclass(frozen=True, slots=True)
class FloorWordRules:
    """Which words take the floor.

    Args:
        min_words: How many words do that are neither back-channels nor interrupting words nor numbers.
        back_channels: Phrases that leave it to the speaker, beside those of the language.
        interrupting: Phrases that always take it, beside those of the language.
    """

    min_words: int = 1
    back_channels: tuple[str, ...] = ()
    interrupting: tuple[str, ...] = ()

    def meaning(self, text: str, language: str, *, final: bool = True) -> FloorMeaning:
        """What a transcript says.

        Args:
            text: The transcript.
            language: The language that is spoken, such as "en-US"; one without lists has those of English.
            final: Whether no other words follow; otherwise the beginning of a longer back-channel says nothing yet.
        """
        said = tokens(text)
        interrupting, back_channels = self._phrases(language)
        rest: list[str] = []
        at = 0
        while at < len(said):
            wanted, unwanted = _longest(said, at, interrupting), _longest(said, at, back_channels)
            if wanted and wanted >= unwanted:
                return FloorMeaning.INTERRUPTING
            if not (unwanted or final) and _begins(tuple(said[at:]), back_channels):
                return FloorMeaning.BACK_CHANNEL if not rest else self._of_rest(rest, said, language)
            if not unwanted:
                rest.append(said[at])
            at += max(1, unwanted)
        return self._of_rest(rest, said, language)

    def _of_rest(self, rest: list[str], said: list[str], language: str) -> FloorMeaning:
        """What is meant where these words are neither interrupting ones nor back-channels."""
        words = [token for token in rest if token not in FILLERS]
        if not words:
            return FloorMeaning.BACK_CHANNEL if len(rest) < len(said) else FloorMeaning.NOTHING
        if any(_is_number(word, language) for word in words):
            return FloorMeaning.NUMBER
        return FloorMeaning.WORDS if len(words) >= self.min_words else FloorMeaning.FEW_WORDS

    def is_back_channel(self, text: str, language: str) -> bool:
        """Whether a transcript holds words, and all of them only say that somebody listens."""
        return self.meaning(text, language) is FloorMeaning.BACK_CHANNEL

    def _phrases(self, language: str) -> tuple[frozenset[tuple[str, ...]], frozenset[tuple[str, ...]]]:
        interrupting, back_channels = _lists(language.partition("-")[0].casefold())
        own, listening = _phrases(self.interrupting), _phrases(self.back_channels)
        return (interrupting - listening) | own, (back_channels - own) | listening


def _longest(said: list[str], at: int, phrases: frozenset[tuple[str, ...]]) -> int:
    """How many words the longest of the phrases has that is said there; 0 when none is."""
    for size in range(min(LONGEST_PHRASE, len(said) - at), 0, -1):
        if tuple(said[at : at + size]) in phrases:
            return size
    return 0


def _is_number(token: str, language: str) -> bool:
    if token.isdecimal():
        return True
    words = number_words(language)
    return (token in words.numbers or token in words.tens) and token not in ARTICLES


def _begins(words: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> bool:
    """Whether a longer phrase begins with these words."""
    return any(len(phrase) > len(words) and phrase[: len(words)] == words for phrase in phrases)


@cache
def _phrases(written: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(words for phrase in written if (words := tuple(tokens(phrase))))


@cache
def _lists(language: str) -> tuple[frozenset[tuple[str, ...]], frozenset[tuple[str, ...]]]:
    """The interrupting phrases of a language, and its back-channels."""
    lists = _languages()
    own: Mapping[str, Iterable[str]] = lists.get(language, lists[OTHER_LANGUAGES])
    return _phrases(tuple(own["interrupting"])), _phrases(tuple(own["back_channels"]))


@cache
def _languages() -> Mapping[str, Mapping[str, list[str]]]:
    file = files("telebridge.recognition.words") / "data" / "floor.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
