"""Deliveries to a receiver on loopback, on virtual time."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace

from aiohttp import web
from prometheus_client import REGISTRY
from support.campaigns import claim, contacts, memory_store, plan, running_campaign, spoken
from support.faults import fault
from support.virtual_time import virtually
from support.webhooks import PAGE, documented_check, receiving

from telebridge.campaigns.dialing.webhook_sender import WebhookSender
from telebridge.campaigns.engine.campaign import Webhook, WebhookEvent
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.simulator.setup.clock import VIRTUAL_START, VIRTUAL_WALLCLOCK
from telebridge.timing.epoch import epoch_ms

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENDED = (WebhookEvent.ATTEMPT_DONE, WebhookEvent.CONTACT_DONE)


def seconds():
    return asyncio.get_running_loop().time() - VIRTUAL_START


def clock():
    return epoch_ms(VIRTUAL_WALLCLOCK + timedelta(seconds=seconds()))


@asynccontextmanager
async def delivering(**options):
    """A store, and a process that delivers from it."""
    async with memory_store(clock) as store:
        webhooks = WebhookSender(store.outbox, **options)
        task = asyncio.create_task(webhooks.run())
        try:
            yield store, webhooks
        finally:
            await webhooks.drain()
            await task


def clock_at(at):
    """A module `time` that stands still."""
    return SimpleNamespace(time=lambda: VIRTUAL_WALLCLOCK.timestamp() + at)


async def none_left(store, campaign, *, within=100_000):
    async with asyncio.timeout(within):
        while await store.outbox.undelivered(campaign.id):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


def counted(outcome):
    return REGISTRY.get_sample_value("telebridge_campaign_webhook_deliveries_total", {"outcome": outcome}) or 0.0


@fault(
    "The owner's web application answers the events of a campaign with 500, twice.",
    caller="The calls, as usual.",
    operator='`telebridge_campaign_webhook_deliveries_total{outcome="failed"}` counts, then `delivered`.',
    kept="The event: the same id, until it is taken.",
)
@virtually
async def test_an_event_is_sent_until_it_is_taken_and_its_signature_proves_it():
    is_genuine, names = documented_check()
    async with receiving(500, 500) as receiver, delivering() as (store, _):
        before = counted("delivered"), counted("failed")
        campaign = await running_campaign(store, webhook=Webhook(receiver.url, SECRET))
        await none_left(store, campaign)
        assert 30 <= seconds() <= 33
        assert (counted("delivered") - before[0], counted("failed") - before[1]) == (1, 2)
    assert len(receiver.requests) == 3
    assert len({event_id for _, event_id in receiver.events()}) == 1
    for (headers, body), at in zip(receiver.requests, (0, 10, 30), strict=True):
        names["time"] = clock_at(at)
        assert is_genuine(headers, body, SECRET, within_seconds=3)
        assert not is_genuine(headers, body + b" ", SECRET)
        assert not is_genuine(headers, body, "another")
        names["time"] = clock_at(at + 3600)
        assert not is_genuine(headers, body, SECRET)
        told = json.loads(body)
        assert (headers["webhook-id"], headers["Telebridge-Event"]) == (told["id"], told["event"])
        assert headers["Content-Type"] == "application/json"


@virtually
async def test_a_campaign_that_is_over_is_still_told_of():
    async with receiving() as receiver, memory_store(clock) as store:
        campaign = await running_campaign(store, contacts(1), webhook=Webhook(receiver.url))
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        webhooks = WebhookSender(store.outbox)
        task = asyncio.create_task(webhooks.run())
        await none_left(store, campaign)
        await webhooks.drain()
        await task
    names = sorted(event for event, _ in receiver.events())
    assert names == ["attempt.done", "campaign.status", "campaign.status", "contact.done"]


@fault(
    "The owner's web application answers an event with a redirect.",
    caller="The calls, as usual.",
    operator="The event comes again later, at the same address.",
    kept="What the event tells: it goes to no other address.",
)
@virtually
async def test_a_redirect_is_not_followed():
    async with receiving(302) as receiver, delivering() as (store, _):
        campaign = await running_campaign(store, webhook=Webhook(receiver.url))
        await none_left(store, campaign)
    assert len(receiver.requests) == 2
    assert 10 <= seconds() <= 12


@fault(
    "The owner's web application never answers.",
    caller="The calls, as usual.",
    operator="`undelivered_events` in the campaign's view.",
    kept="The events of all other campaigns, in time.",
)
@virtually
async def test_a_receiver_that_does_not_answer_holds_up_nobody_elses_events():
    async def sleep(_):
        await asyncio.sleep(60)
        return web.Response()

    async with receiving(*[sleep] * 100) as silent, receiving() as healthy, delivering(batch=3) as (store, _):
        slow = await running_campaign(store, contacts(5), webhook=Webhook(silent.url, events=ENDED), name="slow")
        for number, one in enumerate(await claim(store)):
            await store.attempts.report(one.attempt_id, spoken(f"CA{number}"))
        await asyncio.sleep(6)
        assert len(silent.requests) == 3
        quick = await running_campaign(store, webhook=Webhook(healthy.url), name="quick")
        await none_left(store, quick, within=2)
        await asyncio.sleep(10)
        assert len(silent.requests) == 3
        assert await store.outbox.undelivered(slow.id) == 10


@virtually
async def test_a_receiver_that_is_not_there_is_asked_less_and_less():
    async with receiving() as receiver:
        address = receiver.url
    async with delivering() as (store, _):
        before = counted("failed")
        campaign = await running_campaign(store, webhook=Webhook(address))
        await asyncio.sleep(100)
        assert counted("failed") - before == 4
        assert await store.outbox.undelivered(campaign.id) == 1


@fault(
    "The owner's web application answers 410.",
    caller="The calls, as usual.",
    operator='`telebridge_campaign_webhook_deliveries_total{outcome="dropped"}` counts.',
    kept="The receiver: it is left alone.",
)
@virtually
async def test_gone_is_dropped_and_counted():
    async with receiving(410) as receiver, delivering() as (store, _):
        before = counted("dropped")
        campaign = await running_campaign(store, webhook=Webhook(receiver.url))
        await none_left(store, campaign)
        assert counted("dropped") - before == 1
    assert len(receiver.requests) == 1


@virtually
async def test_events_without_a_webhook_are_dropped_and_counted():
    async with delivering() as (store, _):
        before = counted("dropped")
        await store.claims.set_pacing("AC1", None)
        campaign = await store.campaigns.create(plan(webhook=Webhook("http://127.0.0.1:9/")))
        await store.campaigns.change(campaign.id, CampaignInput.START)
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        await store.campaigns.replan(campaign.id, plan())
        await none_left(store, campaign)
        assert counted("dropped") - before == 2


@virtually
async def test_draining_waits_for_answers_and_begins_nothing():
    async def late(_):
        await asyncio.sleep(5)
        return web.Response()

    async with receiving(late) as receiver, delivering() as (store, webhooks):
        campaign = await running_campaign(store, webhook=Webhook(receiver.url))
        await asyncio.sleep(2)
        await webhooks.drain()
        assert await store.outbox.undelivered(campaign.id) == 0
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        await asyncio.sleep(5)
        assert len(receiver.requests) == 1


@virtually
async def test_many_events_go_out_in_batches():
    async with receiving() as receiver, delivering(batch=20) as (store, _):
        campaign = await running_campaign(store, contacts(150), webhook=Webhook(receiver.url, events=ENDED))
        for number, one in enumerate(await claim(store)):
            await store.attempts.report(one.attempt_id, spoken(f"CA{number}"))
        await asyncio.sleep(5)
        await none_left(store, campaign, within=5)
    assert len({event_id for _, event_id in receiver.events()}) == 300


@virtually
async def test_a_store_that_fails_is_waited_for(monkeypatch):
    async with receiving() as receiver, delivering() as (store, _):
        waiting = store.outbox.waiting
        failures = iter([OSError("away")] * 3)

        async def fails_at_first():
            for failure in failures:
                raise failure
            return await waiting()

        monkeypatch.setattr(store.outbox, "waiting", fails_at_first)
        campaign = await running_campaign(store, webhook=Webhook(receiver.url))
        await none_left(store, campaign)
    assert len(receiver.requests) == 1


def test_the_body_that_is_shown_is_what_is_sent():
    [shown] = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    sent = asyncio.run(_sent())
    assert keys(json.loads(shown)) == keys(sent)


async def _sent():
    async with memory_store(clock=lambda: 1_772_463_605_123) as store:
        campaign = await running_campaign(store, contacts(1), webhook=Webhook("http://a", events=ENDED[1:]))
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        [row] = store.outbox._rows.values()
        assert row.told.campaign_id == campaign.id
        return json.loads(row.told.body)


def keys(body, above=""):
    """The keys of a body and of what lies in it, but for what a campaign's owner names."""
    found = {above + key for key in body}
    for key in {"campaign", "contact", "last_attempt"} & body.keys():
        found |= keys(body[key], f"{above}{key}.")
    return found
