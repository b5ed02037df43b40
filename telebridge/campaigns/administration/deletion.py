"""Deletes campaigns, and removes in time what is kept of them.

Sources: the Telemarketing Sales Rule, 16 CFR 310.5, asks for records of each call for five years, and 47 CFR 64.1200(d)
for do-not-call requests to be honoured and recorded. Other countries ask for other times: counsel must say.

One rule: what is removed was not asked for by a law, or is older than the retention time.
"""

from datetime import datetime, timedelta

from telebridge.campaigns.engine.administration import KeptRecords, Purged
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.timing.epoch import epoch_ms


async def delete_campaign_data(
    store: CampaignStore, campaign: Campaign, *, keep_days: int, wallclock: datetime
) -> KeptRecords:
    """Delete a campaign: its contacts and what was known of them.

    Records of its attempts are kept for the retention time, and its do-not-call entries for ever. When it is
    interrupted, `purge_deleted` goes on with it.

    Args:
        store: The campaigns.
        campaign: Which; a draft, or one that is over.
        keep_days: The retention time, in days.
        wallclock: The aware instant.

    Returns:
        What is kept.

    Raises:
        CampaignRefused: It may still call somebody, calls of it are not settled, or it is being filled.
    """
    kept = await store.administration.delete(campaign.id)
    await store.administration.erase(campaign.id)
    await store.administration.purge(campaign.id, before=_oldest(keep_days, wallclock))
    return kept


async def purge_deleted(store: CampaignStore, *, keep_days: int, wallclock: datetime) -> Purged:
    """Remove the records of all deleted campaigns that are older than the retention time; returns how many."""
    purged = Purged()
    for one in await store.administration.deleted():
        await store.administration.erase(one.id)
        purged += await store.administration.purge(one.id, before=_oldest(keep_days, wallclock))
    return purged


def _oldest(keep_days: int, wallclock: datetime) -> int:
    return epoch_ms(wallclock - timedelta(days=keep_days))
