"""How an attempt ended, and whether the contact is called again.

Follows Twilio's Call resource (final statuses) and its page on answering machine detection (`AnsweredBy`).

One rule: an outcome is worked out from everything known so far, never from what came last, so that callbacks in any
order lead to the same one. Instants are epoch milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from telebridge.twilio.calls import CallStatus


class Outcome(Enum):
    """How an attempt, and with its last attempt a contact, ended."""

    ANSWERED = "answered"
    """A person was spoken to, as far as anybody can tell."""
    HUNG_UP = "hung_up"
    """Answered, and hung up before the first words were over."""
    MACHINE = "machine"
    SCREENED = "screened"
    """A telephone or a service that screens calls answered, and nobody came."""
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    """The network could not connect the call."""
    CANCELLED = "cancelled"
    """Ended by us before anybody answered, or before anybody was spoken to."""
    ABANDONED = "abandoned"
    """Answered, but nobody spoke to the person in time; laws bound their share."""
    LOST = "lost"
    """Answered, and no process of ours tells of the call: its document or its stream failed, or its process died."""
    CALL_BACK = "call_back"
    """The person named a better time."""
    OPTED_OUT = "opted_out"
    BAD_NUMBER = "bad_number"
    """Twilio refused the number itself."""
    REFUSED = "refused"
    """Twilio refused the call for another reason that would not go away."""
    UNKNOWN = "unknown"
    """Nobody knows whether it rang, and the campaign's owner chose not to risk ringing twice."""


class Reported(Enum):
    """What the flow or the bridge says of a call; where several came, the latest in this list counts."""

    ENDED = "ended"
    """Ended by us before a word: the campaign was cancelled, or the number put on the do-not-call list, meanwhile."""
    HUNG_UP = "hung_up"
    ABANDONED = "abandoned"
    MACHINE = "machine"
    SCREENED = "screened"
    CALL_BACK = "call_back"
    OPTED_OUT = "opted_out"


CONVERSATIONS = frozenset({Outcome.ANSWERED, Outcome.HUNG_UP, Outcome.CALL_BACK, Outcome.OPTED_OUT})
"""Outcomes in which a person answered, also one who hung up at once."""
PERHAPS_CONVERSATIONS = CONVERSATIONS | {Outcome.LOST, None}
"""And those in which that may have been, so that caps on conversations count them."""
WEIGHT = {reported: weight for weight, reported in enumerate(Reported)}
MACHINES = ("machine", "fax")


def outcome_of(
    status: CallStatus, answered_by: str, reported: Reported | None, talk: Mapping[str, Any], *, lost: bool = False
) -> Outcome | None:
    """The outcome of a call with this status; None while it is not over, or nobody has told yet what was said in it.

    Args:
        status: Twilio's.
        answered_by: Twilio's verdict on who answered, or empty.
        reported: What the flow said.
        talk: What was heard and answered, which the bridge tells of every call that it spoke in.
        lost: Whether that is no longer waited for.
    """
    if not status.is_final:
        return None
    if reported is Reported.OPTED_OUT:
        return Outcome.OPTED_OUT
    if status is not CallStatus.COMPLETED:
        return NOT_ANSWERED[status]
    if reported is Reported.CALL_BACK:
        return Outcome.CALL_BACK
    if reported is None and not talk:
        return Outcome.LOST if lost else None
    if reported is Reported.ENDED and not talk:
        return Outcome.CANCELLED
    is_machine = reported in MACHINES_REPORTED or answered_by.startswith(MACHINES)
    is_person = talk.get("person") or talk.get("digits")  # what no machine does, while Twilio's verdict is a guess
    if is_machine and not is_person:
        return Outcome.SCREENED if reported is Reported.SCREENED else Outcome.MACHINE
    return Outcome.ANSWERED if reported is None else SHORT.get(reported, Outcome.ANSWERED)


MACHINES_REPORTED = (Reported.MACHINE, Reported.SCREENED)
SHORT = {Reported.ABANDONED: Outcome.ABANDONED, Reported.HUNG_UP: Outcome.HUNG_UP}


NOT_ANSWERED = {
    CallStatus.BUSY: Outcome.BUSY,
    CallStatus.NO_ANSWER: Outcome.NO_ANSWER,
    CallStatus.FAILED: Outcome.FAILED,
    CallStatus.CANCELED: Outcome.CANCELLED,
}


def weightier(first: Reported | None, second: Reported | None) -> Reported | None:
    """Which of two reports counts."""
    if first is None or second is None:
        return first or second
    return max(first, second, key=WEIGHT.__getitem__)


def usual_delays() -> dict[Outcome, tuple[float, ...]]:
    """Delays in seconds that most campaigns want."""
    return {
        Outcome.BUSY: (900.0,),
        Outcome.NO_ANSWER: (7200.0, 86_400.0),
        Outcome.MACHINE: (14_400.0, 86_400.0),
        Outcome.SCREENED: (14_400.0, 86_400.0),
        Outcome.FAILED: (1800.0,),
        Outcome.LOST: (3600.0, 86_400.0),
    }


@dataclass(frozen=True, slots=True)
class RetryRules:
    """When a contact is called again.

    Args:
        max_attempts: How many calls a contact gets in all; calls that were never placed do not count.
        delays_seconds: For each outcome that is tried again: how long after the first, second, … attempt. The last
            one holds for all that follow. An outcome that is not here is final.
        next_number: The outcomes after which the next of a contact's numbers is called, at once.
    """

    max_attempts: int = 3
    delays_seconds: Mapping[Outcome, tuple[float, ...]] = field(default_factory=usual_delays)
    next_number: tuple[Outcome, ...] = ()

    def next_due(
        self, outcome: Outcome, *, attempts: int, ended_at: int, call_back_at: int | None, numbers: int = 1
    ) -> int | None:
        """When the contact is due again; None for never.

        Args:
            outcome: How the last attempt ended.
            attempts: How many calls it has had, that one included.
            ended_at: When that one ended.
            call_back_at: The time the person asked for. It is kept even after the last attempt: it is their wish.
            numbers: How many numbers can be tried: the first delay follows when all of them were tried once.
        """
        if outcome is Outcome.CALL_BACK:
            return call_back_at
        delays = self.delays_seconds.get(outcome, ())
        if not delays or attempts >= self.max_attempts:
            return None
        rounds = max(1, attempts // max(1, numbers))
        return ended_at + round(1000 * delays[min(rounds, len(delays)) - 1])
