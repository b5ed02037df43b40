"""What a report changes in an attempt, and what the end of an attempt changes in its contact.

Both stores do nothing but read the two rows under a lock, ask here, and write back what they are told.

One rule: facts are merged, each by an order of its own, and everything else is worked out from them. So reports may
come in any order, doubled, late, or in part, and the rows end the same. That nothing was said in a call is a fact, too:
it is known once nobody has told of the call for a while and Twilio was asked again. Its contact stays live until then.
"""

from dataclasses import replace

from telebridge.campaigns.engine.attempt import (
    Attempt,
    CallReport,
    Contact,
    Unplaced,
)
from telebridge.campaigns.engine.outcomes import (
    Outcome,
    RetryRules,
    outcome_of,
    weightier,
)
from telebridge.campaigns.engine.states import (
    ATTEMPT,
    CONTACT,
    AttemptInput,
    AttemptState,
    ContactInput,
    ContactState,
    follow,
)
from telebridge.twilio.calls import ORDER, CallStatus

CHECK_AFTER_RING_MS = 60_000
CHECK_AGAIN_MS = 300_000
CHECK_FURTHEST_MS = 3_600_000
"""No look is further ahead, unless the clock that it was set by ran ahead."""
VERDICT_WITHIN_MS = 30_000
TALK_WITHIN_MS = 60_000
"""The bridge tells what was said within a moment of the call's end, unless the database is away or it has died."""
TALK_OVERDUE_MS = 10_000
"""A breaker that waited out the whole time would let hundreds more be called in vain."""
AGAIN_AFTER_MS = 1000


def take_report(attempt: Attempt, report: CallReport, *, now: int) -> Attempt | None:
    """The attempt after a report; None when the call is not this attempt's."""
    if attempt.state is AttemptState.VOID or attempt.call_sid not in {None, report.call_sid}:
        return None
    status = _further(attempt.status, report.status or _implied(report))
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


def settle(attempt: Attempt, contact: Contact, rules: RetryRules) -> Contact:
    """The contact after its attempt has ended; the same one when a later attempt is under way already."""
    if attempt.outcome is None or attempt.ended_at is None or attempt.n != contact.claims:
        return contact
    due_at = rules.next_due(
        attempt.outcome, attempts=contact.attempts, ended_at=attempt.ended_at, call_back_at=attempt.call_back_at
    )
    happened = ContactInput.SETTLE if due_at is None else ContactInput.RETRY
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


def never_placed(attempt: Attempt, why: Unplaced, *, error: str) -> Attempt | None:
    """The attempt when it is certain that no call was made; None when a call of it is known: then it stays.

    What ends its contact is its outcome, so that a campaign whose calls are refused is stopped.
    """
    if attempt.state not in {AttemptState.INTENT, AttemptState.VOID}:
        return None
    state = follow(ATTEMPT, attempt.state, AttemptInput.VOID)
    outcome = None if why is Unplaced.AGAIN else Outcome(why.value)
    return replace(attempt, state=state, check_at=None, outcome=outcome, error=attempt.error or error)


def release(contact: Contact, why: Unplaced, *, now: int, after_ms: int = AGAIN_AFTER_MS) -> Contact:
    """The contact of an attempt that has just become void; the attempt does not count."""
    uncounted = replace(contact, attempts=contact.attempts - 1)
    if why is Unplaced.AGAIN:
        return replace(uncounted, state=follow(CONTACT, contact.state, ContactInput.RETRY), due_at=now + after_ms)
    state = follow(CONTACT, contact.state, ContactInput.SETTLE)
    return replace(uncounted, state=state, outcome=Outcome(why.value).value)


def _is_lost(known: Attempt, report: CallReport, now: int) -> bool:
    """Whether nobody will tell any more what was said in the call."""
    waited = None if known.ended_at is None else abs(now - known.ended_at)  # the clock may have been put right
    return report.looked_up and waited is not None and waited >= TALK_WITHIN_MS


def _implied(report: CallReport) -> CallStatus:
    """A verdict on who answered, or a word of the flow, comes from a call that is answered."""
    said = report.answered_by or report.reported is not None or report.talk
    return CallStatus.IN_PROGRESS if said else CallStatus.QUEUED


def _further(known: CallStatus | None, told: CallStatus) -> CallStatus:
    return told if known is None or ORDER[told] > ORDER[known] else known


def _input(status: CallStatus) -> AttemptInput:
    if status.is_final:
        return AttemptInput.END
    return AttemptInput.ANSWER if status is CallStatus.IN_PROGRESS else AttemptInput.PLACE


def _check_at(before: Attempt, attempt: Attempt, report: CallReport, now: int) -> int | None:
    """When to look at the call, should nothing more be heard of it."""
    if attempt.state is AttemptState.DONE:
        if attempt.outcome is None:
            return (now if attempt.ended_at is None else attempt.ended_at) + TALK_WITHIN_MS
        missing = attempt.detects_machine and attempt.status is CallStatus.COMPLETED and not attempt.answered_by
        if not missing or report.looked_up:
            return None
        return before.check_at if before.state is AttemptState.DONE else now + VERDICT_WITHIN_MS
    if attempt.state is before.state and not report.looked_up:
        return before.check_at
    if attempt.state is AttemptState.PLACED and not report.looked_up:
        return now + 1000 * attempt.ring_seconds + CHECK_AFTER_RING_MS
    return now + CHECK_AGAIN_MS
