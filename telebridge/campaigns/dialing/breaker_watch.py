"""Pauses campaigns whose calls fail: asked when attempts end, and every few seconds by the reconciler.

This is a shell around `telebridge.campaigns.engine.circuit_breaker`.

One rule: a campaign is paused only while somebody in it waits to be called; one without is over.
"""

import asyncio
from contextlib import suppress

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.circuit_breaker import abandoned_too_often, failed_too_often
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus, ContactState
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import CampaignRefused
from telebridge.logs import logger

log = logger(__name__)

EVERY_SECONDS = 0.25


async def why_pause(store: CampaignStore, campaign: Campaign) -> str:
    """Return why a campaign must pause for its failed calls; empty while it may go on, or nobody in it waits."""
    rules = campaign.plan.breaker
    latest = await store.reports.outcomes(campaign.id, since=campaign.status_at, latest=rules.failed_of)
    if not failed_too_often(rules, latest):
        return ""
    contacts = (await store.reports.progress(campaign.id)).contacts  # counts them all, so only when it may matter
    if not contacts.get(ContactState.READY.value):
        return ""
    return failed_too_often(rules, latest, contacts=sum(contacts.values()))


async def why_pause_abandoned(store: CampaignStore, campaign: Campaign) -> str:
    """Return why a campaign must pause for its abandoned calls; empty while it may go on."""
    since_start = await store.reports.outcomes(campaign.id, since=campaign.status_at)
    return abandoned_too_often(campaign.plan.breaker, since_start)


async def pause_campaign(store: CampaignStore, campaign_id: str, reason: str) -> None:
    """Pause a campaign, with the reason for its owner."""
    log.warning("campaign paused", campaign=campaign_id, reason=reason)
    with suppress(CampaignRefused):  # somebody stopped it meanwhile
        await store.campaigns.change(campaign_id, CampaignInput.PAUSE, reason=reason)


class BreakerWatch:
    """Asks the circuit breaker when an attempt has failed, a few times a second for each campaign.

    Args:
        store: The campaigns.
    """

    def __init__(self, store: CampaignStore) -> None:
        self._store = store
        self._asked: dict[str, float] = {}

    async def attempt_failed(self, campaign_id: str) -> None:
        """Pause the campaign of an attempt that has just failed, if too many did."""
        now = asyncio.get_running_loop().time()
        if now < self._asked.get(campaign_id, now - EVERY_SECONDS) + EVERY_SECONDS:
            return
        self._asked = {one: at for one, at in self._asked.items() if now < at + EVERY_SECONDS} | {campaign_id: now}
        campaign = await self._store.campaigns.find(campaign_id)
        running = campaign is not None and campaign.status is CampaignStatus.RUNNING
        if campaign is not None and running and (reason := await why_pause(self._store, campaign)):
            await pause_campaign(self._store, campaign_id, reason)
