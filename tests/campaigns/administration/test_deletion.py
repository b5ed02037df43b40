"""What is kept of campaigns that are deleted, and for how long."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from structlog.testing import capture_logs
from support.campaigns import START, SteeredClock, claim, contacts, memory_store, running_campaign, spoken
from support.virtual_time import virtually

from telebridge.campaigns.administration.deletion import delete_campaign_data, purge_deleted
from telebridge.campaigns.dialing.retention import EVERY_SECONDS, keep_retention_time
from telebridge.campaigns.engine.administration import Purged
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.timing.epoch import instant

NOW = instant(START)


async def deleted_campaign(store, *, keep_days=60):
    campaign = await running_campaign(store, contacts(3), max_live=1)
    [one] = await claim(store)
    await store.attempts.report(one.attempt_id, spoken("CA1"))
    await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
    return await delete_campaign_data(store, campaign, keep_days=keep_days, wallclock=NOW)


async def test_the_records_of_calls_outlive_the_campaign_by_the_retention_time(store):
    kept = await deleted_campaign(store)
    [campaign] = await store.administration.deleted()
    assert (kept.attempts, [one.variables async for one in store.reports.contacts(campaign.id)]) == (1, [{}])
    assert await purge_deleted(store, keep_days=60, wallclock=NOW + timedelta(days=60)) == Purged()
    late = NOW + timedelta(days=60, seconds=1)
    assert await purge_deleted(store, keep_days=60, wallclock=late) == Purged(attempts=1, contacts=1, campaigns=1)
    assert await store.administration.deleted() == []


async def test_a_deletion_that_was_cut_short_is_finished_by_the_next_purge(store):
    campaign = await running_campaign(store, contacts(3))
    await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
    await store.administration.delete(campaign.id)
    assert await purge_deleted(store, keep_days=60, wallclock=NOW) == Purged(campaigns=1)


@virtually
async def test_old_records_are_removed_every_hour_by_one_process():
    async with memory_store(SteeredClock()) as store:
        await deleted_campaign(store)
        wallclock = [NOW]
        works = [
            asyncio.create_task(keep_retention_time(store, worker, keep_days=60, wallclock=lambda: wallclock[0]))
            for worker in ("w1", "w2")
        ]
        await asyncio.sleep(1)
        assert len(await store.administration.deleted()) == 1
        wallclock[0] += timedelta(days=61)
        with capture_logs() as logs:
            await asyncio.sleep(EVERY_SECONDS)
        assert await store.administration.deleted() == []
        assert [one["attempts"] for one in logs if "removed" in one["event"]] == [1]
        for work in works:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
