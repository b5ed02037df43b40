"""The transitions of an attempt by a report on its call, and of its contact by the end of the attempt.

A store reads the two rows under a lock, calls these functions, and writes the results.

One rule: facts are merged, each in an order of its own, and everything else is computed from them. So reports may come
in any order, doubled, late, or in part, and the rows end the same. That nothing was said in a call is a fact,
too: it is established once no report has come for a while and Twilio was asked again. The contact is live until then.
"""

from dataclasses import replace

from telebridge.campaigns.engine.attempt import Attempt, CallReport, NotPlacedReason
from telebridge.campaigns.engine.contact import COUNTRY_HELD, REFUSED_HELD, Contact
from telebridge.campaigns.engine.outcomes import (
    Outcome,
    Reported,
    RetryRules,
    outcome_of,
    weightier,
)
from telebridge.campaigns.engine.refusals import COUNTRY_AGAIN_SECONDS, UNCLEAR_AGAIN_SECONDS
from telebridge.campaigns.engine.states import (
    ATTEMPT,
    CONTACT,
    AttemptInput,
    AttemptState,
    ContactInput,
    ContactState,
    follow,
)
from telebridge.twilio.calls import CallStatus, further_status

CHECK_AFTER_RING_MS = 60_000
CHECK_AGAIN_MS = 300_000
CHECK_FAILED_AGAIN_MS = 20_000
"""A check is due again after this time, unless Twilio's answer is written before."""
CHECK_TOLD_END_MS = 4000
"""Twilio reports the end of a call within moments of when the bridge does; if not, the report is lost."""
CHECK_TOLD_END_AGAIN_MS = 10_000
"""After a look at such a call that Twilio says is live; doubled with each further one."""
CHECK_FURTHEST_MS = 3_600_000
"""A check that is due later than this was set by a clock that ran ahead."""
VERDICT_WITHIN_MS = 30_000
TALK_WITHIN_MS = 60_000
"""The bridge reports what was said within moments of a call's end, unless the database is away or it has died."""
TALK_OVERDUE_MS = 10_000
"""For the circuit breaker a call without such a report is lost after this time, long before `TALK_WITHIN_MS`."""
AGAIN_AFTER_MS = 1000
UNUSABLE = frozenset({Outcome.BAD_NUMBER, Outcome.REFUSED})
_OUTCOMES = frozenset(outcome.value for outcome in Outcome)
RELEASES = {
    NotPlacedReason.AGAIN: (AGAIN_AFTER_MS, ""),
    NotPlacedReason.UNCLEAR: (round(1000 * UNCLEAR_AGAIN_SECONDS), REFUSED_HELD),
    NotPlacedReason.COUNTRY: (round(1000 * COUNTRY_AGAIN_SECONDS), COUNTRY_HELD),
}
"""For how long a contact waits after a call that was not placed, and what `Contact.held` says of it."""


def apply_report(attempt: Attempt, report: CallReport, *, now: int) -> Attempt | None:
    """Return the attempt after a report; None when the call is not this attempt's."""
    if attempt.state is AttemptState.VOID or attempt.call_sid not in {None, report.call_sid}:
        return None
    status = further_status(attempt.status, report.status or _implied(report))
    times = [at for at in (attempt.call_back_at, report.call_back_at) if at is not None]
    known = replace(
        attempt,
        call_sid=report.call_sid,
        status=status,
        state=follow(ATTEMPT, attempt.state, _input(status)),
        answered_by=attempt.answered_by or report.answered_by,
        reported=weightier(attempt.reported, report.reported),
        call_back_at=max(times, default=None),
        ended_at=now if status.is_final and attempt.ended_at is None else attempt.ended_at,
        error=attempt.error or report.error,
        talk=attempt.talk or report.talk,
    )
    lost = attempt.outcome is Outcome.LOST or _is_lost(known, report, now)
    known = replace(known, outcome=outcome_of(status, known.answered_by, known.reported, known.talk, lost=lost))
    return replace(known, check_at=_check_at(attempt, known, report, now))


def apply_disposition(attempt: Attempt, contact: Contact, rules: RetryRules) -> Contact:
    """Return the contact after its attempt has ended: done, or due again by the retry rules, perhaps at another number.

    The contact is returned unchanged when the attempt has no outcome yet, or a later attempt is under way.
    """
    if attempt.outcome is None or attempt.ended_at is None or attempt.n != contact.claims:
        return contact
    due_at = rules.next_due(
        attempt.outcome,
        attempts=contact.attempts,
        ended_at=attempt.ended_at,
        call_back_at=attempt.call_back_at,
        numbers=contact.usable_numbers,
    )
    if contact.numbers:
        contact, due_at = _at_its_number(contact, attempt, attempt.outcome, rules, due_at, now=attempt.ended_at)
    happened = ContactInput.COMPLETE if due_at is None else ContactInput.RETRY
    state = follow(CONTACT, contact.state, happened)
    if state is ContactState.SKIPPED:
        return contact
    return replace(
        contact,
        state=state,
        outcome=attempt.outcome.value,
        due_at=attempt.ended_at if due_at is None else due_at,
        held="",
    )


def void_attempt(attempt: Attempt, why: NotPlacedReason, *, error: str) -> Attempt | None:
    """Return the void attempt when no call was placed; None when a call of it is known.

    A reason that ends its contact is its outcome, so that the circuit breaker counts refused calls.
    """
    if attempt.state not in {AttemptState.INTENT, AttemptState.VOID}:
        return None
    state = follow(ATTEMPT, attempt.state, AttemptInput.VOID)
    outcome = Outcome(why.value) if why.ends_contact else None
    return replace(attempt, state=state, check_at=None, outcome=outcome, error=attempt.error or error)


def release_contact(
    contact: Contact, why: NotPlacedReason, *, now: int, attempt: Attempt | None = None, rules: RetryRules | None = None
) -> Contact:
    """Return the contact of an attempt that has just become void; the attempt does not count.

    Args:
        contact: The contact.
        why: Why the call was not placed.
        now: Epoch milliseconds.
        attempt: The attempt; needed with `rules`.
        rules: Of the campaign, for a contact with several numbers: another one may be tried.
    """
    uncounted = replace(contact, attempts=contact.attempts - 1)
    if not why.ends_contact:
        after_ms, held = RELEASES[why]
        state = follow(CONTACT, contact.state, ContactInput.RETRY)
        return replace(uncounted, state=state, due_at=now + after_ms, held=held)
    outcome = Outcome(why.value)
    if contact.numbers and attempt is not None and rules is not None:
        return _other_number(uncounted, attempt, outcome, rules, now=now)
    state = follow(CONTACT, contact.state, ContactInput.COMPLETE)
    return replace(uncounted, state=state, outcome=outcome.value)


def _other_number(contact: Contact, attempt: Attempt, outcome: Outcome, rules: RetryRules, *, now: int) -> Contact:
    """The contact whose number Twilio has refused: at its next number, later at an earlier one, or done."""
    earlier = contact.outcome  # how an earlier number of this round ended, whose delay then holds
    if outcome in UNUSABLE:
        contact = contact.without_number(attempt.phone)
    due_at = None
    if earlier in _OUTCOMES and contact.usable_numbers:
        due_at = rules.next_due(
            Outcome(earlier),
            attempts=contact.attempts,
            ended_at=now,
            call_back_at=None,
            numbers=contact.usable_numbers,
        )
    contact, due_at = _at_its_number(contact, attempt, outcome, rules, due_at, now=now)
    happened = ContactInput.COMPLETE if due_at is None else ContactInput.RETRY
    told = outcome.value if due_at is None or not earlier else earlier
    due_at = contact.due_at if due_at is None else due_at
    return replace(contact, state=follow(CONTACT, contact.state, happened), outcome=told, due_at=due_at, held="")


def _at_its_number(
    contact: Contact, attempt: Attempt, outcome: Outcome, rules: RetryRules, due_at: int | None, *, now: int
) -> tuple[Contact, int | None]:
    """A contact of several numbers at the one that is called next, and when; None for never.

    The place is counted from the number of the attempt, so that a report that comes again leads to the same place.

    Args:
        contact: The contact.
        attempt: The attempt that has ended.
        outcome: How.
        rules: Of the campaign.
        due_at: When it would be due by the delays.
        now: When the attempt ended.
    """
    if outcome in rules.next_number and contact.attempts < rules.max_attempts:
        behind = contact.number_behind(attempt.phone)
        if behind is not None:
            return contact.at_number(behind), now
        return (contact if due_at is None else contact.at_first_number()), due_at
    place = contact.phones.index(attempt.phone) if attempt.phone in contact.phones else contact.number
    return contact.at_number(place), due_at


def _is_lost(known: Attempt, report: CallReport, now: int) -> bool:
    """Whether a report on what was said in the call is no longer expected."""
    waited = None if known.ended_at is None else abs(now - known.ended_at)  # the clock may have been put right
    return report.looked_up and waited is not None and waited >= TALK_WITHIN_MS


def _implied(report: CallReport) -> CallStatus:
    """Return the least status that a report proves: a verdict or a word of the flow comes from an answered call."""
    said = report.answered_by or report.reported is not None or report.talk
    return CallStatus.IN_PROGRESS if said else CallStatus.QUEUED


def _told_end(attempt: Attempt) -> bool:
    """Whether the bridge has told that the call is over; it tells what was said only then."""
    return bool(attempt.talk) or attempt.reported is Reported.ENDED


def _input(status: CallStatus) -> AttemptInput:
    if status.is_final:
        return AttemptInput.END
    return AttemptInput.ANSWER if status is CallStatus.IN_PROGRESS else AttemptInput.PLACE


def _check_at(before: Attempt, attempt: Attempt, report: CallReport, now: int) -> int | None:
    """Return when to ask Twilio about the call, unless a report comes before."""
    if attempt.state is AttemptState.DONE:
        if attempt.outcome is None:
            return (now if attempt.ended_at is None else attempt.ended_at) + TALK_WITHIN_MS
        missing = attempt.detects_machine and attempt.status is CallStatus.COMPLETED and not attempt.answered_by
        if not missing or report.looked_up:
            return None
        return before.check_at if before.state is AttemptState.DONE else now + VERDICT_WITHIN_MS
    ended = _told_end(attempt)
    if ended and not _told_end(before):
        return now + CHECK_TOLD_END_MS
    if attempt.state is before.state and not report.looked_up:
        return before.check_at
    if ended and report.looked_up:
        return now + min(CHECK_AGAIN_MS, CHECK_TOLD_END_AGAIN_MS << min(max(0, attempt.looks - 1), 8))
    if attempt.state is AttemptState.PLACED and not report.looked_up:
        return now + 1000 * attempt.ring_seconds + CHECK_AFTER_RING_MS
    return now + CHECK_AGAIN_MS
