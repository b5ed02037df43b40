"""What must be so before a campaign may dial."""

from datetime import UTC, datetime, timedelta

import pytest
from support.campaigns import contacts, plan

from telebridge.campaigns.campaign import CampaignKind
from telebridge.campaigns.epoch import epoch_ms
from telebridge.campaigns.starting import start_campaign
from telebridge.campaigns.states import CampaignStatus
from telebridge.errors import CampaignRefused

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def filled(store, **fields):
    campaign = await store.campaigns.create(plan(**fields))
    await store.contacts.add(campaign.id, contacts(1), upto_line=2)
    return campaign


async def test_a_campaign_with_contacts_starts(store):
    campaign = await filled(store)
    assert (await start_campaign(store, campaign, wallclock=NOW)).status is CampaignStatus.RUNNING


async def test_a_campaign_whose_end_has_passed_does_not(store):
    campaign = await filled(store, end_at=epoch_ms(NOW))
    with pytest.raises(CampaignRefused, match="has an end_at that has passed"):
        await start_campaign(store, campaign, wallclock=NOW)


async def test_a_campaign_whose_import_is_not_complete_does_not(store):
    campaign = await filled(store)
    await store.contacts.begin_import(campaign.id, "more.csv")
    with pytest.raises(CampaignRefused, match="its import is not complete"):
        await start_campaign(store, campaign, wallclock=NOW)


@pytest.mark.parametrize(("age", "starts"), [(timedelta(days=30), True), (timedelta(days=32), False), (None, False)])
async def test_telemarketing_needs_a_register_of_the_last_31_days(store, age, starts):
    campaign = await filled(store, kind=CampaignKind.TELEMARKETING)
    if age is not None:
        await store.do_not_call.set_scrubbed("us-national", epoch_ms(NOW - age))
    if starts:
        assert (await start_campaign(store, campaign, wallclock=NOW)).status is CampaignStatus.RUNNING
        return
    with pytest.raises(CampaignRefused, match="no do-not-call register was compared in the last 31 days"):
        await start_campaign(store, campaign, wallclock=NOW)
