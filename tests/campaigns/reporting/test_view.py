"""How a campaign stands: one look puts progress, live calls and what contacts wait for together."""

import json

import pytest
from support.campaigns import ACCOUNT, claim, contacts, phone, running_campaign, said, spoken
from support.dialling import always_open

from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.reporting.view import view_campaign
from telebridge.campaigns.reporting.why_waiting import Waiting
from telebridge.campaigns.store.protocols import dialing_task
from telebridge.errors import CampaignRefused
from telebridge.timing.epoch import instant
from telebridge.twilio.calls import CallStatus


async def test_one_look_tells_who_is_over_who_is_called_and_who_waits_for_what(store, clock):
    rules = RetryRules(2, {Outcome.BUSY: (60.0,)})
    campaign = await running_campaign(store, contacts(5), retry=rules)
    await store.do_not_call.add([phone(0)], source="letter")
    await store.leases.take(dialing_task(ACCOUNT, "w1"), "w1", 15)
    first, second, _ = await claim(store, 3)
    await store.attempts.report(first.attempt_id, spoken("CA1"))
    await store.attempts.report(second.attempt_id, said("CA2", CallStatus.BUSY))
    view = await view_campaign(store, campaign.id, always_open, wallclock=instant(clock()))
    assert (view.total, view.over, view.live, view.attempts) == (5, 2, 1, 3)
    told = json.loads(json.dumps(view.as_json()))
    assert told["contacts"] == {"skipped": 1, "done": 1, "live": 1, "ready": 2}
    assert told["outcomes"] == {"do_not_call": 1, "answered": 1}
    assert told["waiting"] == {
        "a retry or a start at a later time": 1,
        "its turn: calls per second and live calls are bounded": 1,
    }
    assert (told["dialers"], told["rate_limited_until"]) == (1, None)
    assert told["next_due_at"] is not None
    assert (told["name"], told["status"]) == ("spring", "running")


async def test_a_campaign_that_nobody_dials_says_so(store, clock):
    campaign = await running_campaign(store, contacts(2))
    view = await view_campaign(store, campaign.id, always_open, wallclock=instant(clock()))
    assert view.explanation.waiting == {Waiting.NOBODY: 2}
    assert view.as_json()["dialers"] == 0


async def test_a_campaign_that_is_not_there_cannot_be_looked_at(store):
    with pytest.raises(CampaignRefused, match="there is none"):
        await view_campaign(store, "nobody", always_open, wallclock=instant(0))
