"""The contacts of campaigns in an SQL database; see `ContactRecords` for what is promised."""

from collections.abc import Collection, Sequence, Set
from typing import Any

from sqlalchemy import Connection, func, or_, select, update
from typing_extensions import override

from telebridge.campaigns.engine.attempt import Attempt
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
from telebridge.campaigns.engine.lifecycle import check_fillable, check_retry, filled_elsewhere
from telebridge.campaigns.engine.states import ContactState
from telebridge.campaigns.store.by_number import contacts_with_numbers
from telebridge.campaigns.store.campaigns import locked_campaign
from telebridge.campaigns.store.contact_updates import update_uncalled
from telebridge.campaigns.store.do_not_call import prolong_lease, release_lease, take_lease
from telebridge.campaigns.store.outbox import write_outbox
from telebridge.campaigns.store.protocols import ContactRecords
from telebridge.campaigns.store.tables import (
    contact,
    contact_number_changes,
    contact_of,
    import_position,
    lane,
    lane_of,
    new_contact_values,
    new_number_values,
    zones_text,
)
from telebridge.campaigns.webhooks.events import retried_event
from telebridge.database.database import Database

RETRIED_AT_ONCE = 5000


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
                renew_import_lease(self._database, connection, campaign_id, owner)
            if not advance_position(self._database, connection, campaign_id, upto_line):
                return Added(0, 0)
            wanted = {(new.lane, new.priority) for new in contacts}
            several = [new for new in contacts if new.others]
            wanted |= {(lane, new.priority) for new in several for _, lane in new.others}
            lanes = lanes_for(self._database, connection, campaign_id, wanted)
            some = list({new.phone: new for new in contacts}.values()) if update else contacts
            updated = update_uncalled(connection, campaign_id, some, lanes) if update else 0
            rows = [new_contact_values(campaign_id, lanes, new) for new in some]
            if several:
                for row, new in zip(rows, some, strict=True):
                    row.update(new_number_values(lanes, new))
            added = self._database.insert_new(connection, contact, rows)
            return Added(added, len(contacts) - added, updated)

        return await self._database.write(work)

    @override
    async def begin_import(self, campaign_id: str, source: str, *, owner: str) -> BegunImport:
        def work(connection: Connection) -> BegunImport:
            filled = locked_campaign(connection, campaign_id)
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
        await self._database.write(lambda connection: end_import(self._database, connection, campaign_id, owner))

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
            owner = locked_campaign(connection, campaign_id)
            check_retry(owner, outcomes)
            now = self._database.now(connection)
            ready = {"state": ContactState.READY, "due_at": now, "outcome": "", "held": ""}
            ids = connection.execute(done.limit(RETRIED_AT_ONCE)).scalars().all()
            some = self._database.among(contact.c.id, ids)
            connection.execute(update(contact).where(some, contact.c.state == ContactState.DONE).values(**ready))
            for row in connection.execute(select(contact).where(some, contact.c.numbers.is_not(None))).all():
                again = contact_number_changes(contact_of(row).with_all_numbers())
                connection.execute(update(contact).where(contact.c.id == row.id).values(**again))
            write_outbox(connection, campaign_id, retried_event(owner, outcomes, len(ids), now=now))
            return len(ids)

        retried = 0
        while count := await self._database.write(work):  # in parts, so that claims and reports do not wait long
            retried += count
        return retried

    @override
    async def find(self, campaign_id: str, phone: str) -> Contact | None:
        def work(connection: Connection) -> Contact | None:
            found = contacts_with_numbers(self._database, connection, [campaign_id], [phone])
            return min(found, key=lambda one: one.phone != phone, default=None)

        return await self._database.read(work)

    @override
    async def of(self, attempt: Attempt) -> Contact | None:
        rows = await self._database.rows(select(contact).where(contact.c.id == attempt.contact_id))
        return contact_of(rows[0]) if rows else None

    @override
    async def lane(self, contact: Contact) -> Lane:
        [row] = await self._database.rows(select(lane).where(lane.c.id == contact.lane_id))
        return lane_of(row.zones, row.region)


def renew_import_lease(database: Database, connection: Connection, campaign_id: str, owner: str) -> None:
    """Renew the lease of an import.

    Raises:
        CampaignRefused: Another import has it by now.
    """
    if not prolong_lease(database, connection, import_lease(campaign_id), owner, IMPORT_LEASE_SECONDS):
        name = locked_campaign(connection, campaign_id).plan.name
        raise filled_elsewhere(name, _position(connection, campaign_id).name)


def advance_position(database: Database, connection: Connection, campaign_id: str, upto_line: int) -> bool:
    """Advance the position of an import; returns False when it is there already."""
    database.insert_new(connection, import_position, [_no_import(campaign_id)])
    here = (import_position.c.campaign_id == campaign_id, import_position.c.line < upto_line)
    moved = connection.execute(update(import_position).where(*here).values(line=upto_line))
    return moved.rowcount == 1


def lanes_for(
    database: Database, connection: Connection, campaign_id: str, wanted: Set[tuple[Lane, int]]
) -> dict[tuple[Lane, int], int]:
    """The ids of a campaign's lanes by lane and priority, those wanted among them; they are made if need be."""
    rows = [
        {"campaign_id": campaign_id, "zones": zones_text(one), "region": one.region, "priority": priority}
        for one, priority in wanted
    ]
    database.insert_new(connection, lane, rows)
    known = connection.execute(select(lane).where(lane.c.campaign_id == campaign_id))
    return {(lane_of(row.zones, row.region), row.priority): row.id for row in known}


def end_import(database: Database, connection: Connection, campaign_id: str, owner: str) -> None:
    """End an import: its source is read from its beginning the next time.

    Raises:
        CampaignRefused: Somebody else fills the campaign by now.
    """
    renew_import_lease(database, connection, campaign_id, owner)
    _set_position(connection, campaign_id, ImportPosition())
    release_lease(connection, import_lease(campaign_id), owner)
    database.count_rows(connection, contact)


def _position(connection: Connection, campaign_id: str) -> ImportPosition:
    row = connection.execute(select(import_position).where(import_position.c.campaign_id == campaign_id)).one_or_none()
    return ImportPosition() if row is None else ImportPosition(row.source, row.line, under_way=row.under_way)


def _set_position(connection: Connection, campaign_id: str, position: ImportPosition) -> None:
    values = {"source": position.source, "line": position.line, "under_way": position.under_way}
    connection.execute(update(import_position).where(import_position.c.campaign_id == campaign_id).values(**values))


def _no_import(campaign_id: str) -> dict[str, Any]:
    return {"campaign_id": campaign_id, "line": 0, "source": "", "under_way": False}
