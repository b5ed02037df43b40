"""What is done to whole campaigns in this process's memory; see `AdministrationRecords` for what is promised."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from support.memory_store.contacts import MemoryContacts
from support.memory_store.outbox import write_outbox
from support.memory_store.rows import MemoryRows
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
from telebridge.campaigns.engine.contact import ContactNumber, ImportPosition, NewContact, import_lease
from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN, DoNotCallEntry
from telebridge.campaigns.engine.lifecycle import name_taken
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus
from telebridge.campaigns.webhooks.events import Change, campaign_event, status_events
from telebridge.errors import CampaignRefused


class MemoryAdministration(AdministrationRecords):
    """What is done to whole campaigns."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

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
        edited = edit_plan(self._found(campaign_id), before, after, need_pause=need_pause)
        other = self._rows.not_over(after)
        if not edited.status.is_over and other is not None and other.id != campaign_id:
            raise name_taken(edited)
        self._rows.campaigns[campaign_id] = edited
        facts = {
            "status": edited.status.value,
            "changes": {one.key: {"before": one.before, "after": one.after} for one in changes},
        }
        await self.write_event(campaign_id, WebhookEvent.CAMPAIGN_EDITED, facts)
        return edited

    @override
    async def write_event(self, campaign_id: str, event: WebhookEvent, facts: Mapping[str, Any]) -> None:
        told = campaign_event(self._rows.campaigns[campaign_id], event, facts, now=self._rows.clock())
        write_outbox(self._rows.outbox, told)

    @override
    async def copy_do_not_call(self, from_id: str, to_id: str) -> int:
        entries = [one for one in self._rows.do_not_call.values() if one.scope == from_id]
        new = [replace(one, scope=to_id) for one in entries if (one.phone, to_id) not in self._rows.do_not_call]
        self._rows.do_not_call.update({(one.phone, to_id): one for one in new})
        return len(new)

    @override
    async def delete(self, campaign_id: str) -> KeptRecords:
        before, now = self._found(campaign_id), self._rows.clock()
        attempts = self._rows.attempts_of(campaign_id)
        unsettled = sum(one.state.is_live or one.check_at is not None for one in attempts)
        filling = self._rows.leases.get(import_lease(campaign_id), ("", 0))[1] > now
        check_deletable(before, unsettled=unsettled, filling=filling)
        after = self._rows.campaigns[campaign_id] = delete_campaign(before, now=now)
        placed = [one.intent_at for one in attempts if one.state is not AttemptState.VOID]
        entries = sum(one.scope == campaign_id for one in self._rows.do_not_call.values())
        kept = KeptRecords(len(placed), max(placed, default=None), entries)
        write_outbox(self._rows.outbox, status_events(Change(before, after), now=now))
        facts = {"kept": {"attempts": kept.attempts, "do_not_call": kept.do_not_call}}
        await self.write_event(campaign_id, WebhookEvent.CAMPAIGN_DELETED, facts)
        return kept

    @override
    async def deleted(self) -> list[Campaign]:
        found = [one for one in self._rows.campaigns.values() if one.deleted_at is not None]
        return sorted(found, key=lambda one: (-(one.deleted_at or 0), one.id))

    @override
    async def unsettled(self, campaign_id: str) -> int:
        attempts = self._rows.attempts_of(campaign_id)
        return sum(one.state.is_live or one.check_at is not None for one in attempts)

    @override
    async def do_not_call_of(self, campaign_id: str, phones: Collection[str] | None) -> list[DoNotCallEntry]:
        entries = sorted(self._rows.do_not_call.values(), key=lambda one: one.phone)
        if phones is None:
            return [one for one in entries if one.scope == campaign_id]
        return [one for one in entries if one.scope == EVERY_CAMPAIGN and one.phone in phones]

    @override
    async def create_archived(self, campaign: Campaign) -> None:
        if campaign.id in self._rows.campaigns or self._rows.not_over(campaign.plan) is not None:
            raise name_taken(campaign)
        self._rows.campaigns[campaign.id] = replace(campaign, status_at=self._rows.clock())

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
        before = self._rows.imported.get(campaign_id, ImportPosition()).line
        records = MemoryContacts(self._rows)
        new = [NewContact(one.contact.phone, one.lane, {}, one.priority) for one in contacts]
        await records.add(campaign_id, new, upto_line=upto_line, owner=owner)
        if upto_line <= before:
            return
        for one in contacts:
            contact_id = self._rows.phones[campaign_id, one.contact.phone]
            lane_id = self._rows.contacts[contact_id].lane_id
            numbers = tuple(
                ContactNumber(number.phone, records.lane_id(campaign_id, lane, one.priority), number.unusable)
                for number, lane in zip(one.contact.numbers, one.lanes, strict=True)
            )
            here = replace(one.contact, id=contact_id, campaign_id=campaign_id, lane_id=lane_id, numbers=numbers)
            self._rows.contacts[contact_id] = here
            for each in one.attempts:
                moved = replace(each, campaign_id=campaign_id, contact_id=contact_id)
                self._rows.attempts.setdefault(each.id, moved)
        for entry in entries:
            self._rows.do_not_call.setdefault((entry.phone, entry.scope), entry)

    @override
    async def finish_archived(
        self, campaign_id: str, status: CampaignStatus, reason: str, facts: Mapping[str, Any], *, owner: str
    ) -> Campaign:
        await MemoryContacts(self._rows).finish_import(campaign_id, owner=owner)
        draft = self._rows.campaigns[campaign_id]
        after = replace(draft, status=status, reason=reason, status_at=self._rows.clock())
        self._rows.campaigns[campaign_id] = after
        await self.write_event(campaign_id, WebhookEvent.CAMPAIGN_IMPORTED, facts)
        return after

    @override
    async def erase(self, campaign_id: str) -> None:
        self._erase_contacts(campaign_id)

    @override
    async def purge(self, campaign_id: str, *, before: int) -> Purged:
        old = [one.id for one in self._rows.attempts_of(campaign_id) if one.intent_at < before]
        for attempt_id in old:
            del self._rows.attempts[attempt_id]
        contacts = self._erase_contacts(campaign_id) if old else 0
        waiting = any(row.told.campaign_id == campaign_id for row in self._rows.outbox.values())
        is_gone = not waiting and not self._rows.contacts_of(campaign_id)
        if is_gone:
            del self._rows.campaigns[campaign_id]
        return Purged(len(old), contacts, int(is_gone))

    def _erase_contacts(self, campaign_id: str) -> int:
        called = {one.contact_id for one in self._rows.attempts_of(campaign_id)}
        removed = 0
        for one in self._rows.contacts_of(campaign_id):
            if one.id in called:
                self._rows.contacts[one.id] = replace(one, variables={})
            else:
                removed += 1
                del self._rows.contacts[one.id]
                del self._rows.phones[campaign_id, one.phone]
        return removed

    def _found(self, campaign_id: str) -> Campaign:
        if campaign_id not in self._rows.campaigns:
            raise CampaignRefused(campaign_id, "there is none")
        return self._rows.campaigns[campaign_id]
