"""What becomes known of calls, in this process's memory; see `AttemptRecords` for what is promised."""

from collections.abc import Iterable
from dataclasses import replace

from typing_extensions import override

from support.memory_store.outbox import write_outbox
from support.memory_store.rows import MemoryRows
from telebridge.campaigns.engine.attempt import Attempt, CallReport, NotPlacedReason, Receipt
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN, DoNotCallEntry
from telebridge.campaigns.engine.outcomes import Reported
from telebridge.campaigns.engine.reconciliation import Overdue, next_look
from telebridge.campaigns.engine.states import AttemptState
from telebridge.campaigns.engine.transitions import (
    CHECK_FAILED_AGAIN_MS,
    CHECK_FURTHEST_MS,
    apply_disposition,
    apply_report,
    release_contact,
    void_attempt,
)
from telebridge.campaigns.store.protocols import AttemptRecords
from telebridge.campaigns.webhooks.events import Change, attempt_events


class MemoryAttempts(AttemptRecords):
    """What becomes known of calls."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    @override
    async def find(self, attempt_id: str) -> Attempt | None:
        return self._rows.attempts.get(attempt_id)

    @override
    async def find_by_call(self, call_sid: str) -> Attempt | None:
        return next((one for one in self._rows.attempts.values() if one.call_sid == call_sid), None)

    @override
    async def report(self, attempt_id: str, report: CallReport) -> Receipt:
        before = self._rows.attempts.get(attempt_id)
        if before is None:
            return Receipt.UNKNOWN
        holder = next((one for one in self._rows.attempts.values() if one.call_sid == report.call_sid), before)
        after = apply_report(before, report, now=self._rows.clock())
        if after is None or holder.id != attempt_id:
            return Receipt.MISMATCH
        self._rows.attempts[attempt_id] = after
        contact = self._rows.contacts[after.contact_id]
        if after.outcome is not before.outcome:
            rules = self._rows.campaigns[after.campaign_id].plan.retry
            self._rows.contacts[after.contact_id] = apply_disposition(after, contact, rules)
        self._tell(Change(before, after), contact)
        if after.reported is Reported.OPTED_OUT:
            for phone in dict.fromkeys((after.phone, *contact.phones)):
                entry = DoNotCallEntry(phone, EVERY_CAMPAIGN, "call", after.id, self._rows.clock())
                self._rows.do_not_call.setdefault((phone, EVERY_CAMPAIGN), entry)
        return Receipt.DUPLICATE if after == before else Receipt.APPLIED

    @override
    async def not_placed(self, attempt_id: str, why: NotPlacedReason, *, error: str) -> bool:
        before = self._rows.attempts[attempt_id]
        after = void_attempt(before, why, error=error)
        if after is None or before.state is AttemptState.VOID:
            return False
        self._rows.attempts[attempt_id] = after
        contact = self._rows.contacts[after.contact_id]
        self._rows.contacts[contact.id] = release_contact(
            contact,
            why,
            now=self._rows.clock(),
            attempt=after,
            rules=self._rows.campaigns[contact.campaign_id].plan.retry,
        )
        self._tell(Change(before, after), contact)
        return True

    @override
    async def take_expired_intents(self, limit: int = 50) -> Overdue:
        now = self._rows.clock()
        due = [one for one in self._due(now) if one.state is AttemptState.INTENT][:limit]
        for attempt in due:
            self._rows.attempts[attempt.id] = replace(
                attempt, check_at=next_look(attempt, now=now), looks=attempt.looks + 1
            )
        return Overdue(now, due)

    @override
    async def take_due_checks(self, limit: int = 50) -> Overdue:
        now = self._rows.clock()
        due = [one for one in self._due(now) if one.state is not AttemptState.INTENT]
        due += [
            one
            for one in self._rows.attempts.values()
            if one.state is not AttemptState.INTENT and (one.check_at or 0) > now + CHECK_FURTHEST_MS
        ]
        due = due[:limit]
        for attempt in due:
            self._rows.attempts[attempt.id] = replace(
                attempt, check_at=now + CHECK_FAILED_AGAIN_MS, looks=attempt.looks + 1
            )
        return Overdue(now, due)

    @override
    async def bound(self, call_sids: Iterable[str]) -> set[str]:
        known = {attempt.call_sid for attempt in self._rows.attempts.values()}
        return {sid for sid in call_sids if sid in known}

    @override
    async def live(self, campaign_id: str) -> list[Attempt]:
        return [attempt for attempt in self._rows.attempts_of(campaign_id) if attempt.state.is_live]

    def _tell(self, attempt: Change[Attempt], before: Contact) -> None:
        owner = self._rows.campaigns[before.campaign_id]
        contact = Change(before, self._rows.contacts[before.id])
        write_outbox(self._rows.outbox, attempt_events(owner, attempt, contact, now=self._rows.clock()))

    def _due(self, now: int) -> list[Attempt]:
        due = [one for one in self._rows.attempts.values() if one.check_at is not None and one.check_at <= now]
        return sorted(due, key=lambda attempt: attempt.check_at or 0)
