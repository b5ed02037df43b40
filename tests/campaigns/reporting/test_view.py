"""How a campaign stands: one look puts progress, live calls and what contacts wait for together."""

import json

import pytest
from rich.console import Console
from support.campaigns import ACCOUNT, claim, contacts, phone, running_campaign, said, spoken
from support.dialling import always_open

from telebridge.campaigns.engine.campaign import Webhook
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.reporting.view import look
from telebridge.campaigns.reporting.why_waiting import Waiting
from telebridge.campaigns.store.protocols import dialing_task
from telebridge.cli.campaign.view import pictured
from telebridge.epoch import instant
from telebridge.errors import CampaignRefused
from telebridge.twilio.calls import CallStatus


async def test_one_look_tells_who_is_over_who_is_called_and_who_waits_for_what(store, clock):
    rules = RetryRules(2, {Outcome.BUSY: (60.0,)})
    campaign = await running_campaign(store, contacts(5), retry=rules)
    await store.do_not_call.add([phone(0)], source="letter")
    await store.leases.take(dialing_task(ACCOUNT, "w1"), "w1", 15)
    first, second, _ = await claim(store, 3)
    await store.attempts.report(first.attempt_id, spoken("CA1"))
    await store.attempts.report(second.attempt_id, said("CA2", CallStatus.BUSY))
    view = await look(store, campaign.id, always_open, wallclock=instant(clock()))
    assert (view.total, view.over, view.live, view.attempts) == (5, 2, 1, 3)
    told = json.loads(json.dumps(view.as_json()))
    assert told["contacts"] == {"skipped": 1, "done": 1, "live": 1, "ready": 2}
    assert told["outcomes"] == {"do_not_call": 1, "answered": 1}
    assert told["waiting"] == {
        "a retry or a start at a later time": 1,
        "its turn: calls per second and live calls are bounded": 1,
    }
    assert (told["dialers"], told["quiet_until"]) == (1, None)
    assert told["next_due_at"] is not None
    assert (told["name"], told["status"]) == ("spring", "running")


async def test_a_campaign_that_nobody_dials_says_so(store, clock):
    campaign = await running_campaign(store, contacts(2))
    view = await look(store, campaign.id, always_open, wallclock=instant(clock()))
    assert view.explanation.waiting == {Waiting.NOBODY: 2}
    assert view.as_json()["dialers"] == 0


async def test_a_campaign_that_is_not_there_cannot_be_looked_at(store):
    with pytest.raises(CampaignRefused, match="there is none"):
        await look(store, "nobody", always_open, wallclock=instant(0))


async def test_events_that_are_still_to_be_delivered_are_counted_and_shown(store, clock):
    silent = await running_campaign(store, contacts(1), name="silent")
    campaign = await running_campaign(store, contacts(1), webhook=Webhook("http://a"))
    views = [await look(store, one.id, always_open, wallclock=instant(clock())) for one in (silent, campaign)]
    assert [view.as_json()["undelivered_events"] for view in views] == [0, 1]
    console = Console(width=100)
    with console.capture() as shown:
        for view in views:
            console.print(pictured(view))
    assert shown.get().count("still to be delivered") == 1
    assert "webhook events still to be delivered: 1" in shown.get()


async def test_a_person_is_shown_that_nobody_dials_and_until_when_twilio_wants_quiet(store, clock):
    campaign = await running_campaign(store, contacts(2))
    until = await store.claims.back_off(ACCOUNT, jitter=1.0)
    console = Console(width=120)
    with console.capture() as shown:
        for worker in ("", "w1"):
            if worker:
                await store.leases.take(dialing_task(ACCOUNT, worker), worker, 15)
            console.print(pictured(await look(store, campaign.id, always_open, wallclock=instant(clock()))))
    nobody, quiet = shown.get().split("spring")[1:]
    assert "a process that dials: none does" in nobody
    assert "no process dials for its Twilio account now" in nobody
    assert "Twilio, which asked for quiet" in quiet
    assert "no process dials" not in quiet
    assert f"Twilio asked for quiet until {instant(until):%Y-%m-%dT%H:%M:%SZ}" in quiet
