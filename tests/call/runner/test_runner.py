"""What somebody beside the flow has a live call do, over loopback on virtual time."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.bridge import bridge
from support.flows import OPERATOR_RINGS, alive, heard_whole, said
from support.virtual_time import virtually

from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.errors import NotLive
from telebridge.flows.steps import Play, Say
from telebridge.simulator.caller.script import parse_script
from telebridge.turns.barge_in import BargeInPolicy

QUESTION = "Press one or two."
NEWS = Say("Your table is ready.", barge_in=BargeInPolicy.NONE)
FLOW = f"""
flow: test
start: main
nodes:
  main: {{menu: "{QUESTION}", choices: {{1: bye, 2: main}}, no_input: {{after: 5s, reprompt: 0, then: bye}}}}
  bye: {{hang_up: "Goodbye."}}
"""


@asynccontextmanager
async def live(tmp_path, script, *, desk=OPERATOR_RINGS):
    """A call under way: its stack, its runner, and what becomes of it."""
    twilio = {"callers": {"+15551230100": parse_script(desk)}}
    async with bridge(tmp_path, FLOW, twilio=twilio) as stack:
        call = asyncio.create_task(stack.call(script))
        await asyncio.sleep(0.5)
        yield stack, stack.runner, call
        await asyncio.wait_for(call, 600)
        assert len(stack.calls) == 0
        assert alive() == []


@virtually
async def test_an_announcement_follows_the_question_and_then_the_caller_has_their_time(tmp_path):
    async with live(tmp_path, "at 9s; press 1; listen 60s") as (_, runner, call):
        heard = await runner.announce(NEWS)
        assert heard.text == NEWS.text
        placed, record = await call
    assert said(record) == [QUESTION, NEWS.text, "Goodbye."], "5 s of silence began after the announcement"
    assert all(heard_whole(placed, text) for text in said(record))


@virtually
async def test_several_announcements_are_said_in_order(tmp_path):
    async with live(tmp_path, "listen 60s") as (_, runner, call):
        more = Say("It is number five.", barge_in=BargeInPolicy.NONE)
        first, second, third = runner.announce(NEWS), runner.announce(Play(bytes(1600), "chime")), runner.announce(more)
        await asyncio.gather(first, second, third)
        _, record = await call
    assert said(record) == [QUESTION, NEWS.text, "chime", more.text, "Goodbye."]


@virtually
async def test_whoever_announced_something_is_told_that_the_call_is_over(tmp_path):
    async with live(tmp_path, "listen 1s; hang up") as (_, runner, call):
        waiting = runner.announce(NEWS)
        with pytest.raises(NotLive):
            await waiting
        await call
        with pytest.raises(NotLive):
            await runner.announce(NEWS)


@virtually
async def test_nobody_needs_to_wait_for_an_announcement(tmp_path):
    async with live(tmp_path, "listen 60s") as (_, runner, call):
        runner.announce(NEWS).cancel()
        _, record = await call
    assert NEWS.text in said(record)


@virtually
async def test_a_call_is_ended_with_a_last_word(tmp_path):
    async with live(tmp_path, "listen 60s") as (_, runner, call):
        runner.hang_up("We close now.")
        placed, record = await call
    assert heard_whole(placed, "We close now.")
    assert record.end_reason == "hung up by request"
    assert said(record) == [QUESTION, "We close now."]


@pytest.mark.parametrize(
    ("desk", "end", "texts"),
    [
        (OPERATOR_RINGS, "transferred", [QUESTION]),
        ("busy", "hung up by the flow", [QUESTION, QUESTION, "Goodbye."]),
        ("no answer", "hung up by the flow", [QUESTION, QUESTION, "Goodbye."]),
    ],
)
@virtually
async def test_a_caller_is_transferred_from_outside(tmp_path, desk, end, texts):
    async with live(tmp_path, "listen 300s", desk=desk) as (_, runner, call):
        runner.transfer("+15551230100", timeout_seconds=20.0, caller_id=None, whisper=None)
        placed, record = await call
    assert record.end_reason == end
    assert said(record) == texts
    assert placed.record.status.value == "completed"


@virtually
async def test_the_stream_of_a_call_that_is_over_is_refused(tmp_path):
    async with live(tmp_path, "listen 2s; hang up") as (stack, runner, call):
        await call
        calls = stack.calls
        incoming = IncomingCall(runner.session.record.call_sid, "test", "+1555", "+1666", "inbound")
        with pytest.raises(NotLive):
            await calls.ownership.resume_with_stream(incoming)
        await asyncio.sleep(1)  # its end is written
        calls._ended.clear()  # another process, which knows of it by the database
        with pytest.raises(NotLive):
            await calls.ownership.resume_with_stream(incoming)
