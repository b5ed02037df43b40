"""Campaigns and their contacts in an SQL database; see `CampaignRecords` and `ContactRecords` for what is promised."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, insert, literal_column, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from telebridge.campaigns.attempt import Contact
from telebridge.campaigns.campaign import Campaign, CampaignPlan
from telebridge.campaigns.contact import Lane, NewContact
from telebridge.campaigns.outbox import Change, news_of_status
from telebridge.campaigns.rows import campaign_changes, campaign_of, contact_of, lane_of, new_contact_values, zones_text
from telebridge.campaigns.sql_dialects import SqlDatabase
from telebridge.campaigns.sql_outbox import write_news
from telebridge.campaigns.states import CampaignInput, CampaignStatus
from telebridge.campaigns.status import changed, closing, replanned
from telebridge.campaigns.store import Added, CampaignLane, CampaignRecords, ContactRecords
from telebridge.campaigns.tables import IS_READY, IS_WATCHED, attempt, campaign, contact, import_position, lane
from telebridge.errors import CampaignRefused

INSERTED_AT_ONCE = 5000
UNDER_WAY = (CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.DRAINING)


class SqlCampaigns(CampaignRecords):
    """Campaigns and their status."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @override
    async def create(self, plan: CampaignPlan) -> Campaign:
        async with self._database.writing() as connection:
            now = await self._database.now(connection)
            made = Campaign(uuid4().hex, plan, status_at=now)
            row = {"id": made.id, "account": plan.account, "name": plan.name, "created_at": now, "plan": plan}
            await connection.execute(insert(campaign).values(**row, **campaign_changes(made)))
        return made

    @override
    async def replan(self, campaign_id: str, plan: CampaignPlan) -> Campaign:
        async with self._database.writing() as connection:
            after = replanned(await _locked(connection, campaign_id), plan)
            values = {"name": plan.name, "account": plan.account, "plan": plan}
            await connection.execute(update(campaign).where(campaign.c.id == campaign_id).values(**values))
        return after

    @override
    async def find(self, campaign_id: str) -> Campaign | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(campaign).where(campaign.c.id == campaign_id))).one_or_none()
        return None if row is None else campaign_of(row)

    @override
    async def all(self) -> list[Campaign]:
        async with self._database.reading() as connection:
            rows = await connection.execute(select(campaign).order_by(campaign.c.created_at.desc(), campaign.c.id))
            return [campaign_of(row) for row in rows]

    @override
    async def change(self, campaign_id: str, happened: CampaignInput, *, reason: str = "") -> Campaign:
        async with self._database.writing() as connection:
            before = await _locked(connection, campaign_id)
            now = await self._database.now(connection)
            after = await _write(connection, changed(before, happened, reason=reason, now=now))
            await write_news(connection, campaign_id, news_of_status(Change(before, after), now=now))
        return after

    @override
    async def lanes(self, account: str) -> list[CampaignLane]:
        columns = (lane.c.id.label("lane_id"), lane.c.zones, lane.c.region, lane.c.priority, campaign)
        asked = select(*columns).join(campaign, lane.c.campaign_id == campaign.c.id).order_by(lane.c.id)
        asked = asked.where(campaign.c.account == account, campaign.c.status == CampaignStatus.RUNNING)
        async with self._database.reading() as connection:
            now = await self._database.now(connection)
            rows = (await connection.execute(asked)).all()
        campaigns = {row.id: row for row in rows}
        known = {campaign_id: campaign_of(row) for campaign_id, row in campaigns.items()}
        return [
            CampaignLane(row.lane_id, known[row.id], lane_of(row.zones, row.region), row.priority)
            for row in rows
            if known[row.id].dials_at(now)
        ]

    @override
    async def close_finished(self) -> list[Campaign]:
        one: ColumnElement[int] = literal_column("1")
        ready = select(one).select_from(lane.join(contact, contact.c.lane_id == lane.c.id))
        ready = ready.where(lane.c.campaign_id == campaign.c.id, IS_READY)
        watched = select(one).select_from(attempt).where(attempt.c.campaign_id == campaign.c.id, IS_WATCHED)
        existing = select(one).select_from(contact).where(contact.c.campaign_id == campaign.c.id)
        importing = (
            select(one)
            .select_from(import_position)
            .where(import_position.c.campaign_id == campaign.c.id, import_position.c.under_way)
        )
        filled = and_(existing.exists(), not_(importing.exists()))
        asked = select(
            campaign,
            ready.exists().label("ready"),
            watched.exists().label("watched"),
            filled.label("filled"),
        )
        asked = asked.where(campaign.c.status.in_(UNDER_WAY))
        async with self._database.reading() as connection:
            now = await self._database.now(connection)
            rows = (await connection.execute(asked)).all()
        closed = []
        for row in rows:
            happened = closing(campaign_of(row), filled=row.filled, ready=row.ready, live=row.watched, now=now)
            if happened is not None:
                closed.append(await self.change(row.id, happened))
        return closed


async def _locked(connection: AsyncConnection, campaign_id: str) -> Campaign:
    asked = select(campaign).where(campaign.c.id == campaign_id).with_for_update()
    row = (await connection.execute(asked)).one_or_none()
    if row is None:
        raise CampaignRefused(campaign_id, "there is none")
    return campaign_of(row)


async def _write(connection: AsyncConnection, after: Campaign) -> Campaign:
    await connection.execute(update(campaign).where(campaign.c.id == after.id).values(**campaign_changes(after)))
    return after


class SqlContacts(ContactRecords):
    """Filling a campaign."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @override
    async def add(self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int) -> Added:
        async with self._database.writing() as connection:
            if not await self._go_on_from(connection, campaign_id, upto_line):
                return Added(0, 0)
            lanes = await self._lanes(connection, campaign_id, contacts)
            rows = [new_contact_values(campaign_id, lanes[new.lane, new.priority], new) for new in contacts]
            added = 0
            for first in range(0, len(rows), INSERTED_AT_ONCE):
                part = rows[first : first + INSERTED_AT_ONCE]
                added += await self._database.insert_new(connection, contact, part)
        return Added(added, len(contacts) - added)

    @override
    async def begin_import(self, campaign_id: str, source: str) -> int:
        here = import_position.c.campaign_id == campaign_id
        async with self._database.writing() as connection:
            await self._database.insert_new(connection, import_position, [_no_import(campaign_id)])
            row = (await connection.execute(select(import_position).where(here).with_for_update())).one()
            line = row.line if row.source == source else 0
            values = {"source": source, "line": line, "under_way": True}
            await connection.execute(update(import_position).where(here).values(**values))
        return int(line)

    @override
    async def finish_import(self, campaign_id: str) -> None:
        async with self._database.writing() as connection:
            here = import_position.c.campaign_id == campaign_id
            await connection.execute(update(import_position).where(here).values(under_way=False))

    @override
    async def is_filled(self, campaign_id: str) -> bool:
        some = select(contact.c.id).where(contact.c.campaign_id == campaign_id).limit(1)
        importing = select(import_position.c.under_way).where(import_position.c.campaign_id == campaign_id)
        async with self._database.reading() as connection:
            filled = (await connection.execute(some)).first() is not None
            return filled and not (await connection.execute(importing)).scalar()

    @override
    async def imported_line(self, campaign_id: str) -> int:
        asked = select(import_position.c.line).where(import_position.c.campaign_id == campaign_id)
        async with self._database.reading() as connection:
            return (await connection.execute(asked)).scalar() or 0

    @override
    async def find(self, campaign_id: str, phone: str) -> Contact | None:
        asked = select(contact).where(contact.c.campaign_id == campaign_id, contact.c.phone == phone)
        async with self._database.reading() as connection:
            row = (await connection.execute(asked)).one_or_none()
        return None if row is None else contact_of(row)

    async def _go_on_from(self, connection: AsyncConnection, campaign_id: str, upto_line: int) -> bool:
        """Move the position of the import on; False when it is there already."""
        await self._database.insert_new(connection, import_position, [_no_import(campaign_id)])
        here = (import_position.c.campaign_id == campaign_id, import_position.c.line < upto_line)
        moved = await connection.execute(update(import_position).where(*here).values(line=upto_line))
        return moved.rowcount == 1

    async def _lanes(
        self, connection: AsyncConnection, campaign_id: str, contacts: Sequence[NewContact]
    ) -> dict[tuple[Lane, int], int]:
        wanted = {(new.lane, new.priority) for new in contacts}
        rows = [
            {"campaign_id": campaign_id, "zones": zones_text(one), "region": one.region, "priority": priority}
            for one, priority in wanted
        ]
        await self._database.insert_new(connection, lane, rows)
        known = await connection.execute(select(lane).where(lane.c.campaign_id == campaign_id))
        return {(lane_of(row.zones, row.region), row.priority): row.id for row in known}


def _no_import(campaign_id: str) -> dict[str, Any]:
    return {"campaign_id": campaign_id, "line": 0, "source": "", "under_way": False}
