"""Whether a process dials campaigns, and why not; and what it does in either case."""

import asyncio
import sqlite3

import pytest
from sqlalchemy import event, insert
from support.campaigns import ACCOUNT as AC1
from support.campaigns import claim, contacts, running_campaign, said
from support.databases import transaction
from support.dialling import chance
from support.lossy_twilio import LossyTwilio, RungCall
from support.lossy_twilio_http import LossyTwilioServer

from telebridge.app.campaigns import Campaigning, not_dialling, recovery_of
from telebridge.call.store.table import CALL
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.recovery.recovery import Recovered
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.settings.settings import Settings
from telebridge.timing.epoch import system_clock
from telebridge.twilio.calls import CallStatus
from telebridge.twilio.client import TwilioCalls

ACCOUNT = {"account_sid": "AC1", "auth_token": "t"}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"twilio": ACCOUNT, "public_url": "https://b.example.com"}, ""),
        ({"twilio": ACCOUNT}, "public_url is not set"),
        ({"public_url": "https://b.example.com"}, "the Twilio account is not set"),
        ({"twilio": {"account_sid": "AC1"}, "public_url": "https://b.example.com"}, "the Twilio account is not set"),
        (
            {"twilio": {**ACCOUNT, "api_key_sid": "SK1"}, "public_url": "https://b.example.com"},
            "the Twilio account is not set",
        ),
        (
            {"twilio": ACCOUNT, "public_url": "https://b.example.com", "campaigns": {"dial": False}},
            "campaigns.dial is off",
        ),
    ],
)
def test_a_process_dials_when_it_can_be_reached_and_paid_for(settings, why):
    assert not_dialling(Settings(**settings)) == why


async def test_a_process_that_does_not_dial_ends_calls_all_the_same(tmp_path):
    twilio = LossyTwilio(system_clock, chance(1))
    for sid in ("CA1", "CA2"):
        twilio.calls[sid] = RungCall(sid, "", "+1", "+2", 0, 0, CallStatus.IN_PROGRESS, answered=True)
    engine = open_database(f"sqlite:///{tmp_path}/t.db")
    await migrate(engine)
    async with LossyTwilioServer(twilio) as url:
        settings = Settings(
            state_dir=tmp_path,
            public_url="https://b.example.com",
            twilio={"account_sid": AC1, "auth_token": "t", "api_base_url": url},
            campaigns={"dial": False},
        )
        async with Campaigning(settings, engine) as process:
            campaign = await running_campaign(process.store, contacts(1))
            [one] = await claim(process.store)
            await process.store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS))
            assert not await process.calls.reports.may_speak(one.attempt_id, "CA2")
            assert twilio.calls["CA2"].ended_by_us
            assert await process.end_calls(campaign.id) == 1
            assert twilio.calls["CA1"].ended_by_us
    await engine.dispose()


def _settings(folder, url):
    return Settings(
        state_dir=folder,
        public_url="https://b.example.com",
        twilio={"account_sid": AC1, "auth_token": "t", "api_base_url": url},
    )


async def test_a_database_that_is_older_than_twilios_list_dials_nobody_and_its_campaigns_pause(tmp_path):
    twilio = LossyTwilio(system_clock, chance(1), latency_seconds=0.0)
    engine = open_database(f"sqlite:///{tmp_path}/t.db")
    await migrate(engine)
    store = sql_campaign_store(engine)
    campaign = await running_campaign(store, contacts(3))
    called = RungCall("CA1", "", contacts(1)[0].phone, "+15550002222", system_clock(), 0, CallStatus.COMPLETED)
    twilio.calls["CA1"] = called
    async with LossyTwilioServer(twilio) as url, Campaigning(_settings(tmp_path, url), engine):
        while (await store.campaigns.find(campaign.id)).status is CampaignStatus.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
    assert twilio.asked == 0
    assert (await store.contacts.find(campaign.id, called.to)).outcome == "answered"
    await engine.dispose()


async def test_a_call_that_was_placed_by_hand_and_recorded_is_no_sign_of_an_older_database(tmp_path):
    twilio = LossyTwilio(system_clock, chance(1), latency_seconds=0.0)
    engine = open_database(f"sqlite:///{tmp_path}/t.db")
    await migrate(engine)
    store = sql_campaign_store(engine)
    await running_campaign(store, contacts(1))
    by_hand = RungCall("CA1", "", contacts(1)[0].phone, "+15550002222", system_clock(), 0, CallStatus.COMPLETED)
    twilio.calls["CA1"] = by_hand
    recorded = {"call_sid": "CA1", "owner": "w", "flow": "f", "from_number": "+1", "to_number": "+2"}
    async with transaction(engine) as connection:
        await connection.execute(insert(CALL).values(**recorded, direction="outbound-api", started_at=0))
    async with LossyTwilioServer(twilio) as url, TwilioCalls(AC1, "t", base_url=url) as calls:
        assert await recovery_of(database_of(engine), store, calls, AC1).recover() == Recovered()
    await engine.dispose()


async def test_recorded_calls_are_found_among_more_than_one_statement_takes(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/t.db")
    event.listen(
        engine.sync_engine, "connect", lambda line, _: line.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 600)
    )
    await migrate(engine)
    recorded = {"owner": "w", "flow": "f", "from_number": "+1", "to_number": "+2", "direction": "inbound"}
    async with transaction(engine) as connection:
        await connection.execute(insert(CALL).values(**recorded, call_sid="CA700", started_at=0))
    recovery = recovery_of(database_of(engine), sql_campaign_store(engine), None, AC1)
    assert await recovery._known([f"CA{number}" for number in range(900)]) == {"CA700"}
    await engine.dispose()
