"""Reports on the calls of attempts, and which calls they end."""

import asyncio
from dataclasses import replace

import pytest
from support.campaigns import claim, contacts, phone, running_campaign
from support.dialling import Bench
from support.faults import fault
from support.virtual_time import virtually

from telebridge.campaigns.dialing.call_reports import AttemptReports
from telebridge.campaigns.engine.outcomes import Outcome, Reported
from telebridge.campaigns.engine.states import AttemptState, CampaignInput
from telebridge.errors import TwilioAPIError
from telebridge.twilio.calls import CallStatus, CallStatusReport


@fault(
    "Twilio places two calls for one request.",
    caller="The first call; the second one ends at once.",
    operator="`telebridge_duplicate_calls_total` counts.",
    kept="The person: nobody speaks to them twice at once.",
)
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


async def cancel(bench, campaign):
    await bench.store.campaigns.change(campaign.id, CampaignInput.CANCEL)


async def put_on_the_list(bench, _):
    await bench.store.do_not_call.add([phone(0)], source="letter")


@fault(
    "A campaign is cancelled, or the number put on the do-not-call list, while the telephone rings.",
    caller="Nothing: the line is hung up before a word.",
    operator="The outcome `cancelled`.",
    kept="The wish not to be called.",
)
@pytest.mark.parametrize("meanwhile", [cancel, put_on_the_list])
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


async def claimed(store):
    """The id of an attempt that is about to be placed."""
    await running_campaign(store, contacts(1))
    [one] = await claim(store)
    return one.attempt_id


class Refusing:
    """A Twilio that ends no call."""

    def __init__(self):
        self.asked = []

    async def hang_up(self, sid):
        self.asked.append(sid)
        raise TwilioAPIError(500, None, "try later")


async def test_only_a_final_status_says_that_a_call_has_ended(store):
    attempt_id, ended = await claimed(store), []
    reports = AttemptReports(store, on_call_ended=lambda: ended.append(True))
    for status in (CallStatus.INITIATED, CallStatus.RINGING, CallStatus.IN_PROGRESS):
        await reports.status(attempt_id, CallStatusReport("CA1", status))
    assert not ended
    await reports.status(attempt_id, CallStatusReport("CA1", CallStatus.COMPLETED))
    assert ended == [True]


@pytest.mark.parametrize("has_twilio", [False, True])
async def test_a_duplicate_call_that_cannot_be_ended_is_still_not_spoken_to(store, has_twilio):
    attempt_id, twilio = await claimed(store), Refusing() if has_twilio else None
    reports = AttemptReports(store, twilio)
    assert await reports.may_speak(attempt_id, "CA1")
    assert not await reports.may_speak(attempt_id, "CA2")
    assert twilio is None or twilio.asked == ["CA2"]


async def test_a_call_of_no_attempt_is_not_spoken_to(store):
    assert not await AttemptReports(store).may_speak("nobody's", "CA1")


async def test_a_verdict_on_who_answered_is_kept(store):
    attempt_id = await claimed(store)
    await AttemptReports(store).machine_detected(attempt_id, "CA1", "machine_start")
    found = await store.attempts.find(attempt_id)
    assert (found.call_sid, found.answered_by, found.state) == ("CA1", "machine_start", AttemptState.ANSWERED)


async def test_an_error_of_the_store_goes_on_to_the_caller(store):
    class Away:
        async def report(self, attempt_id, report):
            raise OSError("the database is away")

    reports = AttemptReports(replace(store, attempts=Away()))
    with pytest.raises(OSError, match="away"):
        await reports.status("a1", CallStatusReport("CA1", CallStatus.BUSY))
