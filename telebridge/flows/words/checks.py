"""Phrases of a question that stand twice, or that sound so alike that a recognizer takes one for the other.

One rule: what stands twice is a mistake; what sounds alike is a warning, since a good recognizer may tell it apart.
"""

from collections.abc import Iterator
from itertools import combinations

from telebridge.flows.checks.mistakes import Mistake
from telebridge.flows.inspection import answer_keys
from telebridge.flows.model import Flow
from telebridge.flows.nodes.questions import AskNode, MenuNode
from telebridge.flows.words.rules import answer_phrases, language_of
from telebridge.recognition.words.phrases import tokens

ALIKE = {letter: group for group in ("bpfvw", "cgjkqsxz", "dt", "mn", "r", "l") for letter in group}
"""Consonants that are heard for one another; vowels are left out."""
LEAST_LETTERS = 4
"""A shorter phrase has too few consonants to compare."""


def phrase_mistakes(flow: Flow) -> Iterator[Mistake]:
    """Phrases that stand at two choices of one question, and keys of an `ask` that do."""
    for name, node in flow.nodes.items():
        if isinstance(node, AskNode):
            yield from _double_keys(name, node)
        seen: dict[tuple[str, ...], str] = {}
        for choice, phrases in _phrases(node, flow).items():
            for phrase in phrases:
                words = tuple(tokens(phrase))
                if not words:
                    yield Mistake(("nodes", name, "choices", choice), f"'{phrase}' holds no word")
                elif seen.setdefault(words, choice) != choice:
                    problem = f"'{phrase}' stands at '{seen[words]}' too"
                    yield Mistake(("nodes", name, "choices", choice), problem, "leave one of them out")


def _double_keys(name: str, node: AskNode) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for choice, key in answer_keys(node).items():
        if key in seen:
            yield Mistake(("nodes", name, "choices", choice), f"key {key} gives the answer '{seen[key]}' too")
        seen.setdefault(key, choice)


def alike_phrases(flow: Flow) -> Iterator[Mistake]:
    """Phrases of two choices of one question that sound alike."""
    for name, node in flow.nodes.items():
        for (one, its), (other, others) in combinations(_phrases(node, flow).items(), 2):
            for phrase in others:
                like = next((each for each in its if _sound(each) and _sound(each) == _sound(phrase)), None)
                if like is not None and tokens(like) != tokens(phrase):
                    problem = f"'{phrase}' sounds like '{like}' of '{one}'"
                    yield Mistake(("nodes", name, "choices", other), problem, "choose words that differ more")


def _phrases(node: object, flow: Flow) -> dict[str, tuple[str, ...]]:
    match node:
        case MenuNode(choices=choices):
            return {key: choice.say for key, choice in choices.items()}
        case AskNode():
            return answer_phrases(node, language_of({**flow.speech, **node.speech}))
        case _:
            return {}


def _sound(phrase: str) -> tuple[str, ...]:
    """How a phrase sounds, roughly: the groups of its consonants, none twice in a row; empty for a short phrase."""
    letters = "".join(tokens(phrase))
    if len(letters) < LEAST_LETTERS:
        return ()
    groups = [ALIKE[letter] for letter in letters if letter in ALIKE]
    return tuple(group for at, group in enumerate(groups) if at == 0 or groups[at - 1] != group)
