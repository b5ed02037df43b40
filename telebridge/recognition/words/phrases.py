"""Which of several phrases a caller has said, and what is no answer at all.

One rule: a doubtful answer is no answer; a caller is asked again rather than sent to the wrong place.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

APART = re.compile(r"[^\w']+")
FILLERS = frozenset(
    {
        *("uh", "um", "uhm", "er", "erm", "hm", "hmm", "mm", "mmm", "mhm", "ah", "oh", "eh", "em"),
        *("hä", "äh", "ähm", "öh", "euh", "heu", "ben", "bah", "este", "pues", "eeh", "mh", "allora", "ehm", "beh"),
    }
)
"""Sounds that people make while they think, in English, German, French, Spanish and Italian."""
DENIALS = frozenset(
    {
        *("not", "never", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "cant", "wont"),
        *("nicht", "nie", "kein", "keine", "keinen", "keiner", "pas", "jamais", "nunca"),
    }
)
"""Words that deny the phrase after them, in English, German, French and Spanish."""
LINKS = frozenset(
    {*("a", "an", "the", "my", "for", "about", "to", "want", "need", "really"), *("die", "der", "das", "le", "la")}
)
MOST_LINKS = 2
"""So many of these may stand between, as in "I don't want the bill"."""
APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))
LEAST_ECHO_WORDS = 4
"""Fewer words may well be an answer that the prompt itself suggested."""
ECHO_SHARE = 0.75
MOST_WORDS = 400
"""So many words of a transcript are looked at."""


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation and compatibility forms; at most `MOST_WORDS`."""
    plain = unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).casefold()
    found = [token for part in APART.split(plain) if (token := part.replace("'", "").replace("_", ""))]
    return found[:MOST_WORDS]


def says_nothing(text: str) -> bool:
    """Whether a text is empty, or only the sounds of somebody who thinks."""
    return all(token in FILLERS for token in tokens(text))


def chosen(text: str, choices: Mapping[str, Iterable[str]], *, deniable: bool = False) -> str | None:
    """The choice whose phrase a text contains: the longest phrase counts, wherever it stands.

    Args:
        text: What the caller said, such as "uh, billing I guess".
        choices: The phrases of each choice.
        deniable: Whether a phrase that is denied, as in "not billing", is not there.

    Returns:
        The choice; None when no phrase is there, or equally long ones of two choices are.
    """
    said = tokens(text)
    longest, best = 0, set[str]()
    for choice, phrases in choices.items():
        for phrase in phrases:
            wanted = tokens(phrase)
            if len(wanted) >= max(1, longest) and _contains(said, wanted, deniable=deniable):
                best = best | {choice} if len(wanted) == longest else {choice}
                longest = len(wanted)
    return best.pop() if len(best) == 1 else None


def _contains(said: list[str], wanted: list[str], *, deniable: bool = False) -> bool:
    size = len(wanted)
    found = (at for at in range(len(said) - size + 1) if said[at : at + size] == wanted)
    return any(not (deniable and _denied(said[:at])) for at in found)


def _denied(before: list[str]) -> bool:
    """Whether the words before a phrase deny it."""
    links = 0
    while links < MOST_LINKS and before[-1 - links : len(before) - links] and before[-1 - links] in LINKS:
        links += 1
    return len(before) > links and before[-1 - links] in DENIALS


def is_echo(text: str, said: str) -> bool:
    """Whether a transcript is mostly what we said ourselves, heard again over a loudspeaker."""
    heard, ours = tokens(text), tokens(said)
    if len(heard) < LEAST_ECHO_WORDS or not ours:
        return False
    matcher = SequenceMatcher(None, heard, ours, autojunk=False)
    return matcher.find_longest_match().size >= ECHO_SHARE * len(heard)


def repeats(text: str, said: str) -> bool:
    """Whether a text stands word for word in what we said ourselves, so that its beginning may be an echo."""
    return _contains(tokens(said), tokens(text))
