"""A campaign dialled through the official client at the local Twilio: people, machines, lost answers."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from support.campaigns import TALK, contacts, phone, plan
from support.dialling import PUBLIC_URL, Worker, virtual_clock
from support.memory_store.store import memory_campaign_store
from support.speech import serving
from support.virtual_time import virtually

from telebridge.campaigns.dialing.call_reports import AttemptReports
from telebridge.campaigns.engine.attempt import CallReport
from telebridge.campaigns.engine.outcomes import RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.server import SIMULATOR, create_app
from telebridge.simulator.setup.faults import CallbackFault, RestFault, SimulatorFaults
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions
from telebridge.twilio.calls import CallStatusReport
from telebridge.twilio.client import TwilioCalls

SAY = "<Response><Pause length='4'/></Response>"
HANG_UP = "<Response><Hangup/></Response>"
ONCE = RetryRules(1, {})
PEOPLE = {
    phone(0): parse_script("ring 1s; wait; silence 9s; hang up"),
    phone(1): parse_script("busy"),
    phone(2): parse_script("machine"),
    phone(3): parse_script("no answer"),
}


class Doors:
    """What the bridge answers Twilio for campaigns."""

    def __init__(self, store):
        self.store = store
        self.reports = None
        self.app = web.Application()
        self.app.router.add_post("/twilio/voice/{flow}", self.voice)
        self.app.router.add_post("/twilio/status", self.status)
        self.app.router.add_post("/twilio/amd", self.machine_detected)

    async def voice(self, request):
        form = await request.post()
        attempt_id, call_sid = request.query["attempt"], form["CallSid"]
        speaks = await self.reports.may_speak(attempt_id, call_sid)
        if speaks:
            await self.store.attempts.report(attempt_id, CallReport(call_sid, talk=TALK))
        return web.Response(text=SAY if speaks else HANG_UP, content_type="text/xml")

    async def status(self, request):
        await self.reports.status(request.query["attempt"], CallStatusReport.parse(await request.post()))
        return web.Response(status=204)

    async def machine_detected(self, request):
        form = await request.post()
        await self.reports.machine_detected(request.query["attempt"], form["CallSid"], form["AnsweredBy"])
        return web.Response(status=204)


async def dialled(seconds, faults=None, retry=ONCE):
    """The outcomes of a campaign among these people, and every call that Twilio knows of."""
    store = memory_campaign_store(virtual_clock)
    doors = Doors(store)
    async with AsyncExitStack() as stack:
        bridge_url = await stack.enter_async_context(serving(doors.app))
        options = SimulatorOptions(
            calls_per_second=10.0, callers=PEOPLE, routes={PUBLIC_URL: bridge_url}, faults=faults or SimulatorFaults()
        )
        simulated = create_app(options)
        twilio_url = await stack.enter_async_context(serving(simulated))
        calls = await stack.enter_async_context(TwilioCalls(ACCOUNT_SID, AUTH_TOKEN, base_url=twilio_url))
        doors.reports = AttemptReports(store, calls)
        await store.claims.set_pacing(ACCOUNT_SID, Pacing(10.0, 10))
        campaign = await store.campaigns.create(plan(account=ACCOUNT_SID, machine_detection="Enable", retry=retry))
        await store.contacts.add(campaign.id, contacts(4), upto_line=1)
        await store.campaigns.change(campaign.id, CampaignInput.START)
        worker = Worker(store, calls, account=ACCOUNT_SID, tick_seconds=0.5).start()
        await asyncio.sleep(seconds)
        await worker.kill()
        assert (await store.campaigns.find(campaign.id)).status is CampaignStatus.DONE
        outcomes = {row.phone: row.outcome async for row in store.reports.contacts(campaign.id)}
        return outcomes, simulated[SIMULATOR].books.calls.page({})["calls"]


EXPECTED = {phone(0): "answered", phone(1): "busy", phone(2): "machine", phone(3): "no_answer"}


@virtually
async def test_everybody_is_called_once_and_settled_by_what_twilio_reports():
    outcomes, calls = await dialled(90)
    assert outcomes == EXPECTED
    assert len(calls) == 4


@virtually
async def test_lost_answers_and_broken_ones_ring_nobody_twice():
    broken = (
        RestFault(lose_answer=True),
        RestFault(status=500),
        RestFault(lose_answer=True),
        RestFault(status=429, code=20429),
    )
    outcomes, calls = await dialled(400, SimulatorFaults(rest=broken))
    assert outcomes == EXPECTED
    assert len(calls) == 4


@pytest.mark.slow
@virtually
async def test_without_a_single_callback_the_calls_are_looked_up():
    outcomes, calls = await dialled(1000, SimulatorFaults(callbacks=(CallbackFault(lose=True),)))
    assert outcomes == EXPECTED
    assert len(calls) == 4


@virtually
async def test_callbacks_late_and_threefold_change_nothing():
    late = (CallbackFault("ringing", delay_seconds=20.0, copies=3), CallbackFault(copies=3, delay_seconds=1.0))
    outcomes, calls = await dialled(120, SimulatorFaults(callbacks=late))
    assert outcomes == EXPECTED
    assert len(calls) == 4
