"""What a caller's words mean at a question.

One rule: whoever asks, a call or a rehearsal, asks here, so that both understand the same.
"""

from dataclasses import dataclass

from telebridge.flows.steps import WordRules
from telebridge.recognition.words.digits import only_digits, spoken_digits
from telebridge.recognition.words.phrases import chosen


@dataclass(frozen=True, slots=True)
class WordMeaning:
    """What words stand for.

    Args:
        key: A key, which answers the question; empty for none.
        digits: Digits, to be taken like keys.
    """

    key: str = ""
    digits: str = ""


def meaning_of(whole: str, last: str, rules: WordRules, language: str) -> WordMeaning | None:
    """What was said means this; None where it answers nothing.

    Args:
        whole: All that was said in answer to the question.
        last: The last utterance of it.
        rules: Which words answer.
        language: The language that is spoken.
    """
    if rules.digits and (digits := spoken_digits(last, language)):
        return WordMeaning(digits=digits)
    key = chosen(whole, rules.choices, deniable=True) or ""
    if not key and rules.choices and (digits := only_digits(last, language)) in rules.choices:
        key = digits
    return WordMeaning(key) if key else None
