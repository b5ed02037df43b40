"""The words that answer the question of a node, in the language in which it is asked.

One rule: a question without phrases, and one that takes keys only, has none, so nobody listens to it.
"""

from collections.abc import Mapping

from telebridge.flows.inspection import QuestionNode, answer_keys
from telebridge.flows.nodes.questions import AskNode, CollectNode, ListenNode, MenuNode
from telebridge.flows.steps import WordRules
from telebridge.recognition.words.yes_no import no_words, yes_words
from telebridge.speech.source import VoiceOverrides

LANGUAGES: Mapping[str, str] = {
    "eng": "en", "spa": "es", "fra": "fr", "fre": "fr", "deu": "de", "ger": "de", "ita": "it", "por": "pt", "nld": "nl",
    "hin": "hi", "jpn": "ja", "ara": "ar", "kor": "ko", "rus": "ru", "pol": "pl",
}  # fmt: skip
"""What Rime's three letters are in the two of recognizers."""
MENU_SECONDS = 10.0
"""Nobody needs longer to say one of several phrases."""
COLLECT_SECONDS = 30.0


def language_of(voice: VoiceOverrides | None) -> str:
    """The language in which a prompt of this voice is spoken; empty for that of the settings."""
    spoken = str((voice or {}).get("lang", ""))
    return LANGUAGES.get(spoken, spoken)


def word_rules(node: QuestionNode, language: str) -> WordRules | None:
    """The words that answer a node's question; None where only keys do."""
    match node:
        case MenuNode(choices=choices, confirm=confirm):
            phrases = {key: choice.say for key, choice in choices.items() if choice.say}
            if not phrases:
                return None
            return WordRules(
                {key: phrases.get(key, ()) for key in choices},
                language=language,
                longest_seconds=MENU_SECONDS,
                confirmed=confirm is not None,
            )
        case AskNode(confirm=confirm):
            keys = answer_keys(node)
            known = {keys[name]: said for name, said in answer_phrases(node, language).items()}
            return WordRules(known, language=language, longest_seconds=MENU_SECONDS, confirmed=confirm is not None)
        case CollectNode(accept="any"):
            return WordRules(digits=True, language=language, longest_seconds=COLLECT_SECONDS)
        case CollectNode():
            return None
        case ListenNode():
            return WordRules(
                free=True,
                hints=node.hints,
                language=language,
                silence_seconds=node.silence,
                longest_seconds=node.longest,
            )


def answer_phrases(node: AskNode, language: str) -> dict[str, tuple[str, ...]]:
    """What callers say for each answer of an `ask`: its name, its phrases, and what means yes and no."""
    known = {"yes": yes_words(language), "no": no_words(language)}
    return {
        name: tuple(dict.fromkeys((name.replace("_", " "), *choice.say, *known.get(name, ()))))
        for name, choice in node.choices.items()
    }
