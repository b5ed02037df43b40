"""The outbox and what it tells of are one transaction: neither is there without the other."""

import pytest
import pytest_asyncio
from conformance.campaign_store.outbox import OutboxRecordsConformance
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.campaigns import claim, contacts, phone, postgresql_store, running_campaign, said, sqlite_store
from support.databases import transaction

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Webhook
from telebridge.campaigns.engine.states import (
    AttemptState,
    CampaignInput,
    CampaignStatus,
    ContactState,
)
from telebridge.database.engine import open_database
from telebridge.twilio.calls import CallStatus

HOOK = Webhook("http://127.0.0.1/calls")


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def broken(request, tmp_path, clock):
    """A store with a campaign of two contacts, one of them live, whose outbox takes nothing any more."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path}/telebridge.db"
        opened = sqlite_store(tmp_path, clock)
    else:
        address = request.getfixturevalue("postgresql_cluster").url
        opened = postgresql_store(address, clock)
    async with opened as store:
        campaign = await running_campaign(store, contacts(2), webhook=HOOK)
        [one] = await claim(store, 1)
        await run(address, "ALTER TABLE outbox RENAME TO elsewhere")
        yield store, campaign, one
        await run(address, "ALTER TABLE elsewhere RENAME TO outbox")


async def run(address, statement):
    engine = open_database(address)
    async with transaction(engine) as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_an_end_that_cannot_be_told_has_not_happened(broken):
    store, campaign, one = broken
    with pytest.raises(DBAPIError):
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.COMPLETED, talk={"heard": ["Hello."]}))
    assert (await store.attempts.find(one.attempt_id)).state is AttemptState.INTENT
    assert (await store.contacts.find(campaign.id, phone(0))).state is ContactState.LIVE


async def test_a_refusal_that_cannot_be_told_has_not_happened(broken):
    store, campaign, one = broken
    with pytest.raises(DBAPIError):
        await store.attempts.not_placed(one.attempt_id, NotPlacedReason.BAD_NUMBER, error="21211")
    assert (await store.attempts.find(one.attempt_id)).state is AttemptState.INTENT
    assert (await store.contacts.find(campaign.id, phone(0))).state is ContactState.LIVE


async def test_a_status_that_cannot_be_told_has_not_changed(broken):
    store, campaign, _ = broken
    with pytest.raises(DBAPIError):
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
    assert (await store.campaigns.find(campaign.id)).status is CampaignStatus.RUNNING


async def test_a_claim_and_a_call_under_way_ask_the_outbox_nothing(broken):
    store, _, one = broken
    assert len(await claim(store)) == 1
    await store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS))
    assert (await store.attempts.find(one.attempt_id)).state is AttemptState.ANSWERED


class TestOutboxRecords(OutboxRecordsConformance):
    pass
