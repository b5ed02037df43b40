"""The circuit breaker of a campaign: pauses it when too many of its calls fail or are abandoned.

Follows 47 CFR 64.1200(a)(7): of the calls that live persons answer, at most 3% may be abandoned.

One rule: a campaign is only paused, with the figures as the reason; its owner decides whether to go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from telebridge.campaigns.engine.outcomes import CONVERSATIONS, Outcome

ABANDONED = frozenset({Outcome.ABANDONED, Outcome.LOST})
LIVE_ANSWERS = CONVERSATIONS | ABANDONED
FAILED = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.BAD_NUMBER, Outcome.UNKNOWN, Outcome.LOST})

SMALLEST = 5
"""Of fewer calls no share says anything."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """What is too many.

    Args:
        failed_share: Of the latest calls, those that failed, were refused, or were answered and lost, and those that
            may have rung or not.
        failed_of: How many calls must have ended before the share says anything; so many of the latest are looked at.
            In a small campaign half as many as it has contacts, at least `SMALLEST`, are enough.
        abandoned_share: Of all live answers since the campaign was last started, those without a word in time.
        abandoned_of: How many live answers there must be before the share says anything.
    """

    failed_share: float = 0.5
    failed_of: int = 50
    abandoned_share: float = 0.03
    abandoned_of: int = 100


def failed_too_often(rules: BreakerRules, latest: Mapping[Outcome, int], *, contacts: int = 0) -> str:
    """Why a campaign of so many contacts must pause for its failed calls; empty while it may go on.

    Without `contacts` it is taken for the smallest campaign that can be paused.

    Args:
        rules: What is too many.
        latest: The outcomes of the latest `failed_of` attempts since it was last started.
        contacts: How many contacts it has.
    """
    ended, failed = sum(latest.values()), sum(latest.get(outcome, 0) for outcome in FAILED)
    enough = min(rules.failed_of, max(SMALLEST, (contacts + 1) // 2))
    if ended >= enough and failed > rules.failed_share * ended:
        return f"{failed} of the latest {ended} calls failed, more than {rules.failed_share:.0%}"
    return ""


def abandoned_too_often(rules: BreakerRules, since_start: Mapping[Outcome, int]) -> str:
    """Why a campaign must pause for its abandoned calls; empty while it may go on.

    Args:
        rules: What is too many.
        since_start: The outcomes of all attempts since it was last started.
    """
    answers = sum(since_start.get(outcome, 0) for outcome in LIVE_ANSWERS)
    abandoned = sum(since_start.get(outcome, 0) for outcome in ABANDONED)
    if answers >= rules.abandoned_of and abandoned > rules.abandoned_share * answers:
        return f"{abandoned} of {answers} answered calls were abandoned, more than {rules.abandoned_share:.0%}"
    return ""
