"""Campaigns in this process's memory; see `CampaignRecords` for what is promised."""

from collections import Counter
from uuid import uuid4

from typing_extensions import override

from support.memory_store.outbox import write_outbox
from support.memory_store.rows import MemoryRows
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.engine.contact import ImportPosition
from telebridge.campaigns.engine.lifecycle import (
    change_status,
    closing_input,
    name_taken,
    replace_plan,
)
from telebridge.campaigns.engine.states import CampaignInput, ContactState
from telebridge.campaigns.store.protocols import CampaignRecords
from telebridge.campaigns.webhooks.events import Change, status_events
from telebridge.errors import CampaignRefused


class MemoryCampaigns(CampaignRecords):
    """Campaigns and their status."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    @override
    async def create(self, plan: CampaignPlan) -> Campaign:
        campaign = Campaign(uuid4().hex, plan, status_at=self._rows.clock())
        return self._keep(campaign)

    @override
    async def create_or_replan(self, plan: CampaignPlan) -> Campaign:
        known = self._rows.not_over(plan)
        if known is None:
            return await self.create(plan)
        return self._keep(replace_plan(known, plan))

    @override
    async def replan(self, campaign_id: str, plan: CampaignPlan) -> Campaign:
        campaign = self._rows.campaigns.get(campaign_id)
        if campaign is None:
            raise CampaignRefused(campaign_id, "there is none")
        return self._keep(replace_plan(campaign, plan))

    @override
    async def find(self, campaign_id: str) -> Campaign | None:
        return self._rows.campaigns.get(campaign_id)

    @override
    async def all(self) -> list[Campaign]:
        return [one for one in reversed(self._rows.campaigns.values()) if one.deleted_at is None]

    @override
    async def change(self, campaign_id: str, happened: CampaignInput, *, reason: str = "") -> Campaign:
        campaign = self._rows.campaigns.get(campaign_id)
        if campaign is None:
            raise CampaignRefused(campaign_id, "there is none")
        now = self._rows.clock()
        after = self._keep(change_status(campaign, happened, reason=reason, now=now))
        write_outbox(self._rows.outbox, status_events(Change(campaign, after), now=now))
        return after

    @override
    async def lanes(self, account: str) -> list[CampaignLane]:
        now = self._rows.clock()
        found = []
        for lane_id, (campaign_id, lane, priority) in self._rows.lanes.items():
            campaign = self._rows.campaigns[campaign_id]
            if campaign.plan.account == account and campaign.dials_at(now):
                found.append(CampaignLane(lane_id, campaign, lane, priority))
        return found

    @override
    async def now(self) -> int:
        return self._rows.clock()

    @override
    async def close_finished(self) -> list[Campaign]:
        now = self._rows.clock()
        closed = []
        for campaign in list(self._rows.campaigns.values()):
            states = Counter(contact.state for contact in self._rows.contacts_of(campaign.id))
            checks = sum(attempt.check_at is not None for attempt in self._rows.attempts_of(campaign.id))
            live = states[ContactState.LIVE] + checks
            imported = self._rows.imported.get(campaign.id, ImportPosition())
            filled = bool(states) and not imported.under_way
            happened = closing_input(campaign, filled=filled, ready=states[ContactState.READY], live=live, now=now)
            if happened is not None:
                closed.append(await self.change(campaign.id, happened))
        return closed

    def _keep(self, campaign: Campaign) -> Campaign:
        """Keep a campaign as it is now, unless another one has its name."""
        other = self._rows.not_over(campaign.plan)
        if not campaign.status.is_over and other is not None and other.id != campaign.id:
            raise name_taken(campaign)
        self._rows.campaigns[campaign.id] = campaign
        return campaign
