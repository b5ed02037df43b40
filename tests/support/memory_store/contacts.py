"""Contacts in this process's memory; see `ContactRecords` for what is promised."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from msgspec.structs import replace as replace_struct
from typing_extensions import override

from support.memory_store.lists import MemoryLeases
from support.memory_store.outbox import write_outbox
from support.memory_store.rows import MemoryRows
from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.contact import (
    IMPORT_LEASE_SECONDS,
    Added,
    BegunImport,
    Contact,
    ContactNumber,
    ImportPosition,
    Lane,
    NewContact,
    import_lease,
)
from telebridge.campaigns.engine.lifecycle import check_fillable, check_retry, filled_elsewhere
from telebridge.campaigns.engine.states import ContactState
from telebridge.campaigns.store.protocols import ContactRecords
from telebridge.campaigns.webhooks.events import retried_event
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import epoch_ms


class MemoryContacts(ContactRecords):
    """Filling a campaign."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows
        self._leases = MemoryLeases(rows)

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
        rows = self._rows
        if owner is not None:
            self._keep_hold(campaign_id, owner)
        imported = rows.imported.get(campaign_id, ImportPosition())
        if upto_line <= imported.line:
            return Added(0, 0)
        rows.imported[campaign_id] = replace(imported, line=upto_line)
        added = updated = 0
        for new in {new.phone: new for new in contacts}.values() if update else contacts:
            if (known := rows.phones.get((campaign_id, new.phone))) is not None:
                updated += update and self._updated(known, new)
                continue
            lane_id = self._lane(campaign_id, new)
            contact_id = max(rows.contacts, default=0) + 1
            rows.phones[campaign_id, new.phone] = contact_id
            rows.contacts[contact_id] = Contact(
                contact_id,
                campaign_id,
                lane_id,
                new.phone,
                ContactState.READY,
                0 if new.due_at is None else epoch_ms(new.due_at),
                variables=dict(new.variables),
                consented_at=None if new.consented_at is None else epoch_ms(new.consented_at),
                consent_source=new.consent_source,
                numbers=self._numbers(campaign_id, lane_id, new),
            )
            added += 1
        return Added(added, len(contacts) - added, updated)

    def _updated(self, contact_id: int, new: NewContact) -> bool:
        before = self._rows.contacts[contact_id]
        if before.state is not ContactState.READY or before.attempts:
            return False
        due_at = 0 if new.due_at is None else epoch_ms(new.due_at)
        after = replace(
            before,
            lane_id=self._lane(before.campaign_id, new),
            due_at=due_at or (before.due_at if before.held else 0),
            variables=dict(new.variables),
            consented_at=None if new.consented_at is None else epoch_ms(new.consented_at),
            consent_source=new.consent_source,
            numbers=self._numbers(before.campaign_id, self._lane(before.campaign_id, new), new),
            number=0,
        )
        self._rows.contacts[contact_id] = after
        return after != before

    @override
    async def begin_import(self, campaign_id: str, source: str, *, owner: str) -> BegunImport:
        campaign = self._rows.campaigns.get(campaign_id)
        if campaign is None:
            raise CampaignRefused(campaign_id, "there is none")
        check_fillable(campaign)
        before = self._rows.imported.get(campaign_id, ImportPosition())
        if not self._leases.take_now(import_lease(campaign_id), owner, IMPORT_LEASE_SECONDS):
            raise filled_elsewhere(campaign.plan.name, before.name)
        line = before.line if before.source == source else 0
        self._rows.imported[campaign_id] = ImportPosition(source, line, under_way=True)
        return BegunImport(line, before)

    @override
    async def finish_import(self, campaign_id: str, *, owner: str) -> None:
        self._keep_hold(campaign_id, owner)
        self._rows.imported[campaign_id] = ImportPosition()
        self._leases.release_now(import_lease(campaign_id), owner)

    @override
    async def leave_import(self, campaign_id: str, begun: BegunImport, *, owner: str) -> None:
        if self._leases.release_now(import_lease(campaign_id), owner) and not self._rows.imported[campaign_id].line:
            self._rows.imported[campaign_id] = begun.before

    @override
    async def import_position(self, campaign_id: str) -> ImportPosition:
        return self._rows.imported.get(campaign_id, ImportPosition())

    @override
    async def is_filled(self, campaign_id: str) -> bool:
        under_way = self._rows.imported.get(campaign_id, ImportPosition()).under_way
        return not under_way and bool(self._rows.contacts_of(campaign_id))

    @override
    async def without_consent(self, campaign_id: str) -> int:
        return sum(
            contact.state in {ContactState.READY, ContactState.LIVE}
            and (contact.consented_at is None or not contact.consent_source)
            for contact in self._rows.contacts_of(campaign_id)
        )

    @override
    async def retry(self, campaign_id: str, outcomes: Collection[str]) -> int:
        campaign = self._rows.campaigns.get(campaign_id)
        if campaign is None:
            raise CampaignRefused(campaign_id, "there is none")
        check_retry(campaign, outcomes)
        contacts = self._rows.contacts_of(campaign_id)
        found = [one for one in contacts if one.state is ContactState.DONE and one.outcome in outcomes]
        ready = {"state": ContactState.READY, "due_at": self._rows.clock(), "outcome": "", "held": ""}
        self._rows.contacts.update({one.id: replace(one, **ready).with_all_numbers() for one in found})
        write_outbox(self._rows.outbox, retried_event(campaign, outcomes, len(found), now=self._rows.clock()))
        return len(found)

    @override
    async def find(self, campaign_id: str, phone: str) -> Contact | None:
        found = [one for one in self._rows.contacts_of(campaign_id) if phone in one.phones]
        return min(found, key=lambda one: (one.phone != phone, one.id), default=None)

    @override
    async def of(self, attempt: Attempt) -> Contact | None:
        return self._rows.contacts.get(attempt.contact_id)

    @override
    async def lane(self, contact: Contact) -> Lane:
        return self._rows.lanes[contact.lane_id][1]

    def _keep_hold(self, campaign_id: str, owner: str) -> None:
        """Go on filling a campaign, if nobody else does by now."""
        name = import_lease(campaign_id)
        if self._rows.leases.get(name, ("", 0))[0] != owner:
            imported = self._rows.imported.get(campaign_id, ImportPosition())
            raise filled_elsewhere(self._rows.campaigns[campaign_id].plan.name, imported.name)
        self._leases.take_now(name, owner, IMPORT_LEASE_SECONDS)

    def _numbers(self, campaign_id: str, lane_id: int, new: NewContact) -> tuple[ContactNumber, ...]:
        others = [
            ContactNumber(phone, self._lane(campaign_id, replace_struct(new, lane=lane))) for phone, lane in new.others
        ]
        return (ContactNumber(new.phone, lane_id), *others) if others else ()

    def _lane(self, campaign_id: str, new: NewContact) -> int:
        return self.lane_id(campaign_id, new.lane, new.priority)

    def lane_id(self, campaign_id: str, where: Lane, priority: int) -> int:
        """The id of a lane, which is made if need be."""
        wanted = (campaign_id, where, priority)
        for lane_id, lane in self._rows.lanes.items():
            if lane == wanted:
                return lane_id
        lane_id = len(self._rows.lanes) + 1
        self._rows.lanes[lane_id] = wanted
        return lane_id
