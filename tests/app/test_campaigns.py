"""Whether a process dials campaigns, and why not; and what it does in either case."""

import pytest
from support.campaigns import ACCOUNT as AC1
from support.campaigns import claim, contacts, running_campaign, said
from support.dialling import chance
from support.lossy_twilio import LossyTwilio, RungCall
from support.lossy_twilio_http import LossyTwilioServer

from telebridge.app.campaigns import Campaigning, not_dialling
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.epoch import system_clock
from telebridge.settings import Settings
from telebridge.twilio.calls import CallStatus

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
