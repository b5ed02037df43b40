"""More calls than the machine holds"""

import asyncio

import pytest
from support.bridge import bridge, heard_by
from support.faults import fault
from support.sources import ScriptedSpeech, speaking
from support.speech import audio_of, heard
from support.virtual_time import virtually

from telebridge.app.load_watch import LoadWatch
from telebridge.speech.failover import Provider
from telebridge.speech.failover_source import FailoverSpeech
from telebridge.timing.running_time import TICK_SECONDS, running_time

SENTENCE = "Goodbye to all of you."
FLOW = f"flow: test\nstart: bye\nnodes:\n  bye: {{hang_up: {SENTENCE}}}\n"


@pytest.fixture
def overloaded(monkeypatch):
    """Let the process be overloaded as long as a value is true."""
    state = [False]
    monkeypatch.setattr(LoadWatch, "refuses", property(lambda _: state[0]))
    return state


@fault(
    "More calls arrive than the core can serve in time.",
    caller="The busy tone, at once; those who are in a call notice nothing.",
    operator="One line 'overload: new calls are refused' for the episode, `telebridge_overloads_total` and "
    '`telebridge_refused_total{reason="overload"}` count, `/readyz` answers 503 with `overloaded`.',
    kept="The calls that are live, and their quality.",
)
@virtually
async def test_calls_that_arrive_in_an_overload_hear_busy_and_the_live_ones_go_on(tmp_path, overloaded):
    async with bridge(tmp_path, FLOW) as stack:
        first = asyncio.create_task(stack.call("listen 60s"))
        await asyncio.sleep(0.5)
        overloaded[0] = True
        second, record = await stack.call("listen 60s")
        assert second.record.status.value == "busy"
        assert record is None
        placed, _ = await first
        assert heard_by(placed) == [audio_of(SENTENCE)]
        overloaded[0] = False
        third, _ = await stack.call("listen 60s")
        assert heard_by(third) == [audio_of(SENTENCE)]


@fault(
    "The event loop of the process is late by seconds, while Rime answers in time.",
    caller="The same voice.",
    operator="Nothing of Rime: no second connection, no other provider.",
    kept="The voice of every call: Rime is judged by the time in which its answer could be read.",
)
@virtually
async def test_a_late_loop_is_never_held_against_rime():
    loop = asyncio.get_running_loop()

    def tick():
        running_time().tick(loop.time())
        loop.call_at(loop.time() + TICK_SECONDS, tick)

    def stall(seconds):
        loop._jumping.now += seconds

    async def wait():
        await asyncio.sleep(1.0)
        for _ in range(5):
            await asyncio.sleep(0)  # from the socket to the utterance

    tick()
    first, second = ScriptedSpeech(speaking(before=wait)), ScriptedSpeech(speaking(by="2"))
    speech = FailoverSpeech([Provider("first", first, 3.0, 5.0), Provider("second", second, 3.0, 5.0)])
    loop.call_later(0.9, stall, 12.0)
    stream = speech.speak("one two three four five six")
    await heard(stream)
    assert second.texts == []
    assert not stream.substitute
