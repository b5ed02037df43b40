"""Campaigns and their contacts in an SQL database; see `CampaignRecords` and `ContactRecords` for what is promised."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal_column, not_, or_, select, update
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.engine.contact import (
    IMPORT_LEASE_SECONDS,
    Added,
    BegunImport,
    Contact,
    ImportPosition,
    Lane,
    NewContact,
    import_lease,
)
from telebridge.campaigns.engine.lifecycle import (
    change_status,
    check_fillable,
    check_retry,
    closing_input,
    filled_elsewhere,
    name_taken,
    replace_plan,
)
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus, ContactState
from telebridge.campaigns.store.contact_updates import update_uncalled
from telebridge.campaigns.store.do_not_call import prolong_lease, release_lease, take_lease
from telebridge.campaigns.store.outbox import write_outbox
from telebridge.campaigns.store.protocols import CampaignRecords, ContactRecords
from telebridge.campaigns.store.tables import (
    IS_NOT_OVER,
    IS_READY,
    IS_WATCHED,
    attempt,
    campaign,
    campaign_changes,
    campaign_of,
    contact,
    contact_of,
    import_position,
    lane,
    lane_of,
    new_contact_values,
    zones_text,
)
from telebridge.campaigns.webhooks.events import Change, status_events
from telebridge.database.database import Database
from telebridge.errors import CampaignRefused

RETRIED_AT_ONCE = 5000
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
            return _replan(connection, _locked(connection, campaign_id), plan)

        return await self._database.write(work)

    @override
    async def find(self, campaign_id: str) -> Campaign | None:
        rows = await self._database.rows(select(campaign).where(campaign.c.id == campaign_id))
        return campaign_of(rows[0]) if rows else None

    @override
    async def all(self) -> list[Campaign]:
        newest = select(campaign).order_by(campaign.c.created_at.desc(), campaign.c.id)
        return [campaign_of(row) for row in await self._database.rows(newest)]

    @override
    async def change(self, campaign_id: str, happened: CampaignInput, *, reason: str = "") -> Campaign:
        def work(connection: Connection) -> Campaign:
            before = _locked(connection, campaign_id)
            now = self._database.now(connection)
            after = _write(connection, change_status(before, happened, reason=reason, now=now))
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


def _locked(connection: Connection, campaign_id: str) -> Campaign:
    query = select(campaign).where(campaign.c.id == campaign_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise CampaignRefused(campaign_id, "there is none")
    return campaign_of(row)


def _replan(connection: Connection, before: Campaign, plan: CampaignPlan) -> Campaign:
    values = {"name": plan.name, "account": plan.account, "plan": plan}
    return _write(connection, replace_plan(before, plan), **values)


def _write(connection: Connection, after: Campaign, **values: Any) -> Campaign:
    values = {**campaign_changes(after), **values}
    try:
        connection.execute(update(campaign).where(campaign.c.id == after.id).values(**values))
    except IntegrityError as error:
        raise name_taken(after) from error
    return after


class SqlContacts(ContactRecords):
    """Filling a campaign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def add(
        self,
        campaign_id: str,
        contacts: Sequence[NewContact],
        *,
        upto_line: int,
        owner: str | None = None,
        update: bool = False,
    ) -> Added:
        def work(connection: Connection) -> Added:
            if owner is not None:
                self._renew_lease(connection, campaign_id, owner)
            if not self._advance_position(connection, campaign_id, upto_line):
                return Added(0, 0)
            lanes = self._lanes(connection, campaign_id, contacts)
            some = list({new.phone: new for new in contacts}.values()) if update else contacts
            updated = update_uncalled(connection, campaign_id, some, lanes) if update else 0
            rows = [new_contact_values(campaign_id, lanes[new.lane, new.priority], new) for new in some]
            added = self._database.insert_new(connection, contact, rows)
            return Added(added, len(contacts) - added, updated)

        return await self._database.write(work)

    @override
    async def begin_import(self, campaign_id: str, source: str, *, owner: str) -> BegunImport:
        def work(connection: Connection) -> BegunImport:
            filled = _locked(connection, campaign_id)
            check_fillable(filled)
            before = _position(connection, campaign_id)
            if not take_lease(self._database, connection, import_lease(campaign_id), owner, IMPORT_LEASE_SECONDS):
                raise filled_elsewhere(filled.plan.name, before.name)
            line = before.line if before.source == source else 0
            self._database.insert_new(connection, import_position, [_no_import(campaign_id)])
            _set_position(connection, campaign_id, ImportPosition(source, line, under_way=True))
            return BegunImport(line, before)

        return await self._database.write(work)

    @override
    async def finish_import(self, campaign_id: str, *, owner: str) -> None:
        def work(connection: Connection) -> None:
            self._renew_lease(connection, campaign_id, owner)
            _set_position(connection, campaign_id, ImportPosition())
            release_lease(connection, import_lease(campaign_id), owner)
            self._database.count_rows(connection, contact)

        await self._database.write(work)

    @override
    async def leave_import(self, campaign_id: str, begun: BegunImport, *, owner: str) -> None:
        def work(connection: Connection) -> None:
            held = release_lease(connection, import_lease(campaign_id), owner)
            if held and _position(connection, campaign_id).line == 0:
                _set_position(connection, campaign_id, begun.before)

        await self._database.write(work)

    @override
    async def import_position(self, campaign_id: str) -> ImportPosition:
        return await self._database.read(lambda connection: _position(connection, campaign_id))

    @override
    async def is_filled(self, campaign_id: str) -> bool:
        some = select(contact.c.id).where(contact.c.campaign_id == campaign_id).limit(1)
        importing = select(import_position.c.under_way).where(import_position.c.campaign_id == campaign_id)

        def work(connection: Connection) -> bool:
            filled = connection.execute(some).first() is not None
            return filled and not connection.execute(importing).scalar()

        return await self._database.read(work)

    @override
    async def without_consent(self, campaign_id: str) -> int:
        query = select(func.count()).where(
            contact.c.campaign_id == campaign_id,
            contact.c.state.in_((ContactState.READY, ContactState.LIVE)),
            or_(contact.c.consented_at.is_(None), contact.c.consent_source == ""),
        )
        return (await self._database.rows(query))[0][0]

    @override
    async def retry(self, campaign_id: str, outcomes: Collection[str]) -> int:
        done = select(contact.c.id).where(
            contact.c.campaign_id == campaign_id,
            contact.c.state == ContactState.DONE,
            contact.c.outcome.in_(list(outcomes)),
        )

        def work(connection: Connection) -> int:
            check_retry(_locked(connection, campaign_id), outcomes)
            ready = {"state": ContactState.READY, "due_at": self._database.now(connection), "outcome": "", "held": ""}
            some = contact.c.id.in_(done.limit(RETRIED_AT_ONCE))
            return connection.execute(update(contact).where(some).values(**ready)).rowcount

        retried = 0
        while count := await self._database.write(work):  # in parts, so that claims and reports do not wait long
            retried += count
        return retried

    @override
    async def find(self, campaign_id: str, phone: str) -> Contact | None:
        query = select(contact).where(contact.c.campaign_id == campaign_id, contact.c.phone == phone)
        rows = await self._database.rows(query)
        return contact_of(rows[0]) if rows else None

    @override
    async def lane(self, contact: Contact) -> Lane:
        [row] = await self._database.rows(select(lane).where(lane.c.id == contact.lane_id))
        return lane_of(row.zones, row.region)

    def _renew_lease(self, connection: Connection, campaign_id: str, owner: str) -> None:
        """Renew the lease of an import; refused when another import has it by now."""
        name = import_lease(campaign_id)
        if not prolong_lease(self._database, connection, name, owner, IMPORT_LEASE_SECONDS):
            raise filled_elsewhere(_locked(connection, campaign_id).plan.name, _position(connection, campaign_id).name)

    def _advance_position(self, connection: Connection, campaign_id: str, upto_line: int) -> bool:
        """Advance the position of the import; returns False when it is there already."""
        self._database.insert_new(connection, import_position, [_no_import(campaign_id)])
        here = (import_position.c.campaign_id == campaign_id, import_position.c.line < upto_line)
        moved = connection.execute(update(import_position).where(*here).values(line=upto_line))
        return moved.rowcount == 1

    def _lanes(
        self, connection: Connection, campaign_id: str, contacts: Sequence[NewContact]
    ) -> dict[tuple[Lane, int], int]:
        wanted = {(new.lane, new.priority) for new in contacts}
        rows = [
            {"campaign_id": campaign_id, "zones": zones_text(one), "region": one.region, "priority": priority}
            for one, priority in wanted
        ]
        self._database.insert_new(connection, lane, rows)
        known = connection.execute(select(lane).where(lane.c.campaign_id == campaign_id))
        return {(lane_of(row.zones, row.region), row.priority): row.id for row in known}


def _position(connection: Connection, campaign_id: str) -> ImportPosition:
    row = connection.execute(select(import_position).where(import_position.c.campaign_id == campaign_id)).one_or_none()
    return ImportPosition() if row is None else ImportPosition(row.source, row.line, under_way=row.under_way)


def _set_position(connection: Connection, campaign_id: str, position: ImportPosition) -> None:
    values = {"source": position.source, "line": position.line, "under_way": position.under_way}
    connection.execute(update(import_position).where(import_position.c.campaign_id == campaign_id).values(**values))


def _no_import(campaign_id: str) -> dict[str, Any]:
    return {"campaign_id": campaign_id, "line": 0, "source": "", "under_way": False}
