"""Stopping: new callers hear busy, live calls finish, and not for ever."""

import asyncio

import aiohttp
from support.bridge import bridge, heard_by
from support.faults import fault
from support.speech import audio_of
from support.virtual_time import virtually

SENTENCE = "We are open from Monday to Friday."
FLOW = f"""
flow: test
start: hours
nodes:
  hours: {{say: "{SENTENCE}", then: bye}}
  bye: {{hang_up: null}}
"""


@fault(
    "The process is told to stop while calls are live.",
    caller="The sentence to its end; new callers the busy tone.",
    operator="`/readyz` answers 503, `/healthz` 200.",
    kept="The calls that are live.",
)
@virtually
async def test_live_calls_finish_while_new_callers_hear_busy(tmp_path):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        live = asyncio.create_task(stack.call("listen 60s"))
        await asyncio.sleep(0.5)
        drained = asyncio.create_task(stack.calls.drain(seconds=60))
        await asyncio.sleep(0.1)
        async with session.get(f"{stack.url}/readyz") as answer:
            assert answer.status == 503
        async with session.get(f"{stack.url}/healthz") as answer:
            assert answer.status == 200
        late, _ = await stack.call("listen 60s")
        assert late.record.status.value == "busy"
        assert await drained == 0
        placed, _ = await live
    assert heard_by(placed) == [audio_of(SENTENCE)]


@fault(
    "A call lasts longer than `drain_seconds`.",
    caller="What Twilio is told by the next process.",
    operator="The log line 'calls were cut by the end of draining'.",
    kept="The bound of the stop.",
)
@virtually
async def test_draining_ends_at_its_limit(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        live = asyncio.create_task(stack.call("listen 60s"))
        await asyncio.sleep(0.5)
        began = asyncio.get_running_loop().time()
        assert await stack.calls.drain(seconds=1) == 1
        assert asyncio.get_running_loop().time() - began < 1.1
        await live
