"""A reconciler beside a dialer, on virtual time: attempts without reports, and campaigns that go wrong."""

import asyncio

from support.campaigns import contacts, phone, running_campaign
from support.dialling import Bench, virtual_clock
from support.faults import fault
from support.lossy_twilio import Losses
from support.virtual_time import virtually

from telebridge.campaigns.engine.campaign import CampaignKind
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import (
    AttemptState,
    CampaignInput,
    CampaignStatus,
)
from telebridge.errors import TwilioAPIError
from telebridge.twilio.calls import CallStatus


@fault(
    "Twilio places a call, but its answer and every callback are lost.",
    caller="One call.",
    operator="The outcome, minutes later, by a look at Twilio.",
    kept="The outcome; nobody is called twice.",
)
@virtually
async def test_a_lost_answer_is_found_again_and_nobody_is_called_twice():
    async with Bench(Losses(answer_lost=1.0, callback_lost=1.0)) as bench:
        bench.twilio.ends = (CallStatus.NO_ANSWER,)
        campaign = await running_campaign(bench.store, contacts(5), retry=RetryRules(1, {}))
        bench.worker.start()
        await asyncio.sleep(29)
        assert {attempt.state for attempt in await bench.attempts(campaign)} == {AttemptState.INTENT}
        await asyncio.sleep(400)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"no_answer": 5}
        assert bench.twilio.asked == 5


@fault(
    "Twilio answers the placing of a call with what cannot be read, and there is no call.",
    caller="One call, some minutes later.",
    operator="An attempt that is `void`, then another.",
    kept="The contact.",
)
@virtually
async def test_a_broken_answer_without_a_call_is_void_after_two_minutes_and_the_contact_called_again():
    async with Bench(Losses(broken=1.0)) as bench:
        campaign = await running_campaign(bench.store, contacts(1), retry=RetryRules(1, {}))
        bench.worker.start()
        await asyncio.sleep(149)
        assert bench.twilio.asked == 1
        bench.twilio.losses = Losses()
        await asyncio.sleep(20)
        assert [attempt.state for attempt in await bench.attempts(campaign)] == [AttemptState.VOID, AttemptState.DONE]
        assert bench.twilio.asked == 2


@fault(
    "Twilio refuses the number of every contact of a campaign.",
    caller="Nobody is called.",
    operator="The campaign is paused with 'calls failed, more than 50%'.",
    kept="Most of the contacts.",
)
@virtually
async def test_a_campaign_whose_calls_twilio_refuses_is_paused_before_its_list_is_burnt():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(200), pacing=Pacing(5.0, 100))

        async def create(_):
            raise TwilioAPIError(400, 21211, "not valid")

        bench.twilio.create = create
        bench.worker.start()
        await asyncio.sleep(60)
        paused = await bench.store.campaigns.find(campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert "calls failed, more than 50%" in paused.reason
        assert (await bench.store.reports.progress(campaign.id)).contacts["ready"] > 100


@virtually
async def test_the_calls_of_a_cancelled_campaign_can_be_ended():
    async with Bench() as bench:
        bench.twilio.talk_seconds = 600.0
        campaign = await running_campaign(bench.store, contacts(3))
        bench.worker.start()
        await asyncio.sleep(1)
        await bench.store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        assert await bench.worker.reconciler.end_calls(campaign.id) == 3
        assert all(call.ended_by_us for call in bench.twilio.calls.values())


@virtually
async def test_a_campaign_whose_calls_fail_is_paused_by_the_reconciler():
    async with Bench() as bench:
        bench.twilio.ends = (CallStatus.FAILED,)
        rules = RetryRules(3, {Outcome.FAILED: (3600.0,)})
        campaign = await running_campaign(bench.store, contacts(200), pacing=Pacing(5.0, 100), retry=rules)
        bench.worker.start()
        await asyncio.sleep(60)
        paused = await bench.store.campaigns.find(campaign.id)
        assert (paused.status, paused.reason) == (
            CampaignStatus.PAUSED,
            "50 of the latest 50 calls failed, more than 50%",
        )
        assert bench.twilio.asked < 100


@virtually
async def test_telemarketing_pauses_when_its_register_has_become_too_old():
    async with Bench() as bench:
        day = 86_400_000
        await bench.store.do_not_call.set_scrubbed("us-national", virtual_clock() - 31 * day + 30_000)
        pacing = Pacing(1.0, 100)
        campaign = await running_campaign(
            bench.store, contacts(100), pacing=pacing, kind=CampaignKind.TELEMARKETING, name="sales"
        )
        other = await running_campaign(bench.store, contacts(100, first=200), pacing=pacing)
        bench.worker.start()
        await asyncio.sleep(20)
        assert (await bench.store.campaigns.find(campaign.id)).status is CampaignStatus.RUNNING
        await asyncio.sleep(20)
        paused = await bench.store.campaigns.find(campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert "was compared in the last 31 days" in paused.reason
        assert (await bench.store.campaigns.find(other.id)).status is CampaignStatus.RUNNING


@fault(
    "People answer, and no process tells of the talk: documents or streams fail.",
    caller="No second call meanwhile.",
    operator="The campaign is paused with the reason.",
    kept="The contacts: they are not rung again and again.",
)
@virtually
async def test_a_campaign_whose_answered_calls_are_lost_is_paused_and_nobody_is_called_again_meanwhile():
    async with Bench(Losses(talk_lost=1.0)) as bench:
        campaign = await running_campaign(bench.store, contacts(300), pacing=Pacing(5.0, 200), retry=RetryRules(3))
        bench.worker.start()
        await asyncio.sleep(40)
        paused = await bench.store.campaigns.find(campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert "calls failed, more than 50%" in paused.reason
        assert bench.twilio.asked < 150
        assert (await bench.store.reports.progress(campaign.id)).contacts["live"] == bench.twilio.asked
        await asyncio.sleep(100)
        assert (await bench.store.reports.progress(campaign.id)).contacts == {"ready": 300}


@fault(
    "Twilio takes ten seconds for each answer about a call.",
    caller="Nothing.",
    operator="The outcomes, somewhat later; campaigns end in time.",
    kept="The outcomes of all attempts.",
)
@virtually
async def test_a_slow_twilio_holds_up_neither_other_looks_nor_the_closing_of_campaigns():
    async with Bench(Losses(callback_lost=1.0, talk_lost=1.0)) as bench:
        bench.twilio.ends = (CallStatus.NO_ANSWER,)
        over = await running_campaign(
            bench.store, contacts(1, first=100), name="over", end_at=virtual_clock() + 130_000
        )
        campaign = await running_campaign(bench.store, contacts(50), retry=RetryRules(1, {}))
        original = bench.twilio.fetch

        async def fetch_slowly(sid):
            await asyncio.sleep(9.9)
            return await original(sid)

        bench.twilio.fetch = fetch_slowly
        bench.worker.start()
        await asyncio.sleep(86 + 70)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"no_answer": 50}
        assert (await bench.store.campaigns.find(over.id)).status is not CampaignStatus.RUNNING


@fault(
    "The look at one call fails with an error that nobody foresaw.",
    caller="Nothing.",
    operator="The outcomes of the other calls.",
    kept="The other attempts.",
)
@virtually
async def test_a_look_that_fails_leaves_the_others_alone():
    async with Bench(Losses(callback_lost=1.0, talk_lost=1.0)) as bench:
        bench.twilio.ends = (CallStatus.NO_ANSWER,)
        campaign = await running_campaign(bench.store, contacts(3), retry=RetryRules(1, {}))
        original, failures = bench.twilio.fetch, iter([ValueError("a bug")])

        async def fetch(sid):
            for failure in failures:
                raise failure
            return await original(sid)

        bench.twilio.fetch = fetch
        bench.worker.start()
        await asyncio.sleep(95)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"no_answer": 2}


@fault(
    "Twilio no longer knows a call that it had placed.",
    caller="Nothing.",
    operator="The outcome `failed`.",
    kept="The contact: it does not stay live for ever.",
)
@virtually
async def test_a_call_that_twilio_has_forgotten_has_failed():
    async with Bench(Losses(callback_lost=1.0, talk_lost=1.0)) as bench:
        campaign = await running_campaign(bench.store, contacts(1), retry=RetryRules(1, {}))

        async def fetch(sid):
            raise TwilioAPIError(404, 20404, "not found")

        bench.twilio.fetch = fetch
        bench.worker.start()
        await asyncio.sleep(100)
        assert (await bench.store.contacts.find(campaign.id, phone(0))).outcome == "failed"
