"""What every store promises of webhook events: `OutboxRecords`."""

import asyncio
import json
from dataclasses import replace

import pytest
from support.campaigns import (
    START,
    claim,
    contacts,
    open_lanes,
    phone,
    plan,
    running_campaign,
    said,
    spoken,
)

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Webhook, WebhookEvent
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.states import (
    CampaignInput,
)
from telebridge.campaigns.webhooks.delivery import DeliveryResult, Tally
from telebridge.twilio.calls import CallStatus

HOOK = Webhook("http://127.0.0.1/calls", "a secret")
CALLS = replace(HOOK, events=(WebhookEvent.ATTEMPT_DONE, WebhookEvent.CONTACT_DONE))


async def told(store, campaign, *, answered=200):
    """The bodies that are due now, in the order of their instants and names, once the receiver has answered so."""
    batch = await store.outbox.take(campaign.id, limit=1000, lease_seconds=30)
    if batch is None:
        return []
    await store.outbox.apply_results(campaign.id, [DeliveryResult(one, answered) for one in batch.deliveries])
    bodies = [json.loads(one.body) for one in batch.deliveries]
    return sorted(bodies, key=lambda body: (body["at_ms"], body["event"]))


def outcome_told(body):
    return body["contact" if body["event"] == "contact.done" else "attempt"]["outcome"]


class OutboxRecordsConformance:
    async def test_an_attempt_and_its_contact_are_told_once_their_last_facts_are_in(self, store, clock):
        campaign = await running_campaign(store, contacts(1), webhook=HOOK)
        assert [body["campaign"] for body in await told(store, campaign)] == [{"id": campaign.id, "name": "spring"}]
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.IN_PROGRESS))
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.COMPLETED))
        await store.attempts.report(one.attempt_id, said("CA1", talk={"digits": "1"}))
        await store.attempts.report(one.attempt_id, said("CA1", talk={"digits": "1"}))
        assert await told(store, campaign) == []
        clock.advance(5)
        attempt, contact = await told(store, campaign)
        assert (attempt["event"], contact["event"]) == ("attempt.done", "contact.done")
        assert (attempt["at_ms"], attempt["contact"]) == (START, {"phone": phone(0), "variables": {"name": "n0"}})
        assert (attempt["attempt"]["outcome"], attempt["attempt"]["talk"]) == ("answered", {"digits": "1"})
        assert contact["contact"]["last_attempt"] == attempt["attempt"]
        assert (contact["contact"]["state"], contact["contact"]["attempts"]) == ("done", 1)

    async def test_what_becomes_known_after_an_event_was_sent_is_told_anew(self, store, clock):
        rules = RetryRules(2, {Outcome.MACHINE: (60.0,)})
        campaign = await running_campaign(store, contacts(1), webhook=CALLS, retry=rules)
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        clock.advance(5)
        first = await told(store, campaign, answered=None)
        await store.attempts.report(one.attempt_id, said("CA1", answered_by="machine_start"))
        clock.advance(60)
        second = await told(store, campaign)
        outcomes = [(body["event"], outcome_told(body)) for body in first + second]
        assert sorted(outcomes[:2]) == [("attempt.done", "answered"), ("contact.done", "answered")]
        assert sorted(outcomes[2:]) == [
            ("attempt.done", "answered"),
            ("attempt.done", "machine"),
            ("contact.done", "answered"),
        ]
        assert len({body["id"] for body in first + second}) == 3

    async def test_a_contact_that_is_called_again_is_not_done_and_a_verdict_is_waited_for(self, store, clock):
        rules = RetryRules(2, {Outcome.MACHINE: (60.0,)})
        campaign = await running_campaign(
            store, contacts(1), webhook=CALLS, retry=rules, machine_detection="Enable", name="late"
        )
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        clock.advance(30)
        assert await store.outbox.undelivered(campaign.id) == 2
        assert await told(store, campaign) == []
        await store.attempts.report(one.attempt_id, said("CA1", answered_by="machine_start"))
        clock.advance(5)
        assert [(body["event"], outcome_told(body)) for body in await told(store, campaign)] == [
            ("attempt.done", "machine")
        ]

    async def test_a_call_never_placed_is_told_only_when_its_contact_is_done(self, store, clock):
        campaign = await running_campaign(store, contacts(2), webhook=CALLS)
        one, two = await claim(store)
        await store.attempts.not_placed(one.attempt_id, NotPlacedReason.AGAIN, error="429")
        await store.attempts.not_placed(two.attempt_id, NotPlacedReason.BAD_NUMBER, error="21211")
        await store.attempts.not_placed(two.attempt_id, NotPlacedReason.BAD_NUMBER, error="21211")
        clock.advance(5)
        [contact] = await told(store, campaign)
        assert (contact["event"], outcome_told(contact)) == ("contact.done", "bad_number")
        assert (contact["contact"]["attempts"], contact["contact"]["last_attempt"]["error"]) == (0, "21211")

    async def test_every_change_of_status_is_told_and_nothing_of_contacts_that_were_never_called(self, store, clock):
        campaign = await running_campaign(store, contacts(300), webhook=HOOK)
        clock.advance(1)
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE, reason="lunch")
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE, reason="again")
        clock.advance(1)
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        bodies = await told(store, campaign)
        assert [(body["event"], body["status"], body["reason"]) for body in bodies] == [
            ("campaign.status", "running", ""),
            ("campaign.status", "paused", "lunch"),
            ("campaign.status", "cancelled", ""),
        ]
        assert await store.outbox.undelivered(campaign.id) == 0

    async def test_the_end_of_a_campaign_is_told(self, store, clock):
        events = (WebhookEvent.CAMPAIGN_STATUS,)
        campaign = await running_campaign(store, contacts(1), webhook=replace(HOOK, events=events), end_at=START + 1000)
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, said("CA1", CallStatus.BUSY))
        for _ in range(2):
            clock.advance(1)
            await store.campaigns.close_finished()
        assert [body["status"] for body in await told(store, campaign)] == ["running", "draining", "done"]

    @pytest.mark.parametrize(
        "event", [WebhookEvent.CONTACT_DONE, WebhookEvent.ATTEMPT_DONE, WebhookEvent.CAMPAIGN_STATUS]
    )
    async def test_only_events_that_are_wanted_are_kept(self, store, clock, event):
        campaign = await running_campaign(store, contacts(1), webhook=Webhook("http://a", events=(event,)))
        other = await running_campaign(store, contacts(1, first=5), name="other")
        for number, one in enumerate(await claim(store)):
            await store.attempts.report(one.attempt_id, spoken(f"CA{number}"))
        of_whole_campaigns = [one for one in WebhookEvent if one.value.startswith("campaign.")]
        for each in set(of_whole_campaigns) - {WebhookEvent.CAMPAIGN_STATUS}:
            for told_of in (campaign, other):
                await store.administration.write_event(told_of.id, each, {})
        clock.advance(5)
        assert {body["event"] for body in await told(store, campaign)} == {event.value}
        assert await store.outbox.undelivered(other.id) == 0

    async def test_the_body_says_what_the_row_says(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        batch = await store.outbox.take(campaign.id, limit=5, lease_seconds=30)
        [one] = batch.deliveries
        assert (batch.webhook, batch.now, one.at, one.tries) == (HOOK, START, START, 1)
        body = json.loads(one.body)
        assert (body["id"], body["event"], body["at_ms"]) == (one.id, one.event.value, one.at)

    async def test_an_event_is_taken_by_one_at_a_time_and_again_when_nobody_comes_back(self, store, clock):
        campaign = await running_campaign(store, contacts(40), webhook=CALLS)
        for one in await claim(store):
            await store.attempts.report(one.attempt_id, spoken(f"CA{one.attempt_id}"))
        assert await store.outbox.waiting() == []
        clock.advance(5)
        assert await store.outbox.waiting() == [campaign.id]
        take = store.outbox.take
        batches = await asyncio.gather(*(take(campaign.id, limit=9, lease_seconds=30) for _ in range(12)))
        ids = [one.id for batch in batches if batch for one in batch.deliveries]
        assert len(ids) == len(set(ids)) == 80
        assert await store.outbox.waiting() == []
        clock.advance(30)
        assert {one.tries for one in (await take(campaign.id, limit=99, lease_seconds=30)).deliveries} == {2}

    async def test_an_event_leaves_with_2xx_and_comes_again_otherwise(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        for wait in (10, 20):
            assert len(await told(store, campaign, answered=500)) == 1
            clock.advance(wait - 0.001)
            assert await told(store, campaign) == []
            clock.advance(0.001)
        assert await store.outbox.undelivered(campaign.id) == 1
        batch = await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        tally = await store.outbox.apply_results(campaign.id, [DeliveryResult(one, 204) for one in batch.deliveries])
        assert tally == Tally(delivered=1)
        assert await store.outbox.undelivered(campaign.id) == 0

    async def test_an_answer_that_comes_after_the_lease_changes_no_later_try(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        late = await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        clock.advance(30)
        await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        await store.outbox.apply_results(campaign.id, [DeliveryResult(one, 500) for one in late.deliveries])
        clock.advance(29)
        assert await store.outbox.waiting() == []
        await store.outbox.apply_results(campaign.id, [DeliveryResult(one, 200) for one in late.deliveries])
        assert await store.outbox.undelivered(campaign.id) == 0

    async def test_gone_drops_an_event_and_days_drop_all_that_are_as_old(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        batch = await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        assert await store.outbox.apply_results(campaign.id, [DeliveryResult(batch.deliveries[0], 410)]) == Tally(
            dropped=1
        )
        for happened in (CampaignInput.PAUSE, CampaignInput.START, CampaignInput.PAUSE):
            await store.campaigns.change(campaign.id, happened)
        clock.advance(3 * 86_400)
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        batch = await store.outbox.take(campaign.id, limit=1, lease_seconds=30)
        assert await store.outbox.apply_results(campaign.id, [DeliveryResult(batch.deliveries[0], None)]) == Tally(
            dropped=3
        )
        assert [body["status"] for body in await told(store, campaign)] == ["cancelled"]

    async def test_events_of_a_campaign_without_a_webhook_are_dropped(self, store, clock):
        campaign = await running_campaign(store, webhook=HOOK)
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        await store.campaigns.replan(campaign.id, plan())
        batch = await store.outbox.take(campaign.id, limit=1, lease_seconds=30)
        assert (batch.webhook, batch.dropped) == (None, 2)
        assert await store.outbox.undelivered(campaign.id) == 0

    async def test_an_address_that_is_changed_holds_for_what_waits(self, store):
        campaign = await running_campaign(store, webhook=HOOK)
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        await store.campaigns.replan(campaign.id, plan(webhook=Webhook("http://b", "other")))
        batch = await store.outbox.take(campaign.id, limit=9, lease_seconds=30)
        assert (batch.webhook, len(batch.deliveries)) == (Webhook("http://b", "other"), 2)

    async def test_a_contact_that_is_skipped_is_told_and_one_that_is_put_off_is_not(self, store):
        campaign = await running_campaign(store, contacts(3), webhook=CALLS)
        await store.do_not_call.add([phone(0)], source="letter")
        other = await running_campaign(store, contacts(2, first=1), name="other")
        lanes = [lane for lane in await open_lanes(store) if lane.campaign_id == other.id]
        assert len(await claim(store, 1, lanes=lanes)) == 1
        await claim(store)
        [contact] = await told(store, campaign)
        assert (contact["event"], outcome_told(contact)) == ("contact.done", "do_not_call")
        assert (contact["contact"]["phone"], contact["contact"]["state"]) == (phone(0), "skipped")
        assert contact["contact"]["last_attempt"] is None
