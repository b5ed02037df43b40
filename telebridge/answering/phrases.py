"""What is said by whoever answers a call: phrases of voice mailboxes and of telephones that screen calls.

The phrases that telebridge knows are in `data/phrases.toml`, with language, maker, source and date.

One rule: whoever says none of these phrases is not taken for a machine.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from telebridge.recognition.words.phrases import chosen, says_nothing, tokens

MOST_WORDS_OF_A_PERSON = 6
"""People answer with a word or two; who says more, and none of the phrases, may be anybody."""


class Answerer(Enum):
    """Who is at the other end of a call that was placed."""

    PERSON = "person"
    VOICEMAIL = "voicemail"
    SCREEN = "screen"
    """A telephone, or a service, that asks who calls before it rings."""


class PhraseGroup(BaseModel):
    """Phrases of one maker in one language.

    Args:
        answerer: Who says them.
        language: Their language, in two letters.
        maker: Who made what says them.
        source: Where they were found.
        date: When.
        say: The phrases.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answerer: Literal["screen", "voicemail"]
    language: str
    maker: str
    source: str
    date: date
    say: tuple[str, ...]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked: date
    phrases: tuple[PhraseGroup, ...]


@cache
def known_phrases() -> tuple[PhraseGroup, ...]:
    """The phrases that telebridge ships."""
    file = files("telebridge.answering") / "data" / "phrases.toml"
    return _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).phrases


@dataclass(frozen=True, slots=True)
class AnswerPhrases:
    """The phrases by which an answerer is known.

    Args:
        screens: Of telephones that screen calls.
        mailboxes: Of voice mailboxes.
    """

    screens: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    _choices: dict[str, tuple[str, ...]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Put the two beside each other."""
        self._choices[Answerer.SCREEN.value] = self.screens
        self._choices[Answerer.VOICEMAIL.value] = self.mailboxes

    @classmethod
    def with_further(cls, screens: Iterable[str] = (), mailboxes: Iterable[str] = ()) -> "AnswerPhrases":
        """The phrases that telebridge ships, and these."""
        said: dict[str, list[str]] = {"screen": [], "voicemail": []}
        for group in known_phrases():
            said[group.answerer] += group.say
        return cls((*said["screen"], *screens), (*said["voicemail"], *mailboxes))

    def machine_in(self, text: str) -> Answerer | None:
        """The machine that says this, perhaps as the beginning of more; None for none that is known."""
        found = chosen(text, self._choices)
        return None if found is None else Answerer(found)

    def sounds_like_person(self, text: str) -> bool:
        """Whether this, said and followed by silence, is a person who answers."""
        words = tokens(text)
        return not says_nothing(text) and len(words) <= MOST_WORDS_OF_A_PERSON and self.machine_in(text) is None


@cache
def shipped_phrases() -> AnswerPhrases:
    """The phrases that telebridge ships, to be looked for."""
    return AnswerPhrases.with_further()
