"""A dialer at work, on virtual time: what it asks of Twilio, and when it does not."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from support.campaigns import ACCOUNT, contacts, phone, running_campaign
from support.dialling import Worker, always_open, attach, chance, virtual_clock, wallclock
from support.lossy_twilio import Losses, LossyTwilio
from support.memory_store.store import MemoryCampaignStore
from support.virtual_time import virtually

from telebridge.campaigns.dialing.call_reports import AttemptReports
from telebridge.campaigns.engine.campaign import CampaignKind
from telebridge.campaigns.engine.outcomes import Outcome, Reported, RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import (
    AttemptState,
    CampaignInput,
    CampaignStatus,
    ContactState,
)
from telebridge.errors import TwilioAPIError
from telebridge.twilio.calls import CallStatus


class Bench:
    """A store, a Twilio and a worker."""

    def __init__(self, losses=None, store=None, **options):
        self.store = store or MemoryCampaignStore(virtual_clock)
        self.twilio = LossyTwilio(virtual_clock, chance(1), losses or Losses(), ends=(CallStatus.COMPLETED,))
        self.worker = Worker(self.store, self.twilio, **options)
        attach(self.twilio, self.store, self.worker)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.worker.kill()
        await self.twilio.aclose()

    async def attempts(self, campaign):
        return [attempt async for attempt in self.store.reports.attempts(campaign.id)]


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

    async with Bench(open_until=lambda _, now: closes_at if now < closes_at else None) as bench:
        await running_campaign(bench.store, contacts(1), ring_seconds=25)
        original = bench.store.claims.claim

        async def claim_slowly(*args, **kwargs):
            claims = await original(*args, **kwargs)
            await asyncio.sleep(60 - left)
            return claims

        bench.store.claims.claim = claim_slowly
        bench.worker.dialer._options = replace(bench.worker.dialer._options, lease_seconds=1000.0)
        assert await bench.worker.dialer.dial_once() == 1
        await bench.worker.dialer.drain()
        assert bench.twilio.asked == dialled


@pytest.mark.parametrize(("stopped_for", "dialled"), [(17.9, 1), (18.1, 0), (300.0, 0)])
@virtually
async def test_a_process_that_was_stopped_for_longer_than_its_lease_does_not_dial(stopped_for, dialled):
    async with Bench() as bench:
        await running_campaign(bench.store, contacts(1))
        original = bench.store.claims.claim

        async def claim_and_stand_still(*args, **kwargs):
            claims = await original(*args, **kwargs)
            await asyncio.sleep(stopped_for)
            return claims

        bench.store.claims.claim = claim_and_stand_still
        bench.worker.dialer._options = bench.worker.dialer._options.__class__(
            ACCOUNT, "https://bridge.example.com", "w1", lanes_seconds=1000.0
        )
        await bench.worker.dialer.dial_once()
        await bench.worker.dialer.drain()
        assert bench.twilio.asked == dialled


@pytest.mark.slow
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


@virtually
async def test_a_callback_before_the_answer_is_enough():
    async with Bench(Losses(answer_lost=1.0)) as bench:
        campaign = await running_campaign(bench.store, contacts(5))
        bench.worker.start()
        await asyncio.sleep(10)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 5}


@pytest.mark.slow
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


@pytest.mark.slow
@virtually
async def test_too_many_requests_quieten_everybody_and_count_for_nobody():
    async with Bench(Losses(too_many=1.0)) as bench:
        campaign = await running_campaign(bench.store, contacts(20), pacing=Pacing(10.0, 100), retry=RetryRules(1, {}))
        bench.worker.start()
        await asyncio.sleep(60)
        assert bench.twilio.asked < 30
        bench.twilio.losses = Losses()
        await asyncio.sleep(120)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 20}
        assert len(bench.twilio.calls) == 20


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


@virtually
async def test_a_campaign_whose_calls_twilio_refuses_is_paused_before_its_list_is_burnt():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(200), pacing=Pacing(5.0, 100))

        async def create(_):
            raise TwilioAPIError(400, 21215, "Geo permission")

        bench.twilio.create = create
        bench.worker.start()
        await asyncio.sleep(60)
        paused = await bench.store.campaigns.find(campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert "calls failed, more than 50%" in paused.reason
        assert (await bench.store.reports.progress(campaign.id)).contacts["ready"] > 100


@virtually
async def test_calls_that_twilio_queues_hold_the_pace_back():
    async with Bench() as bench:
        await running_campaign(bench.store, contacts(100), pacing=Pacing(20.0, 100))
        bench.twilio.queue_ms = 5000
        bench.worker.start()
        await asyncio.sleep(4.5)
        assert bench.twilio.asked <= 6


@virtually
async def test_a_second_call_of_an_attempt_is_ended():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(1))
        await bench.worker.dialer.dial_once()
        await bench.worker.dialer.drain()
        [attempt] = await bench.attempts(campaign)
        reports = AttemptReports(bench.store, bench.twilio)
        [ours] = bench.twilio.calls
        bench.twilio.calls["CA2"] = twin = bench.twilio.calls[ours].__class__("CA2", attempt.id, "+1", "+2", 0, 0)
        assert await reports.may_speak(attempt.id, ours)
        assert not await reports.may_speak(attempt.id, "CA2")
        assert twin.ended_by_us


@virtually
async def test_what_a_flow_reports_decides_the_outcome():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(1))
        bench.worker.start()
        await asyncio.sleep(0.5)
        [attempt] = await bench.attempts(campaign)
        await bench.twilio.reports.reported(attempt.id, attempt.call_sid, Reported.OPTED_OUT)
        await asyncio.sleep(20)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"opted_out": 1}
        assert await bench.store.do_not_call.has(phone(0))


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


@virtually
async def test_a_process_whose_clock_is_wrong_dials_nobody_until_it_is_right():
    ahead = [timedelta(hours=2)]
    async with Bench() as bench:
        await running_campaign(bench.store, contacts(3))
        bench.worker.dialer._openings.machine_clock = lambda: wallclock() + ahead[0]
        bench.worker.start()
        await asyncio.sleep(5)
        assert bench.twilio.asked == 0
        ahead[0] = timedelta(seconds=-29)
        await asyncio.sleep(2)
        assert bench.twilio.asked == 3


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
    async with Bench() as bench, Bench(store=bench.store, name="w2") as other:
        other.worker.dialer._calls = bench.twilio
        await running_campaign(bench.store, contacts(400), pacing=Pacing(20.0, 50, reserved=5))
        bench.twilio.talk_seconds = 1.0
        starts, most_live, original = [], [0], bench.twilio.create

        async def create(request):
            starts.append(asyncio.get_running_loop().time())
            most_live[0] = max(most_live[0], len(bench.store.attempts._rows.live()))
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


@virtually
async def test_the_calls_of_a_cancelled_campaign_can_be_ended():
    async with Bench() as bench:
        bench.twilio.talk_seconds = 600.0
        campaign = await running_campaign(bench.store, contacts(3))
        bench.worker.start()
        await asyncio.sleep(1)
        await bench.store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        assert await bench.worker.rescue.end_calls(campaign.id) == 3
        assert all(call.ended_by_us for call in bench.twilio.calls.values())


async def cancel(bench, campaign):
    await bench.store.campaigns.change(campaign.id, CampaignInput.CANCEL)


async def bar(bench, _):
    await bench.store.do_not_call.add([phone(0)], source="letter")


@pytest.mark.parametrize("meanwhile", [cancel, bar])
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


@pytest.mark.parametrize("meanwhile", [cancel, bar])
@virtually
async def test_who_picks_up_when_nobody_wants_the_call_any_more_is_not_spoken_to(meanwhile):
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(1))
        await bench.worker.dialer.dial_once()
        await bench.worker.dialer.drain()
        [attempt] = await bench.attempts(campaign)
        await meanwhile(bench, campaign)
        assert not await bench.twilio.reports.may_speak(attempt.id, attempt.call_sid)
        bench.twilio.talked = None
        await asyncio.sleep(5)
        assert [one.outcome for one in await bench.attempts(campaign)] == [Outcome.CANCELLED]


@pytest.mark.slow
@virtually
async def test_a_campaign_whose_calls_fail_is_paused_by_rescue():
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@virtually
async def test_the_wall_clock_of_these_tests_passes_with_virtual_time():
    before = wallclock()
    await asyncio.sleep(3)
    assert wallclock() - before == timedelta(seconds=3)
