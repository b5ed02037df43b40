"""What is done to whole campaigns in this process's memory; see `AdministrationRecords` for what is promised."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from support.memory_store.outbox import write_outbox
from support.memory_store.rows import MemoryRows
from telebridge.campaigns.engine.administration import (
    AdministrationRecords,
    KeptRecords,
    KeyChange,
    Purged,
    check_deletable,
    delete_campaign,
    edit_plan,
)
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan, WebhookEvent
from telebridge.campaigns.engine.contact import import_lease
from telebridge.campaigns.engine.lifecycle import name_taken
from telebridge.campaigns.engine.states import AttemptState
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
