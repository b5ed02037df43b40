"""Attempts as a store keeps them, and reports on their calls.

One rule: these are values; to change one, make another and write it. Instants are epoch milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from telebridge.campaigns.engine.outcomes import Outcome, Reported
from telebridge.campaigns.engine.states import AttemptState
from telebridge.timing.epoch import iso_time
from telebridge.twilio.calls import CallStatus


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to reach a contact, written as `INTENT` before the request to Twilio.

    Args:
        id: Ours; every callback of its call names it.
        n: Counts the attempts of a contact from 1.
        worker: Who placed it, or was about to.
        intent_at: When it was written.
        lease_until: Until then its worker may place the call, and the reconciler leaves it alone.
        check_at: When the reconciler asks Twilio about it; None when no report is missing.
        looks: How often Twilio was asked without a result.
        ring_seconds: How long it rings.
        detects_machine: Whether a verdict on who answered will come.
        status: The furthest that the call has been seen at.
        error: Twilio's or our words on what went wrong.
        talk: What was heard and answered in the call, in plain values, once it is over.
    """

    id: str
    campaign_id: str
    contact_id: int
    n: int
    phone: str
    account: str
    from_number: str
    worker: str
    intent_at: int
    lease_until: int
    check_at: int | None
    state: AttemptState = AttemptState.INTENT
    looks: int = 0
    ring_seconds: int = 25
    detects_machine: bool = False
    call_sid: str | None = None
    status: CallStatus | None = None
    answered_by: str = ""
    reported: Reported | None = None
    call_back_at: int | None = None
    ended_at: int | None = None
    outcome: Outcome | None = None
    error: str = ""
    rules_version: str = ""
    talk: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallReport:
    """A report on the call of an attempt: Twilio's answer, a callback, a fetched call, or what its flow found out.

    Args:
        call_sid: Which call it is.
        status: How far it is, when that was said.
        answered_by: Twilio's verdict, or empty.
        reported: What the flow says.
        call_back_at: With `Reported.CALL_BACK`, when.
        looked_up: Whether it is the answer to a request, so that what it lacks is not waited for.
        error: Words on what went wrong.
        talk: What was heard and answered in the call.
    """

    call_sid: str
    status: CallStatus | None = None
    answered_by: str = ""
    reported: Reported | None = None
    call_back_at: int | None = None
    looked_up: bool = False
    error: str = ""
    talk: Mapping[str, Any] = field(default_factory=dict)


class Receipt(Enum):
    """What the store did with a report.

    APPLIED: the attempt changed. DUPLICATE: everything in it was known, nothing changed. MISMATCH: the attempt has
    another call, or was never placed: end this call, and answer its document with a hang-up. UNKNOWN: there is no such
    attempt.
    """

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


class NotPlacedReason(Enum):
    """Why a call was not placed, which decides about its contact.

    AGAIN: the contact is ready again, and the attempt does not count. UNCLEAR, COUNTRY: likewise, but it waits for some
    minutes, because Twilio refused the call for a reason that is not known, or for its country. BAD_NUMBER, REFUSED:
    the contact is done with that outcome. UNKNOWN: it is not known whether the call was placed, and the campaign's plan
    says to give up.
    """

    AGAIN = "again"
    UNCLEAR = "unclear"
    COUNTRY = "country"
    BAD_NUMBER = "bad_number"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def ends_contact(self) -> bool:
        """Whether the contact is done with it."""
        return self not in {NotPlacedReason.AGAIN, NotPlacedReason.UNCLEAR, NotPlacedReason.COUNTRY}


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as plain values for JSON."""
    return {
        "id": attempt.id,
        "n": attempt.n,
        "state": attempt.state.value,
        "outcome": None if attempt.outcome is None else attempt.outcome.value,
        "from": attempt.from_number,
        "to": attempt.phone,
        "call_sid": attempt.call_sid,
        "begun_at": iso_time(attempt.intent_at),
        "ended_at": None if attempt.ended_at is None else iso_time(attempt.ended_at),
        "answered_by": attempt.answered_by,
        "talk": attempt.talk,
        "error": attempt.error,
        "rules_version": attempt.rules_version,
    }
