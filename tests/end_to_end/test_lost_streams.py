"""What a caller hears when the media stream is cut in the middle of something, or the bridge dies under a call."""

import asyncio

import pytest
from support.bridge import bridge, heard_by
from support.faults import fault
from support.flows import OPERATOR_RINGS, heard_whole, left_running, said
from support.speech import audio_of
from support.virtual_time import virtually

from telebridge import Bridge
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.setup.faults import SimulatorFaults, StreamFaults

pytestmark = pytest.mark.slow

WORDS = [f"{word}." for word in "One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve".split()]  # noqa: SIM905
MESSAGE = """
flow: test
start: message
nodes:
  message: {record: "Speak after the tone.", silence: 4s, longest: 20s, into: message, nothing: bye, then: thanks}
  thanks: {say: "{{ message.seconds | round | int }} seconds were kept.", then: bye}
  bye: {hang_up: null}
"""
DESK = """
flow: test
start: main
nodes:
  main: {menu: "Press one for the desk, or two.", choices: {1: desk, 2: number}}
  number: {collect: "Please enter your number of four digits.", into: number, digits: {min: 4, max: 4}, then: read}
  read: {say: "Your number is {{ number }}.", then: bye}
  desk: {transfer: "+15551230100", timeout: 20s, failed: nobody, then: bye}
  nobody: {say: "Nobody is there.", then: main}
  bye: {hang_up: "Goodbye."}
"""


@fault(
    "The stream breaks while a language model still writes the text.",
    caller="Every word once, over two streams.",
    operator="One utterance in the record.",
    kept="What is still being written.",
)
@virtually
async def test_a_streamed_text_is_heard_to_its_end_although_the_stream_was_cut(tmp_path):
    led = Bridge()

    async def written():
        for word in WORDS:
            await asyncio.sleep(0.4)
            yield f"{word} "

    @led.flow("test")
    async def flow(call):
        await call.say(written())

    twilio = {"faults": SimulatorFaults(stream=StreamFaults(drop_after_seconds=3))}
    async with bridge(tmp_path, None, python=led, twilio=twilio) as stack:
        _, record = await stack.call("listen 60s")
        assert await left_running() == []
    assert record.end_reason == "flow ended"
    assert " ".join(said(record)).split() == WORDS, "each once, whichever stream it was heard over"


@fault(
    "The stream breaks while the caller leaves a message.",
    caller="The thanks, once the message is over.",
    operator="One recording in the record.",
    kept="What was said before and after the break.",
)
@pytest.mark.parametrize("cut_after", [1.0, 4.0, 6.0])
@virtually
async def test_a_recording_outlives_a_lost_stream(tmp_path, cut_after):
    twilio = {"faults": SimulatorFaults(stream=StreamFaults(drop_after_seconds=cut_after))}
    async with bridge(tmp_path, MESSAGE, twilio=twilio) as stack:
        placed, record = await stack.call("at 4s; speak 8s; listen 60s")
        assert await left_running() == []
    assert record.path == ["message", "thanks", "bye"]
    assert len(record.recordings) == 1
    assert said(record)[-1].endswith("seconds were kept.")
    assert 5 <= int(said(record)[-1].split()[0]) <= 12
    assert heard_whole(placed, said(record)[-1])


@fault(
    "The stream breaks in the middle of a message, and the caller hangs up.",
    caller="Nothing.",
    operator="The recording in the record.",
    kept="What was said until then.",
)
@virtually
async def test_what_was_recorded_is_kept_when_the_stream_never_comes_back(tmp_path):
    twilio = {"faults": SimulatorFaults(stream=StreamFaults(hang_after_seconds=6))}
    async with bridge(tmp_path, MESSAGE, twilio=twilio) as stack:
        _, record = await stack.call("at 3s; speak 2s; at 9s; hang up")
        await asyncio.sleep(60)
        assert len(stack.calls) == 0
    assert len(record.recordings) == 1


async def taken_over(tmp_path, flow, script, *, dies_at, desk=OPERATOR_RINGS):
    """A call whose bridge dies, at `dies_at` seconds, and is followed by another over the same database.

    The first one keeps its address: what it began it no longer knows.
    """
    twilio = {"callers": {"+15551230100": parse_script(desk)}}
    async with bridge(tmp_path, flow, twilio=twilio) as stack:
        call = asyncio.create_task(stack.call(script))
        await asyncio.sleep(dies_at)
        await asyncio.sleep(0.2)  # what waits to be written is
        runner = stack.runner
        stack.calls._live.clear()
        stack.calls._store.writer.owner = "another"
        runner._tasks.cancel()
        runner._timer.cancel()
        runner._line.close()
        return await call


@fault(
    "The process dies in the middle of a prompt, and Twilio asks another one.",
    caller="The prompt from about the word that was heard last.",
    operator="The log line 'call taken over'; one record.",
    kept="The position in the flow.",
)
@virtually
async def test_another_process_goes_on_at_the_word_that_was_heard_last(tmp_path):
    placed, record = await taken_over(
        tmp_path, DESK, "listen 4s; press 2; silence; press 1234; listen 60s", dies_at=1.5
    )
    assert record.path == ["main", "number", "read", "bye"]
    assert heard_whole(placed, "Your number is 1234.")
    first = said(record)[0]
    assert "Press one for the desk, or two.".endswith(first)
    assert first != "Press one for the desk, or two.", "not all of it again"
    assert audio_of(first) in b"".join(heard_by(placed))


@fault(
    "The process dies when half a number is typed.",
    caller="The rest of the question; the other half is enough.",
    operator="The whole number in the record.",
    kept="The keys that were pressed.",
)
@virtually
async def test_keys_that_were_typed_are_not_typed_again(tmp_path):
    script = "silence; press 2; silence; press 12; listen 2s; press 34; listen 60s"
    placed, record = await taken_over(tmp_path, DESK, script, dies_at=7.5)
    assert record.path == ["main", "number", "read", "bye"]
    assert heard_whole(placed, "Your number is 1234.")


@fault(
    "The process dies while the caller talks to somebody else.",
    caller="What follows the transfer, from another process.",
    operator="One record with both halves of the path.",
    kept="Whom the caller talked to, and that they did.",
)
@pytest.mark.parametrize(
    ("desk", "path"), [(OPERATOR_RINGS, ["main", "desk", "bye"]), ("busy after 6s", ["main", "desk", "nobody", "main"])]
)
@virtually
async def test_another_process_hears_how_the_transfer_went(tmp_path, desk, path):
    script = "silence; press 1; listen 12s; wait; hang up"
    placed, record = await taken_over(tmp_path, DESK, script, dies_at=5.0, desk=desk)
    assert record.path[: len(path)] == path
    assert placed.record.status.value == "completed"
