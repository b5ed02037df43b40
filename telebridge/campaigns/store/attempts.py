"""Attempts in an SQL database; see `AttemptRecords` for what is promised.

One rule: an attempt's row is locked before its contact's, everywhere.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, update
from typing_extensions import override

from telebridge.campaigns.engine.attempt import Attempt, CallReport, NotPlacedReason, Receipt
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN
from telebridge.campaigns.engine.outcomes import Reported
from telebridge.campaigns.engine.reconciliation import Overdue, next_look
from telebridge.campaigns.engine.states import AttemptState, ContactState
from telebridge.campaigns.engine.transitions import (
    CHECK_FAILED_AGAIN_MS,
    CHECK_FURTHEST_MS,
    apply_disposition,
    apply_report,
    release_contact,
    void_attempt,
)
from telebridge.campaigns.store.outbox import write_outbox
from telebridge.campaigns.store.protocols import AttemptRecords
from telebridge.campaigns.store.tables import (
    IS_LIVE,
    attempt,
    attempt_of,
    attempt_values,
    campaign,
    campaign_of,
    contact,
    contact_changes,
    contact_number_changes,
    contact_of,
    do_not_call,
)
from telebridge.campaigns.webhooks.events import Change, attempt_events
from telebridge.database.database import Database


class SqlAttempts(AttemptRecords):
    """What becomes known of calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def find(self, attempt_id: str) -> Attempt | None:
        return await self._one(attempt.c.id == attempt_id)

    @override
    async def find_by_call(self, call_sid: str) -> Attempt | None:
        return await self._one(attempt.c.call_sid == call_sid)

    @override
    async def report(self, attempt_id: str, report: CallReport) -> Receipt:
        def work(connection: Connection) -> Receipt:
            before = _locked(connection, attempt_id)
            if before is None:
                return Receipt.UNKNOWN
            now = self._database.now(connection)
            after = apply_report(before, report, now=now)
            if after is None or _is_anothers(connection, attempt_id, report.call_sid):
                return Receipt.MISMATCH
            if after == before:
                return Receipt.DUPLICATE
            write_attempt(connection, after)
            if after.state is AttemptState.DONE:
                _ended(connection, Change(before, after), now=now)
            if after.reported is Reported.OPTED_OUT and before.reported is not Reported.OPTED_OUT:
                row = {"scope": EVERY_CAMPAIGN, "source": "call", "reason": after.id, "added_at": now}
                phones = dict.fromkeys((after.phone, *_contact(connection, after).phones))
                self._database.insert_new(connection, do_not_call, [{"phone": phone, **row} for phone in phones])
            return Receipt.APPLIED

        return await self._database.write(work)

    @override
    async def not_placed(self, attempt_id: str, why: NotPlacedReason, *, error: str) -> bool:
        def work(connection: Connection) -> bool:
            before = _locked(connection, attempt_id)
            after = None if before is None else void_attempt(before, why, error=error)
            if before is None or after is None or before.state is AttemptState.VOID:
                return False
            write_attempt(connection, after)
            held = _contact(connection, after)
            now = self._database.now(connection)
            rules = _campaign(connection, after).plan.retry if held.numbers else None
            released = release_contact(held, why, now=now, attempt=after, rules=rules)
            write_contact(connection, released)
            if released.state is ContactState.DONE:
                changes = Change(before, after), Change(held, released)
                _write_events(connection, _campaign(connection, after), *changes, now=now)
            return True

        return await self._database.write(work)

    @override
    async def take_expired_intents(self, limit: int = 50) -> Overdue:
        def work(connection: Connection) -> Overdue:
            now = self._database.now(connection)
            due = _due(connection, attempt.c.state == AttemptState.INTENT, now=now, limit=limit)
            for one in due:
                later = {"check_at": next_look(one, now=now), "looks": one.looks + 1}
                connection.execute(update(attempt).where(attempt.c.id == one.id).values(**later))
            return Overdue(now, due)

        return await self._database.write(work)

    @override
    async def take_due_checks(self, limit: int = 50) -> Overdue:
        def work(connection: Connection) -> Overdue:
            now = self._database.now(connection)
            ahead = attempt.c.check_at > now + CHECK_FURTHEST_MS  # written while the clock ran ahead
            due = _due(connection, attempt.c.state != AttemptState.INTENT, now=now, limit=limit, or_when=ahead)
            ids = [one.id for one in due]
            later = {"check_at": now + CHECK_FAILED_AGAIN_MS, "looks": attempt.c.looks + 1}
            connection.execute(update(attempt).where(attempt.c.id.in_(ids)).values(**later))
            return Overdue(now, due)

        return await self._database.write(work)

    @override
    async def bound(self, call_sids: Iterable[str]) -> set[str]:
        query = select(attempt.c.call_sid).where(attempt.c.call_sid.in_(list(call_sids)))
        return {row.call_sid for row in await self._database.rows(query)}

    @override
    async def live(self, campaign_id: str) -> list[Attempt]:
        query = select(attempt).where(attempt.c.campaign_id == campaign_id, IS_LIVE)
        return await self._database.rows_as(attempt_of, query)

    async def _one(self, which: ColumnElement[bool]) -> Attempt | None:
        rows = await self._database.rows(select(attempt).where(which))
        return attempt_of(rows[0]) if rows else None


def _locked(connection: Connection, attempt_id: str) -> Attempt | None:
    row = connection.execute(select(attempt).where(attempt.c.id == attempt_id).with_for_update()).one_or_none()
    return None if row is None else attempt_of(row)


def _is_anothers(connection: Connection, attempt_id: str, call_sid: str) -> bool:
    query = select(attempt.c.id).where(attempt.c.call_sid == call_sid, attempt.c.id != attempt_id)
    return connection.execute(query).first() is not None


def _due(
    connection: Connection,
    which: ColumnElement[bool],
    *,
    now: int,
    limit: int,
    or_when: ColumnElement[bool] | None = None,
) -> list[Attempt]:
    due = attempt.c.check_at <= now if or_when is None else or_(attempt.c.check_at <= now, or_when)
    query = select(attempt).where(attempt.c.check_at.is_not(None), due, which)
    query = query.order_by(attempt.c.check_at).limit(limit).with_for_update(skip_locked=True)
    return [attempt_of(row) for row in connection.execute(query)]


def _ended(connection: Connection, ended: Change[Attempt], *, now: int) -> None:
    """Apply the end of an attempt to its contact, and write the events."""
    owner = _campaign(connection, ended.after)
    is_new = ended.after.outcome is not ended.before.outcome
    if not is_new and owner.plan.webhook is None:
        return
    before = _contact(connection, ended.after)
    after = apply_disposition(ended.after, before, owner.plan.retry) if is_new else before
    if after != before:
        write_contact(connection, after)
    _write_events(connection, owner, ended, Change(before, after), now=now)


def _write_events(
    connection: Connection, owner: Campaign, ended: Change[Attempt], contact: Change[Contact], *, now: int
) -> None:
    write_outbox(connection, owner.id, attempt_events(owner, ended, contact, now=now))


def _campaign(connection: Connection, of: Attempt) -> Campaign:
    return campaign_of(connection.execute(select(campaign).where(campaign.c.id == of.campaign_id)).one())


def _contact(connection: Connection, of: Attempt) -> Contact:
    query = select(contact).where(contact.c.id == of.contact_id).with_for_update()
    return contact_of(connection.execute(query).one())


def write_attempt(connection: Connection, after: Attempt) -> None:
    """Write an attempt that is there."""
    values: dict[str, Any] = attempt_values(after)
    connection.execute(update(attempt).where(attempt.c.id == after.id).values(**values))


def write_contact(connection: Connection, after: Contact) -> None:
    """Write a contact of which an attempt has ended."""
    values = contact_changes(after) | (contact_number_changes(after) if after.numbers else {})
    connection.execute(update(contact).where(contact.c.id == after.id).values(**values))
