"""Campaigns in an SQL database; see `CampaignRecords` for what is promised."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, literal_column, not_, select, update
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.engine.lifecycle import change_status, closing_input, name_taken, replace_plan
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.campaigns.store.outbox import write_outbox
from telebridge.campaigns.store.protocols import CampaignRecords
from telebridge.campaigns.store.tables import (
    IS_NOT_OVER,
    IS_READY,
    IS_WATCHED,
    attempt,
    campaign,
    campaign_changes,
    campaign_of,
    contact,
    import_position,
    lane,
    lane_of,
)
from telebridge.campaigns.webhooks.events import Change, status_events
from telebridge.database.database import Database
from telebridge.errors import CampaignRefused

UNDER_WAY = (CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.DRAINING)


class SqlCampaigns(CampaignRecords):
    """Campaigns and their status."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def create(self, plan: CampaignPlan) -> Campaign:
        def work(connection: Connection) -> Campaign:
            made = self._made(connection, plan)
            if made is None:
                raise name_taken(plan)
            return made

        return await self._database.write(work)

    @override
    async def create_or_replan(self, plan: CampaignPlan) -> Campaign:
        here = (campaign.c.account == plan.account, campaign.c.name == plan.name, IS_NOT_OVER)

        def work(connection: Connection) -> Campaign:
            if (made := self._made(connection, plan)) is not None:
                return made
            row = connection.execute(select(campaign).where(*here).with_for_update()).one()
            return _replan(connection, campaign_of(row), plan)

        return await self._database.write(work)

    @override
    async def replan(self, campaign_id: str, plan: CampaignPlan) -> Campaign:
        def work(connection: Connection) -> Campaign:
            return _replan(connection, locked_campaign(connection, campaign_id), plan)

        return await self._database.write(work)

    @override
    async def find(self, campaign_id: str) -> Campaign | None:
        rows = await self._database.rows(select(campaign).where(campaign.c.id == campaign_id))
        return campaign_of(rows[0]) if rows else None

    @override
    async def all(self) -> list[Campaign]:
        kept = select(campaign).where(campaign.c.deleted_at.is_(None))
        newest = kept.order_by(campaign.c.created_at.desc(), campaign.c.id)
        return await self._database.rows_as(campaign_of, newest)

    @override
    async def change(self, campaign_id: str, happened: CampaignInput, *, reason: str = "") -> Campaign:
        def work(connection: Connection) -> Campaign:
            before = locked_campaign(connection, campaign_id)
            now = self._database.now(connection)
            after = write_campaign(connection, change_status(before, happened, reason=reason, now=now))
            write_outbox(connection, campaign_id, status_events(Change(before, after), now=now))
            return after

        return await self._database.write(work)

    @override
    async def lanes(self, account: str) -> list[CampaignLane]:
        columns = (lane.c.id.label("lane_id"), lane.c.zones, lane.c.region, lane.c.priority, campaign)
        query = select(*columns).join(campaign, lane.c.campaign_id == campaign.c.id).order_by(lane.c.id)
        query = query.where(campaign.c.account == account, campaign.c.status == CampaignStatus.RUNNING)
        now, rows = await self._now_and(query)
        campaigns = {row.id: row for row in rows}
        known = {campaign_id: campaign_of(row) for campaign_id, row in campaigns.items()}
        return [
            CampaignLane(row.lane_id, known[row.id], lane_of(row.zones, row.region), row.priority)
            for row in rows
            if known[row.id].dials_at(now)
        ]

    @override
    async def now(self) -> int:
        return await self._database.read(self._database.now)

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
        query = select(
            campaign,
            ready.exists().label("ready"),
            watched.exists().label("watched"),
            filled.label("filled"),
        )
        query = query.where(campaign.c.status.in_(UNDER_WAY))
        now, rows = await self._now_and(query)
        closed = []
        for row in rows:
            happened = closing_input(campaign_of(row), filled=row.filled, ready=row.ready, live=row.watched, now=now)
            if happened is not None:
                closed.append(await self.change(row.id, happened))
        return closed

    def _made(self, connection: Connection, plan: CampaignPlan) -> Campaign | None:
        """Insert a new draft; returns None when there is a campaign of that name already."""
        now = self._database.now(connection)
        made = Campaign(uuid4().hex, plan, status_at=now)
        row = {"id": made.id, "account": plan.account, "name": plan.name, "created_at": now, "plan": plan}
        return made if self._database.insert_new(connection, campaign, [{**row, **campaign_changes(made)}]) else None

    async def _now_and(self, query: Select[Any]) -> tuple[int, Sequence[Row[Any]]]:
        return await self._database.read(
            lambda connection: (self._database.now(connection), connection.execute(query).all())
        )


def locked_campaign(connection: Connection, campaign_id: str) -> Campaign:
    """Read a campaign and lock its row until the commit.

    Raises:
        CampaignRefused: There is none.
    """
    query = select(campaign).where(campaign.c.id == campaign_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise CampaignRefused(campaign_id, "there is none")
    return campaign_of(row)


def _replan(connection: Connection, before: Campaign, plan: CampaignPlan) -> Campaign:
    values = {"name": plan.name, "account": plan.account, "plan": plan}
    return write_campaign(connection, replace_plan(before, plan), **values)


def write_campaign(connection: Connection, after: Campaign, **values: Any) -> Campaign:
    """Write what changes of a campaign, and further columns.

    Raises:
        CampaignRefused: Another campaign that is not over has its name.
    """
    values = {**campaign_changes(after), **values}
    try:
        connection.execute(update(campaign).where(campaign.c.id == after.id).values(**values))
    except IntegrityError as error:
        raise name_taken(after) from error
    return after
