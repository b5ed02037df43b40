"""The state of a campaign as a person reads it."""

import asyncio
from io import StringIO

import pytest_asyncio
from rich.console import Console
from support.campaigns import ACCOUNT, SteeredClock, claim, contacts, memory_store, running_campaign, spoken
from support.dialling import always_open, virtual_clock, wallclock
from support.virtual_time import virtually

from telebridge.campaigns.engine.campaign import Webhook
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.campaigns.reporting.view import view_campaign
from telebridge.campaigns.store.protocols import dialing_task
from telebridge.cli.campaign.view import pictured, watch
from telebridge.timing.epoch import instant


@pytest_asyncio.fixture
async def clock():
    return SteeredClock()


@pytest_asyncio.fixture
async def store(clock):
    async with memory_store(clock) as made:
        yield made


async def test_events_that_are_still_to_be_delivered_are_counted_and_shown(store, clock):
    silent = await running_campaign(store, contacts(1), name="silent")
    campaign = await running_campaign(store, contacts(1), webhook=Webhook("http://a"))
    views = [await view_campaign(store, one.id, always_open, wallclock=instant(clock())) for one in (silent, campaign)]
    assert [view.as_json()["undelivered_events"] for view in views] == [0, 1]
    console = Console(width=100)
    with console.capture() as shown:
        for view in views:
            console.print(pictured(view))
    assert shown.get().count("still to be delivered") == 1
    assert "webhook events still to be delivered: 1" in shown.get()


async def test_a_person_is_shown_that_nobody_dials_and_until_when_twilio_limits_the_rate(store, clock):
    campaign = await running_campaign(store, contacts(2))
    until = await store.claims.back_off(ACCOUNT, jitter=1.0)
    console = Console(width=120)
    with console.capture() as shown:
        for worker in ("", "w1"):
            if worker:
                await store.leases.take(dialing_task(ACCOUNT, worker), worker, 15)
            console.print(pictured(await view_campaign(store, campaign.id, always_open, wallclock=instant(clock()))))
    nobody, limited = shown.get().split("spring")[1:]
    assert "a process that dials: none does" in nobody
    assert "no process dials for its Twilio account now" in nobody
    assert "Twilio, which limits the rate of requests" in limited
    assert "no process dials" not in limited
    assert f"Twilio limits the rate: no call before {instant(until):%Y-%m-%dT%H:%M:%SZ}" in limited


@virtually
async def test_a_campaign_is_watched_until_it_is_over():
    async with memory_store(virtual_clock) as store:
        campaign = await running_campaign(store, contacts(2))
        console = Console(file=StringIO(), width=120)
        watching = asyncio.create_task(watch(store, campaign.id, always_open, console, wallclock=wallclock))
        await asyncio.sleep(3)
        assert not watching.done()
        for number, one in enumerate(await claim(store)):
            await store.attempts.report(one.attempt_id, spoken(f"CA{number}"))
        await store.campaigns.close_finished()
        view = await watching
    assert (view.campaign.status, view.over) == (CampaignStatus.DONE, 2)
    assert "2 of 2 contacts" in console.file.getvalue()


@virtually
async def test_where_nobody_can_resume_it_a_campaign_is_watched_until_it_is_paused_and_its_calls_are_over():
    async with memory_store(virtual_clock) as store:
        campaign = await running_campaign(store, contacts(2))
        [first] = await claim(store, 1)
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE, reason="5 calls were abandoned")
        console = Console(file=StringIO(), width=120)
        looking = watch(store, campaign.id, always_open, console, wallclock=wallclock, until_paused=True)
        watching = asyncio.create_task(looking)
        await asyncio.sleep(3)
        assert not watching.done(), "a call is live"
        await store.attempts.report(first.attempt_id, spoken("CA1"))
        view = await watching
    assert (view.campaign.reason, view.over, view.total) == ("5 calls were abandoned", 1, 2)
