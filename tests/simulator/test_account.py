"""The account dials at its rate, and drops all calls when it is closed."""

import asyncio

import pytest
from support.speech import serving
from support.twiml_application import HUNG_UP, Application
from support.virtual_time import virtually

from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.resources.parameters import read_create
from telebridge.simulator.setup.options import SimulatorOptions


@virtually
async def test_calls_wait_for_their_turn():
    application = Application(voice=HUNG_UP)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions(calls_per_second=0.5, anybody=parse_script("ring 0.1s; listen 60s")))
        began = asyncio.get_running_loop().time()
        raw = {"To": ["+15550001111"], "From": ["+15550002222"], "Url": [f"{url}/voice"]}
        records = [simulator.create(read_create(raw)) for _ in range(4)]
        assert [record.queue_time_ms for record in records] == [0, 2000, 4000, 6000]
        while not all(record.status.is_final for record in records):  # noqa: ASYNC110 - virtual time passes so
            await asyncio.sleep(0.1)
        assert asyncio.get_running_loop().time() - began == pytest.approx(6.3, abs=0.3)
        await simulator.aclose()


@virtually
async def test_closing_drops_every_call_and_leaves_nothing_behind():
    application = Application(voice="<Response><Pause length='600'/></Response>")
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions(calls_per_second=0.001))
        for _ in range(3):
            simulator.place_inbound_call(f"{url}/voice", parse_script("listen 900s"))
            simulator.create(read_create({"To": ["+15550001111"], "From": ["+15550002222"], "Url": [f"{url}/voice"]}))
        await asyncio.sleep(3)
        await simulator.aclose()
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() == {asyncio.current_task()}
