"""What is done to whole campaigns in an SQL database; see `AdministrationRecords` for what is promised.

One rule: no transaction touches more than a few thousand rows, so that claims and reports do not wait long.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, exists, func, or_, select, update
from typing_extensions import override

from telebridge.campaigns.engine.administration import (
    AdministrationRecords,
    ArchivedContact,
    KeptRecords,
    KeyChange,
    Purged,
    check_deletable,
    delete_campaign,
    edit_plan,
)
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan, WebhookEvent
from telebridge.campaigns.engine.contact import ContactNumber, Lane, import_lease
from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN, DoNotCallEntry
from telebridge.campaigns.engine.lifecycle import name_taken
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus
from telebridge.campaigns.store.campaigns import locked_campaign, write_campaign
from telebridge.campaigns.store.contacts import advance_position, end_import, lanes_for, renew_import_lease
from telebridge.campaigns.store.outbox import write_outbox
from telebridge.campaigns.store.tables import (
    IS_LIVE,
    IS_WATCHED,
    attempt,
    attempt_values,
    campaign,
    campaign_changes,
    campaign_of,
    contact,
    contact_changes,
    do_not_call,
    import_position,
    lane,
    outbox,
    task_lease,
)
from telebridge.campaigns.webhooks.events import Change, campaign_event, status_events
from telebridge.database.database import Database

AT_ONCE = 5000


class SqlAdministration(AdministrationRecords):
    """What is done to whole campaigns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def edit(
        self,
        campaign_id: str,
        before: CampaignPlan,
        after: CampaignPlan,
        changes: Sequence[KeyChange],
        *,
        need_pause: Collection[str],
    ) -> Campaign:
        def work(connection: Connection) -> Campaign:
            edited = edit_plan(locked_campaign(connection, campaign_id), before, after, need_pause=need_pause)
            write_campaign(connection, edited, name=after.name, account=after.account, plan=after)
            now = self._database.now(connection)
            facts = {
                "status": edited.status.value,
                "changes": {one.key: {"before": one.before, "after": one.after} for one in changes},
            }
            write_outbox(connection, campaign_id, campaign_event(edited, WebhookEvent.CAMPAIGN_EDITED, facts, now=now))
            return edited

        return await self._database.write(work)

    @override
    async def write_event(self, campaign_id: str, event: WebhookEvent, facts: Mapping[str, Any]) -> None:
        def work(connection: Connection) -> None:
            owner = campaign_of(connection.execute(select(campaign).where(campaign.c.id == campaign_id)).one())
            told = campaign_event(owner, event, facts, now=self._database.now(connection))
            write_outbox(connection, campaign_id, told)

        await self._database.write(work)

    @override
    async def copy_do_not_call(self, from_id: str, to_id: str) -> int:
        entries = select(do_not_call).where(do_not_call.c.scope == from_id)

        def work(connection: Connection) -> int:
            rows = [{**row, "scope": to_id} for row in connection.execute(entries).mappings()]
            return self._database.insert_new(connection, do_not_call, rows)

        return await self._database.write(work)

    @override
    async def delete(self, campaign_id: str) -> KeptRecords:
        own = attempt.c.campaign_id == campaign_id
        unsettled = select(func.count()).where(own, or_(IS_LIVE, IS_WATCHED))
        records = select(func.count(), func.max(attempt.c.intent_at)).where(own, attempt.c.state != AttemptState.VOID)
        entries = select(func.count()).where(do_not_call.c.scope == campaign_id)

        def work(connection: Connection) -> KeptRecords:
            before = locked_campaign(connection, campaign_id)
            now = self._database.now(connection)
            lease = select(task_lease).where(
                task_lease.c.name == import_lease(campaign_id), task_lease.c.lease_until > now
            )
            filling = connection.execute(lease).first() is not None
            check_deletable(before, unsettled=connection.execute(unsettled).scalar_one(), filling=filling)
            after = delete_campaign(before, now=now)
            write_campaign(connection, after, deleted_at=after.deleted_at)
            attempts, latest = connection.execute(records).one()
            kept = KeptRecords(attempts, latest, connection.execute(entries).scalar_one())
            facts = {"kept": {"attempts": kept.attempts, "do_not_call": kept.do_not_call}}
            write_outbox(connection, campaign_id, status_events(Change(before, after), now=now))
            write_outbox(connection, campaign_id, campaign_event(after, WebhookEvent.CAMPAIGN_DELETED, facts, now=now))
            return kept

        return await self._database.write(work)

    @override
    async def deleted(self) -> list[Campaign]:
        query = select(campaign).where(campaign.c.deleted_at.is_not(None))
        rows = await self._database.rows(query.order_by(campaign.c.deleted_at.desc(), campaign.c.id))
        return [campaign_of(row) for row in rows]

    @override
    async def unsettled(self, campaign_id: str) -> int:
        query = select(func.count()).where(attempt.c.campaign_id == campaign_id, or_(IS_LIVE, IS_WATCHED))
        return int((await self._database.rows(query))[0][0])

    @override
    async def do_not_call_of(self, campaign_id: str, phones: Collection[str] | None) -> list[DoNotCallEntry]:
        query = select(do_not_call)
        if phones is None:
            query = query.where(do_not_call.c.scope == campaign_id)
        else:
            among = self._database.among(do_not_call.c.phone, phones)
            query = query.where(among, do_not_call.c.scope == EVERY_CAMPAIGN)
        rows = await self._database.rows(query.order_by(do_not_call.c.phone))
        return [DoNotCallEntry(row.phone, row.scope, row.source, row.reason, row.added_at) for row in rows]

    @override
    async def create_archived(self, archived: Campaign) -> None:
        def work(connection: Connection) -> None:
            now = self._database.now(connection)
            plan = archived.plan
            row = {"id": archived.id, "account": plan.account, "name": plan.name, "created_at": now, "plan": plan}
            values = {**row, **campaign_changes(replace(archived, status_at=now))}
            if not self._database.insert_new(connection, campaign, [values]):
                raise name_taken(archived)

        await self._database.write(work)

    @override
    async def add_archived(
        self,
        campaign_id: str,
        contacts: Sequence[ArchivedContact],
        entries: Sequence[DoNotCallEntry],
        *,
        upto_line: int,
        owner: str,
    ) -> None:
        def work(connection: Connection) -> None:
            renew_import_lease(self._database, connection, campaign_id, owner)
            if not advance_position(self._database, connection, campaign_id, upto_line):
                return
            wanted = {(lane, one.priority) for one in contacts for lane in (one.lane, *one.lanes)}
            lanes = lanes_for(self._database, connection, campaign_id, wanted)
            rows = [_contact_row(campaign_id, lanes, one) for one in contacts]
            self._database.insert_new(connection, contact, rows)
            phones = [one.contact.phone for one in contacts]
            here = (contact.c.campaign_id == campaign_id, self._database.among(contact.c.phone, phones))
            ids = dict(connection.execute(select(contact.c.phone, contact.c.id).where(*here)).all())
            attempts = [
                attempt_values(replace(each, campaign_id=campaign_id, contact_id=ids[one.contact.phone]))
                for one in contacts
                for each in one.attempts
            ]
            self._database.insert_new(connection, attempt, attempts)
            self._database.insert_new(connection, do_not_call, [asdict(entry) for entry in entries])

        await self._database.write(work)

    @override
    async def finish_archived(
        self, campaign_id: str, status: CampaignStatus, reason: str, facts: Mapping[str, Any], *, owner: str
    ) -> Campaign:
        def work(connection: Connection) -> Campaign:
            draft = locked_campaign(connection, campaign_id)
            end_import(self._database, connection, campaign_id, owner)
            now = self._database.now(connection)
            after = write_campaign(connection, replace(draft, status=status, reason=reason, status_at=now))
            told = campaign_event(after, WebhookEvent.CAMPAIGN_IMPORTED, facts, now=now)
            write_outbox(connection, campaign_id, told)
            return after

        return await self._database.write(work)

    @override
    async def erase(self, campaign_id: str) -> None:
        is_erased = select(campaign.c.erased).where(campaign.c.id == campaign_id)
        if not await self._database.read(lambda connection: connection.execute(is_erased).scalar_one_or_none()):
            await self._erase_contacts(campaign_id)

    @override
    async def purge(self, campaign_id: str, *, before: int) -> Purged:
        old = select(attempt.c.id).where(attempt.c.campaign_id == campaign_id, attempt.c.intent_at < before)

        def work(connection: Connection) -> int:
            some = attempt.c.id.in_(old.limit(AT_ONCE))
            return connection.execute(delete(attempt).where(some)).rowcount

        attempts = 0
        while removed := await self._database.write(work):
            attempts += removed
        contacts = await self._erase_contacts(campaign_id) if attempts else 0
        gone = await self._database.write(lambda connection: _remove_if_empty(connection, campaign_id))
        return Purged(attempts, contacts, int(gone))

    async def _erase_contacts(self, campaign_id: str) -> int:
        """Remove contacts without an attempt, and the variables of the others; returns how many were removed."""
        own = select(contact.c.id).where(contact.c.campaign_id == campaign_id)
        called = exists().where(attempt.c.contact_id == contact.c.id)

        def work(connection: Connection, after: int) -> tuple[int | None, int]:
            page = own.where(contact.c.id > after).order_by(contact.c.id).limit(AT_ONCE)
            ids = connection.execute(page).scalars().all()
            if not ids:
                connection.execute(update(campaign).where(campaign.c.id == campaign_id).values(erased=True))
                return None, 0
            here = (contact.c.campaign_id == campaign_id, contact.c.id > after, contact.c.id <= ids[-1])
            gone = connection.execute(delete(contact).where(*here, ~called)).rowcount
            connection.execute(update(contact).where(*here).values(variables={}))
            return ids[-1], gone

        removed, after = 0, 0
        while True:
            last, gone = await self._database.write(partial(work, after=after))
            removed += gone
            if last is None:
                return removed
            after = last


def _contact_row(campaign_id: str, lanes: Mapping[tuple[Lane, int], int], archived: ArchivedContact) -> dict[str, Any]:
    one = archived.contact
    numbers = tuple(
        ContactNumber(number.phone, lanes[at, archived.priority], number.unusable)
        for number, at in zip(one.numbers, archived.lanes, strict=True)
    )
    return {
        **contact_changes(one),
        "campaign_id": campaign_id,
        "lane_id": lanes[archived.lane, archived.priority],
        "phone": one.phone,
        "variables": dict(one.variables),
        "consented_at": one.consented_at,
        "consent_source": one.consent_source,
        "numbers": numbers,
        "number": one.number,
    }


def _remove_if_empty(connection: Connection, campaign_id: str) -> bool:
    """Remove a deleted campaign of which no contact and no event is left."""
    for table in (contact, outbox):
        some = select(table.c.id).where(table.c.campaign_id == campaign_id).limit(1)
        if connection.execute(some).first() is not None:
            return False
    for table in (lane, import_position):
        connection.execute(delete(table).where(table.c.campaign_id == campaign_id))
    here = (campaign.c.id == campaign_id, campaign.c.deleted_at.is_not(None), campaign.c.erased)
    return connection.execute(delete(campaign).where(*here)).rowcount == 1
