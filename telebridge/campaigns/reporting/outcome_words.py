"""The outcomes of contacts in words, for reports and pages."""

OUTCOME_WORDS = {
    "answered": "answered by a person",
    "hung_up": "hung up at once",
    "machine": "answering machine",
    "screened": "screened by the telephone, nobody came",
    "busy": "busy",
    "no_answer": "no answer",
    "failed": "could not be connected",
    "cancelled": "cancelled before a word",
    "abandoned": "answered, nobody spoke in time",
    "lost": "answered, not known what was said",
    "call_back": "wants to be called at another time",
    "opted_out": "wants no further calls",
    "bad_number": "number does not exist",
    "refused": "refused by Twilio",
    "unknown": "not known whether it rang",
    "do_not_call": "on the do-not-call list",
    "waiting": "not called yet, or to be called again",
    "calling": "being called",
}
"""Outcomes in words for readers who do not know telebridge; an outcome that is missing is shown by its name."""


def outcome_words(outcome: str) -> str:
    """An outcome in words."""
    return OUTCOME_WORDS.get(outcome, outcome.replace("_", " "))
