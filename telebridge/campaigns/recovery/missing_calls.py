"""Finds the calls that a database has lost because it was restored from a backup, and makes up for them.

A restored database knows nothing of what was dialled after the backup: its contacts wait to be called. Twilio knows
the calls. A call that was created after the latest attempt in the database, from a number of a campaign to any number
of one of its contacts, and that no attempt explains, is an attempt that was lost. It is written again, with what Twilio
says of it. So its contact is called again only if the retry rules say so, and the caps of the law count it.

What was said in such a call is lost. One that was completed counts as answered: a person may have been spoken to.

One rule: in doubt a contact counts as called. Instants are epoch milliseconds.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from telebridge.campaigns.engine.attempt import Attempt, CallReport, NotPlacedReason
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.reconciliation import AFTER_MS, ASTRAY_MS, BEFORE_MS
from telebridge.campaigns.engine.states import CONTACT, AttemptState, ContactInput, ContactState, follow
from telebridge.campaigns.engine.transitions import apply_disposition, apply_report, void_attempt
from telebridge.errors import LocalProtocolError
from telebridge.twilio.calls import CallStatus

TALK: Mapping[str, Any] = {"end_reason": "unknown: the database was restored"}
"""What is written of a call in which somebody may have been spoken to."""
ERROR = "found in Twilio's list of calls: the database was restored"
WORKER = "Twilio's list of calls"


@dataclass(frozen=True, slots=True)
class DialedCall:
    """A call of Twilio's list.

    Args:
        sid: Its SID.
        to: Whom it called.
        from_number: From where.
        created_at: When Twilio accepted it, to the second.
        status: How far it is.
        answered_by: The verdict of machine detection, or empty.
        seconds: How long it was.
    """

    sid: str
    to: str
    from_number: str
    created_at: int
    status: CallStatus
    answered_by: str = ""
    seconds: int = 0

    def as_report(self) -> CallReport:
        """Return the report on it; one that was completed says that somebody may have been spoken to."""
        talk = TALK if self.status is CallStatus.COMPLETED else {}
        return CallReport(self.sid, self.status, answered_by=self.answered_by, looked_up=True, talk=talk, error=ERROR)

    @property
    def over_at(self) -> int:
        """When it ended, about."""
        return self.created_at + 1000 * self.seconds


@dataclass(frozen=True, slots=True)
class MissingCall:
    """A call that the database has lost.

    Args:
        call: As Twilio lists it.
        contacts: The ids of the contacts that it may have been for: the number is one of theirs, first or further.
    """

    call: DialedCall
    contacts: tuple[int, ...]


def unknown_calls(calls: Iterable[DialedCall], known: Collection[str]) -> list[DialedCall]:
    """Return the calls whose SID the database does not know, in the order in which they were dialled."""
    unknown = {call.sid: call for call in calls if call.sid not in known}
    return sorted(unknown.values(), key=lambda call: (call.created_at, call.sid))


def unexplained(calls: Sequence[DialedCall], attempts: Iterable[Attempt]) -> list[DialedCall]:
    """Return the unknown calls that can only be of a lost attempt.

    An attempt without a SID, whose request is under way or had no answer, explains one call near its time.

    Args:
        calls: From `unknown_calls`.
        attempts: Attempts without a SID, to the numbers of those calls.
    """
    explaining = [attempt for attempt in attempts if attempt.call_sid is None]
    left = []
    for call in calls:
        attempt = next((one for one in explaining if _explains(one, call)), None)
        if attempt is None:
            left.append(call)
        else:
            explaining.remove(attempt)
    return left


def _explains(attempt: Attempt, call: DialedCall) -> bool:
    first, last = attempt.intent_at - BEFORE_MS - ASTRAY_MS, attempt.lease_until + AFTER_MS + ASTRAY_MS
    between = (attempt.phone, attempt.from_number) == (call.to, call.from_number)
    return between and first <= call.created_at <= last


@dataclass(frozen=True, slots=True)
class Called:
    """A contact that a call may have been for.

    Args:
        campaign: Whose contact it is.
        contact: As the database has it.
        live: Its attempt that is under way by the database.
    """

    campaign: Campaign
    contact: Contact
    live: Attempt | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it has another call, which is known: what this one was is told when that one is over."""
        return self.live is not None and self.live.call_sid is not None


def most_likely_first(candidates: Iterable[Called]) -> list[Called]:
    """Sort the contacts of several campaigns that a call may have been for: who was about to be called comes first."""
    order = {ContactState.LIVE: 0, ContactState.READY: 1, ContactState.DONE: 2, ContactState.SKIPPED: 3}
    return sorted(candidates, key=lambda one: (order[one.contact.state], -one.campaign.plan.priority, one.campaign.id))


def never_placed(called: Called, live: Attempt) -> tuple[Attempt, Called]:
    """Return the attempt that was begun when the backup was made as never placed, and its contact without it.

    Twilio lists no call of it, and a later one to another number of the contact: the contact has one at a time.

    Args:
        called: The contact, which is not busy.
        live: Its attempt that is under way by the database.
    """
    void = void_attempt(live, NotPlacedReason.AGAIN, error=ERROR)
    if void is None:
        raise LocalProtocolError(f"attempt {live.id} has a call")
    return void, replace(called, contact=replace(called.contact, attempts=called.contact.attempts - 1), live=None)


def make_up(call: DialedCall, called: Called, attempt_id: str) -> tuple[Attempt, Contact]:
    """Return the attempt that a call was, and its contact after it.

    Args:
        call: One that is over.
        called: Whom it was for; an attempt that is under way is to the number that was called.
        attempt_id: The id of the attempt when it is new; one that is under way without a call gets this call.
    """
    attempt, contact = (called.live, called.contact) if called.live else _claimed(call, called, attempt_id)
    after = apply_report(attempt, call.as_report(), now=call.over_at)
    if after is None or after.state is not AttemptState.DONE:
        raise LocalProtocolError(f"call {call.sid} is not over, or is another attempt's")
    return replace(after, check_at=None), apply_disposition(after, contact, called.campaign.plan.retry)


def settle(attempt: Attempt, contact: Contact, campaign: Campaign, call: DialedCall) -> tuple[Attempt, Contact]:
    """Return an attempt whose call is known, and its contact, after the call has ended; the same ones when it has not.

    Args:
        attempt: Its end, or what was said in it, was not known when the backup was made.
        contact: Whose it is.
        campaign: Likewise.
        call: Its call.
    """
    after = apply_report(attempt, call.as_report(), now=call.over_at)
    if after is None or after.state is not AttemptState.DONE:
        return attempt, contact
    return replace(after, check_at=None), apply_disposition(after, contact, campaign.plan.retry)


def _claimed(call: DialedCall, called: Called, attempt_id: str) -> tuple[Attempt, Contact]:
    contact = called.contact.with_another_claim()
    if contact.state is ContactState.READY:
        contact = replace(contact, state=follow(CONTACT, contact.state, ContactInput.CLAIM))
    attempt = Attempt(
        attempt_id,
        contact.campaign_id,
        contact.id,
        contact.claims,
        call.to,
        called.campaign.plan.account,
        call.from_number,
        WORKER,
        intent_at=call.created_at,
        lease_until=call.created_at,
        check_at=None,
        ring_seconds=called.campaign.plan.ring_seconds,
        rules_version=called.campaign.plan.rules_version,
    )
    return attempt, contact


def perhaps_called(called: Called) -> Contact:
    """Return the contact of another campaign that the same call may have been for: nobody knows whether it was."""
    contact = called.contact
    if contact.state is not ContactState.READY:
        return contact
    return replace(contact, state=follow(CONTACT, contact.state, ContactInput.COMPLETE), outcome=Outcome.UNKNOWN.value)
