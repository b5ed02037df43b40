"""A dialer at work, on virtual time: what it requests from Twilio, and when it does not."""

import asyncio
from datetime import timedelta

import pytest
from support.campaigns import contacts, phone, running_campaign
from support.dialling import Bench, always_open, wallclock
from support.faults import fault
from support.lossy_twilio import Losses
from support.virtual_time import virtually

from telebridge.campaigns.engine.outcomes import RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import (
    AttemptState,
    CampaignInput,
    CampaignStatus,
    ContactState,
)
from telebridge.errors import TwilioAPIError


async def pause(bench, campaign):
    await bench.store.campaigns.change(campaign.id, CampaignInput.PAUSE)


@virtually
async def test_a_campaign_is_dialled_to_its_end_and_done():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(8))
        bench.worker.start()
        await asyncio.sleep(20)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 8}
        assert (await bench.store.campaigns.find(campaign.id)).status is CampaignStatus.DONE
        assert len(bench.twilio.calls) == bench.twilio.asked == 8


@virtually
async def test_a_pause_stops_new_calls_at_once_and_leaves_live_ones():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(100), pacing=Pacing(10.0, 100))
        bench.worker.start()
        await asyncio.sleep(1)
        await pause(bench, campaign)
        asked = bench.twilio.asked
        assert 5 < asked < 20
        await asyncio.sleep(30)
        assert bench.twilio.asked <= asked + 1
        assert {attempt.state for attempt in await bench.attempts(campaign)} <= {AttemptState.DONE, AttemptState.VOID}


@virtually
async def test_a_lane_that_closes_is_not_dialled_even_when_it_was_claimed():
    closing = {}

    def open_until(lane, now):
        return None if closing else always_open(lane, now)

    async with Bench(open_until=open_until) as bench:
        campaign = await running_campaign(bench.store, contacts(3))
        original = bench.store.claims.claim

        async def claim_and_close(*args, **kwargs):
            claims = await original(*args, **kwargs)
            closing["now"] = True
            return claims

        bench.store.claims.claim = claim_and_close
        assert await bench.worker.dialer.dial_once() == 3
        await bench.worker.dialer.drain()
        assert bench.twilio.asked == 0
        assert {contact.state async for contact in bench.store.reports.contacts(campaign.id)} == {ContactState.READY}


@pytest.mark.parametrize(("left", "dialled"), [(38, 1), (36, 0)])
@virtually
async def test_nobody_is_asked_for_who_could_still_be_rung_after_the_lane_has_closed(left, dialled):
    closes_at = wallclock() + timedelta(seconds=60)

    def open_until(_, now):
        return closes_at if now < closes_at else None

    async with Bench(open_until=open_until, lease_seconds=1000.0) as bench:
        await running_campaign(bench.store, contacts(1), ring_seconds=25)
        original = bench.store.claims.claim

        async def claim_slowly(*args, **kwargs):
            claims = await original(*args, **kwargs)
            await asyncio.sleep(60 - left)
            return claims

        bench.store.claims.claim = claim_slowly
        assert await bench.worker.dialer.dial_once() == 1
        await bench.worker.dialer.drain()
        assert bench.twilio.asked == dialled


@fault(
    "A process that dials stands still for minutes, as in a paused virtual machine.",
    caller="Nobody is called twice.",
    operator="The attempts are placed by others.",
    kept="Each contact: it is rung once.",
)
@pytest.mark.parametrize(("stopped_for", "dialled"), [(17.9, 1), (18.1, 0), (300.0, 0)])
@virtually
async def test_a_process_that_was_stopped_for_longer_than_its_lease_does_not_dial(stopped_for, dialled):
    async with Bench(lanes_seconds=1000.0) as bench:
        await running_campaign(bench.store, contacts(1))
        original = bench.store.claims.claim

        async def claim_and_stand_still(*args, **kwargs):
            claims = await original(*args, **kwargs)
            await asyncio.sleep(stopped_for)
            return claims

        bench.store.claims.claim = claim_and_stand_still
        await bench.worker.dialer.dial_once()
        await bench.worker.dialer.drain()
        assert bench.twilio.asked == dialled


@pytest.mark.slow
@virtually
async def test_a_callback_before_the_answer_is_enough():
    async with Bench(Losses(answer_lost=1.0)) as bench:
        campaign = await running_campaign(bench.store, contacts(5))
        bench.worker.start()
        await asyncio.sleep(10)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 5}


@fault(
    "Twilio answers 429 to the placing of calls.",
    caller="The call, later.",
    operator="`rate_limited_until` in the campaign's view.",
    kept="Every contact: a refusal is no attempt at them.",
)
@pytest.mark.slow
@virtually
async def test_too_many_requests_make_everybody_back_off_and_count_for_nobody():
    async with Bench(Losses(too_many=1.0)) as bench:
        campaign = await running_campaign(bench.store, contacts(20), pacing=Pacing(10.0, 100), retry=RetryRules(1, {}))
        bench.worker.start()
        await asyncio.sleep(60)
        assert bench.twilio.asked < 30
        bench.twilio.losses = Losses()
        await asyncio.sleep(120)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 20}
        assert len(bench.twilio.calls) == 20


@fault(
    "Twilio answers 401 to the placing of calls.",
    caller="Nobody is called.",
    operator="The campaign is paused with 'Twilio answered 401, error 20003: Authenticate'.",
    kept="The contacts: none is used up.",
)
@virtually
async def test_wrong_credentials_pause_the_campaign_with_the_reason():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(3))

        async def create(_):
            raise TwilioAPIError(401, 20003, "Authenticate")

        bench.twilio.create = create
        bench.worker.start()
        await asyncio.sleep(5)
        paused = await bench.store.campaigns.find(campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert paused.reason == "Twilio answered 401, error 20003: Authenticate"
        assert (await bench.store.reports.progress(campaign.id)).contacts == {"ready": 3}


@fault(
    "Twilio refuses a contact's number.",
    caller="Nobody is called.",
    operator="The outcome `bad_number`.",
    kept="The other contacts.",
)
@virtually
async def test_a_number_that_twilio_refuses_is_done():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(1))

        async def create(_):
            raise TwilioAPIError(400, 21211, "The phone number is not valid")

        bench.twilio.create = create
        await bench.worker.dialer.dial_once()
        await bench.worker.dialer.drain()
        assert (await bench.store.contacts.find(campaign.id, phone(0))).outcome == "bad_number"


@fault(
    "Twilio queues calls for seconds before it places them.",
    caller="The voice as soon as they answer.",
    operator="Fewer attempts at once.",
    kept="The people who answer: they are not left waiting.",
)
@virtually
async def test_calls_that_twilio_queues_hold_the_pace_back():
    async with Bench() as bench:
        await running_campaign(bench.store, contacts(100), pacing=Pacing(20.0, 100))
        bench.twilio.queue_ms = 5000
        bench.worker.start()
        await asyncio.sleep(4.5)
        assert bench.twilio.asked <= 6


@virtually
async def test_a_drain_waits_for_answers_and_claims_nothing_more():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(100), pacing=Pacing(20.0, 100))
        bench.worker.start()
        await asyncio.sleep(1)
        await bench.worker.dialer.drain()
        asked = bench.twilio.asked
        assert AttemptState.INTENT not in {attempt.state for attempt in await bench.attempts(campaign)}
        await asyncio.sleep(5)
        assert bench.twilio.asked == asked
        assert bench.worker.tasks[0].done()


@fault(
    "The clock of a machine is two hours ahead of the database's, then right.",
    caller="Nobody is called outside the calling hours.",
    operator="No attempt until the clock is right.",
    kept="The calling hours, and the contacts.",
)
@virtually
async def test_a_process_whose_clock_is_wrong_dials_nobody_until_it_is_right():
    ahead = [timedelta(hours=2)]
    async with Bench(machine_clock=lambda: wallclock() + ahead[0]) as bench:
        await running_campaign(bench.store, contacts(3))
        bench.worker.start()
        await asyncio.sleep(5)
        assert bench.twilio.asked == 0
        ahead[0] = timedelta(seconds=-29)
        await asyncio.sleep(2)
        assert bench.twilio.asked == 3


@fault(
    "The database is away while a campaign runs.",
    caller="The call, later.",
    operator="The campaign goes on when it is back.",
    kept="Every contact.",
)
@virtually
async def test_a_database_that_fails_is_waited_for():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(3))
        original, failures = bench.store.claims.claim, iter([OSError("the database is away")] * 3)

        async def claim(*args, **kwargs):
            for failure in failures:
                raise failure
            return await original(*args, **kwargs)

        bench.store.claims.claim = claim
        bench.worker.start()
        await asyncio.sleep(2.5)
        assert bench.twilio.asked == 0
        await asyncio.sleep(10)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 3}


@pytest.mark.slow
@virtually
async def test_two_processes_together_keep_the_rate_and_the_live_calls():
    async with Bench() as bench, Bench(store=bench.store, twilio=bench.twilio, name="w2") as other:
        campaign = await running_campaign(bench.store, contacts(400), pacing=Pacing(20.0, 50, reserved=5))
        bench.twilio.talk_seconds = 1.0
        starts, most_live, original = [], [0], bench.twilio.create

        async def create(request):
            starts.append(asyncio.get_running_loop().time())
            most_live[0] = max(most_live[0], len(await bench.store.attempts.live(campaign.id)))
            return await original(request)

        bench.twilio.create = create
        bench.worker.start()
        other.worker.start()
        await asyncio.sleep(15)
        assert all(sum(first <= at < first + 1 for at in starts) <= 22 for first in starts)
        assert len(starts) >= 19 * 15
        bench.twilio.talk_seconds = 60.0
        await asyncio.sleep(10)
        assert most_live[0] == 45


async def cancel(bench, campaign):
    await bench.store.campaigns.change(campaign.id, CampaignInput.CANCEL)


async def put_on_the_list(bench, _):
    await bench.store.do_not_call.add([phone(0)], source="letter")


@pytest.mark.parametrize("meanwhile", [cancel, put_on_the_list])
@virtually
async def test_a_call_that_nobody_wants_any_more_once_twilio_has_answered_is_ended(meanwhile):
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(2))
        original = bench.twilio.create

        async def create(request):
            await meanwhile(bench, campaign)
            return await original(request)

        bench.twilio.create = create
        await bench.worker.dialer.dial_once()
        await bench.worker.dialer.drain()
        assert {call.to for call in bench.twilio.calls.values() if not call.ended_by_us} <= {phone(1)}
        await asyncio.sleep(5)
        contact = await bench.store.contacts.find(campaign.id, phone(0))
        assert (contact.state, contact.outcome) == (ContactState.DONE, "cancelled")


@virtually
async def test_the_wall_clock_of_these_tests_passes_with_virtual_time():
    before = wallclock()
    await asyncio.sleep(3)
    assert wallclock() - before == timedelta(seconds=3)
