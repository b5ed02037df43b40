"""What every store promises of what a person does to a whole campaign: `AdministrationRecords`."""

import json

import pytest
from support.campaigns import (
    NEW_YORK,
    START,
    claim,
    contacts,
    open_lanes,
    phone,
    plan,
    running_campaign,
    spoken,
)

from telebridge.campaigns.engine.administration import KeyChange, Purged
from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Cap, Webhook, WebhookEvent
from telebridge.campaigns.engine.contact import NewContact
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus, ContactState
from telebridge.errors import CampaignRefused

DAY_MS = 86_400_000
WHOLE = (WebhookEvent.CAMPAIGN_EDITED, WebhookEvent.CAMPAIGN_CLONED, WebhookEvent.CAMPAIGN_DELETED)
HOOK = Webhook("http://127.0.0.1/calls", events=WHOLE)
CHANGE = (KeyChange("max_live", 1, 2),)


async def told(store, campaign):
    batch = await store.outbox.take(campaign.id, limit=100, lease_seconds=30)
    return [] if batch is None else [json.loads(one.body) for one in batch.deliveries]


async def edited(store, campaign, *, need_pause=(), **fields):
    after = plan(name=campaign.plan.name, webhook=campaign.plan.webhook, **fields)
    return await store.administration.edit(campaign.id, campaign.plan, after, CHANGE, need_pause=need_pause)


async def called_campaign(store, count=2, *, called=1, **fields):
    """A campaign that is cancelled, in which some contacts were called and spoken to."""
    campaign = await running_campaign(store, contacts(count), max_live=called, **fields)
    for one in await claim(store):
        await store.attempts.report(one.attempt_id, spoken(f"CA{one.attempt_id}", answered_by="human"))
    return await store.campaigns.change(campaign.id, CampaignInput.CANCEL)


class AdministrationRecordsConformance:
    async def test_a_running_campaign_goes_by_its_new_plan_with_the_next_claim(self, store):
        campaign = await running_campaign(store, contacts(9), max_live=1, webhook=HOOK)
        assert len(await claim(store)) == 1
        after = await edited(store, campaign, max_live=3)
        assert (after.status, after.plan.max_live) == (CampaignStatus.RUNNING, 3)
        assert await store.campaigns.find(campaign.id) == after
        assert len(await claim(store)) == 2
        [body] = await told(store, campaign)
        assert (body["event"], body["status"]) == ("campaign.edited", "running")
        assert body["changes"] == {"max_live": {"before": 1, "after": 2}}

    async def test_an_edit_of_a_plan_that_was_changed_meanwhile_is_refused(self, store):
        campaign = await running_campaign(store, contacts(1))
        await edited(store, campaign, max_live=3)
        with pytest.raises(CampaignRefused, match="changed by somebody else"):
            await edited(store, campaign, max_live=5)
        assert (await store.campaigns.find(campaign.id)).plan.max_live == 3

    async def test_what_needs_a_pause_waits_for_one(self, store):
        campaign = await running_campaign(store, contacts(1))
        with pytest.raises(CampaignRefused, match="'flow' cannot change meanwhile"):
            await edited(store, campaign, need_pause=["flow"], flow="other")
        await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        assert (await edited(store, campaign, need_pause=["flow"])).status is CampaignStatus.PAUSED

    async def test_an_edit_gives_no_name_that_is_taken(self, store):
        campaign, other = await running_campaign(store), await store.campaigns.create(plan(name="other"))
        with pytest.raises(CampaignRefused, match="another one of that name"):
            await store.administration.edit(other.id, other.plan, campaign.plan, CHANGE, need_pause=())
        with pytest.raises(CampaignRefused, match="there is none"):
            await store.administration.edit("none", other.plan, campaign.plan, CHANGE, need_pause=())

    async def test_entries_of_one_campaign_are_copied_to_another_once(self, store):
        first, second = [await store.campaigns.create(plan(name=name)) for name in ("a", "b")]
        await store.do_not_call.add([phone(0), phone(1)], source="letter", scope=first.id)
        await store.do_not_call.add([phone(2)], source="letter")
        assert await store.administration.copy_do_not_call(first.id, second.id) == 2
        assert await store.administration.copy_do_not_call(first.id, second.id) == 0
        assert await store.do_not_call.has(phone(1), campaign_id=second.id)

    async def test_a_deleted_campaign_keeps_its_attempts_and_nothing_that_was_known_of_its_contacts(self, store):
        campaign = await called_campaign(store, webhook=HOOK)
        await store.do_not_call.add([phone(1)], source="letter", scope=campaign.id)
        kept = await store.administration.delete(campaign.id)
        assert (kept.attempts, kept.latest_at, kept.do_not_call) == (1, START, 1)
        assert kept.until(60) == START + 60 * DAY_MS
        await store.administration.erase(campaign.id)
        [left] = [one async for one in store.reports.contacts(campaign.id)]
        assert (left.variables, left.phone, left.outcome) == ({}, phone(0), "answered")
        [attempt] = [one async for one in store.reports.attempts(campaign.id)]
        assert attempt.talk
        assert await store.do_not_call.has(phone(1), campaign_id=campaign.id)
        [body] = await told(store, campaign)
        assert (body["event"], body["kept"]) == ("campaign.deleted", {"attempts": 1, "do_not_call": 1})

    async def test_a_deleted_campaign_is_listed_apart_and_can_do_nothing(self, store):
        campaign = await called_campaign(store)
        await store.administration.delete(campaign.id)
        assert await store.campaigns.all() == []
        [gone] = await store.administration.deleted()
        assert (gone.id, gone.deleted_at) == (campaign.id, START)
        assert await store.campaigns.find(campaign.id) == gone
        for refused in (
            store.campaigns.change(campaign.id, CampaignInput.START),
            store.campaigns.replan(campaign.id, plan()),
            store.contacts.begin_import(campaign.id, "a.csv", owner="o1"),
            store.contacts.retry(campaign.id, {"busy"}),
            edited(store, campaign),
            store.administration.delete(campaign.id),
        ):
            with pytest.raises(CampaignRefused, match="was deleted at 20"):
                await refused

    async def test_a_draft_is_cancelled_with_its_deletion(self, store):
        campaign = await store.campaigns.create(plan())
        await store.contacts.add(campaign.id, contacts(3), upto_line=2)
        kept = await store.administration.delete(campaign.id)
        assert (kept.attempts, kept.until(60)) == (0, None)
        await store.administration.erase(campaign.id)
        assert await store.administration.purge(campaign.id, before=0) == Purged(campaigns=1)
        assert await store.campaigns.find(campaign.id) is None

    @pytest.mark.parametrize("happened", [(), (CampaignInput.PAUSE,), (CampaignInput.DRAIN,)])
    async def test_who_may_still_call_somebody_is_not_deleted(self, store, happened):
        campaign = await running_campaign(store, contacts(1))
        for one in happened:
            await store.campaigns.change(campaign.id, one)
        with pytest.raises(CampaignRefused, match="`telebridge campaign cancel spring` ends it"):
            await store.administration.delete(campaign.id)

    async def test_a_call_that_is_not_settled_keeps_its_campaign(self, store, clock):
        campaign = await running_campaign(store, contacts(1))
        [one] = await claim(store)
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        with pytest.raises(CampaignRefused, match="1 call is not settled yet"):
            await store.administration.delete(campaign.id)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        assert (await store.administration.delete(campaign.id)).attempts == 1

    async def test_a_campaign_that_is_being_filled_is_not_deleted(self, store):
        campaign = await store.campaigns.create(plan())
        await store.contacts.begin_import(campaign.id, "a.csv", owner="o1")
        with pytest.raises(CampaignRefused, match="being filled"):
            await store.administration.delete(campaign.id)

    async def test_a_deleted_campaign_leaves_its_name_and_its_calls_still_count_for_caps(self, store):
        campaign = await called_campaign(store)
        await store.administration.delete(campaign.id)
        await store.administration.erase(campaign.id)
        again = await running_campaign(store, contacts(1), name="spring")
        assert await claim(store, lanes=await open_lanes(store, Cap(1, 3600))) == []
        assert (await store.contacts.find(again.id, phone(0))).held == "capped"

    async def test_a_late_report_on_a_call_of_a_deleted_campaign_is_taken(self, store):
        campaign = await running_campaign(store, contacts(1))
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        await store.administration.delete(campaign.id)
        await store.administration.erase(campaign.id)
        await store.attempts.report(one.attempt_id, spoken("CA1", answered_by="machine_start"))
        assert (await store.attempts.find(one.attempt_id)).outcome.value == "machine"

    async def test_records_are_removed_after_their_time_and_the_campaign_with_the_last(self, store, clock):
        campaign = await called_campaign(store, count=3, called=2)
        await store.administration.delete(campaign.id)
        await store.administration.erase(campaign.id)
        assert await store.administration.purge(campaign.id, before=START) == Purged()
        assert await store.administration.purge(campaign.id, before=START + 1) == Purged(2, 2, 1)
        assert await store.administration.deleted() == []
        assert await store.campaigns.find(campaign.id) is None

    async def test_a_deleted_campaign_stays_until_its_webhook_was_told(self, store):
        campaign = await store.campaigns.create(plan(webhook=HOOK))
        await store.administration.delete(campaign.id)
        await store.administration.erase(campaign.id)
        assert await store.administration.purge(campaign.id, before=0) == Purged()
        assert [body["event"] for body in await told(store, campaign)] == ["campaign.deleted"]

    async def test_more_contacts_than_a_transaction_takes_are_erased(self, store):
        people = [NewContact(f"+1212{number:07d}", NEW_YORK, {"name": "Ann"}) for number in range(6000)]
        campaign = await running_campaign(store, people, max_live=1)
        [one] = await claim(store)
        await store.attempts.report(one.attempt_id, spoken("CA1"))
        await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        await store.administration.delete(campaign.id)
        await store.administration.erase(campaign.id)
        left = [one async for one in store.reports.contacts(campaign.id)]
        assert [(one.variables, one.state) for one in left] == [({}, ContactState.DONE)]

    async def test_a_webhook_is_told_of_contacts_that_are_put_back(self, store):
        hook = Webhook("http://127.0.0.1/calls", events=(WebhookEvent.CAMPAIGN_RETRIED,))
        campaign = await running_campaign(store, contacts(3), webhook=hook)
        for one in await claim(store, 2):
            await store.attempts.not_placed(one.attempt_id, NotPlacedReason.REFUSED, error="no")
        assert await store.contacts.retry(campaign.id, {"unknown"}) == 0
        assert await store.contacts.retry(campaign.id, {"unknown", "refused"}) == 2
        [body] = await told(store, campaign)
        assert (body["event"], body["contacts"], body["status"]) == ("campaign.retried", 2, "running")
        assert body["outcomes"] == ["refused", "unknown"]

    async def test_an_event_of_a_whole_campaign_is_written_for_a_webhook_that_wants_it(self, store):
        campaign = await store.campaigns.create(plan(webhook=HOOK))
        silent = await store.campaigns.create(plan(name="silent"))
        for one in (campaign, silent):
            await store.administration.write_event(one.id, WebhookEvent.CAMPAIGN_CLONED, {"contacts": 3})
        [body] = await told(store, campaign)
        assert (body["event"], body["contacts"], body["campaign"]["id"]) == ("campaign.cloned", 3, campaign.id)
        assert await store.outbox.undelivered(silent.id) == 0
