"""How commands find a campaign, and what they refuse before they begin."""

import pytest
from support.campaigns import SteeredClock, memory_store, plan, running_campaign

from telebridge.campaigns.engine.states import CampaignInput
from telebridge.cli.campaign.store import account_of, find_campaign
from telebridge.errors import ConfigurationError
from telebridge.settings.settings import Settings


@pytest.fixture
async def store():
    async with memory_store(SteeredClock()) as made:
        yield made


async def test_a_campaign_is_found_by_name_id_or_the_beginning_of_its_id(store):
    made = await running_campaign(store)
    for name in ("spring", made.id, made.id[:6]):
        assert (await find_campaign(store, name)).id == made.id


async def test_the_beginning_of_an_id_must_have_six_characters(store):
    made = await running_campaign(store)
    with pytest.raises(ConfigurationError, match=r"there is no campaign.*there are spring"):
        await find_campaign(store, made.id[:5])


async def test_of_several_with_one_name_the_one_that_is_not_cancelled_is_found(store):
    first = await store.campaigns.create(plan())
    await store.campaigns.change(first.id, CampaignInput.CANCEL)
    second = await store.campaigns.create(plan())
    assert (await find_campaign(store, "spring")).id == second.id
    await store.campaigns.change(second.id, CampaignInput.CANCEL)
    assert (await find_campaign(store, "spring")).plan.name == "spring"


def test_without_an_account_no_campaign_is_made():
    with pytest.raises(ConfigurationError, match=r"twilio\.account_sid"):
        account_of(Settings())
