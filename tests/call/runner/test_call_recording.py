"""Flights are on disk while the call goes on, and whole when it is over."""

import json
import wave
from datetime import UTC, datetime

from support.bridge import bridge
from support.faults import fault
from support.virtual_time import virtually

from telebridge.call.record import CallRecord
from telebridge.call.runner.call_recording import CallRecorder
from telebridge.call.session.effects import (
    ClearPlayback,
    CloseStream,
    PublishEvent,
    ReleaseCall,
    StartSpeech,
)
from telebridge.flows.steps import Say
from telebridge.playback.writer import SendAudio, SendMark

FLOW = """
flow: test
start: hello
nodes:
  hello: {say: "Thank you for calling us today.", then: ask}
  ask: {menu: "Press one.", choices: {1: bye}}
  bye: {hang_up: "Goodbye."}
"""


def seconds(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        return file.getnframes() / 8000


async def test_it_can_be_heard_before_the_call_is_over(tmp_path):
    recorder = CallRecorder(tmp_path)
    recording = recorder.open("CA1", now=0.0)
    recording.add_event("node", {"node": "a"}, now=0.5)
    for number in range(1, 160):
        recording.add_inbound(b"c" * 160, now=number * 0.02)
    recorder.close()
    assert (tmp_path / "CA1.wav").stat().st_size == 44 + 2 * 8000 * 4
    assert json.loads((tmp_path / "CA1.jsonl").read_text()) == {"at_ms": 500.0, "kind": "node", "node": "a"}


async def test_another_part_of_the_same_call_has_a_file_of_its_own(tmp_path):
    (tmp_path / "CA1.wav").write_bytes(b"first")
    recorder = CallRecorder(tmp_path)
    recorder.open("CA1", now=0.0).close(now=1.0)
    recorder.close()
    assert (tmp_path / "CA1.wav").read_bytes() == b"first"
    assert seconds(tmp_path / "CA1-2.wav") == 1.0


async def test_who_writes_late_overwrites_nothing_of_another_process(tmp_path):
    one, other = CallRecorder(tmp_path), CallRecorder(tmp_path)
    late, first = one.open("CA1", now=0.0), other.open("CA1", now=0.0)
    first.add_inbound(b"c" * 160, now=1.0)
    first.close(now=3.0)
    other.close()
    late.close(now=30.0)
    one.close()
    assert seconds(tmp_path / "CA1.wav") == 3.0
    assert seconds(tmp_path / "CA1-2.wav") == 30.0
    assert (tmp_path / "CA1-2.jsonl").exists()


@fault(
    "The folder of call recordings cannot be written.",
    caller="The call, as usual.",
    operator="No recording of the call.",
    kept="The call.",
)
async def test_a_disk_that_refuses_costs_the_recording_only(tmp_path):
    (tmp_path / "taken").write_text("")
    recorder = CallRecorder(tmp_path / "taken")
    recorder.open("CA1", now=0.0).close(now=1.0)
    recorder.close()


async def test_what_the_bridge_did_is_noted_and_its_end_completes_the_files(tmp_path):
    record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime(2026, 3, 2, tzinfo=UTC))
    recorder = CallRecorder(tmp_path)
    recording = recorder.open("CA1", now=0.0)
    done = [
        StartSpeech("u1", Say("Hello.")),
        SendAudio(bytes(8000)),
        SendMark("m1"),
        ClearPlayback(),
        PublishEvent("key", {"key": "1"}),
        CloseStream(),
        ReleaseCall(),
    ]
    for number, effect in enumerate(done):
        recording.add_effect(effect, record, now=number / 10)
    recorder.close()
    noted = [json.loads(line) for line in (tmp_path / "CA1.jsonl").read_text().splitlines()]
    assert [(each["at_ms"], each["kind"]) for each in noted] == [
        (0.0, "speak"),
        (300.0, "clear"),
        (400.0, "key"),
        (500.0, "close-stream"),
        (600.0, "end"),
    ]
    assert (noted[0]["text"], noted[2]["key"], noted[-1]["call_sid"]) == ("Hello.", "1", "CA1")
    assert seconds(tmp_path / "CA1.wav") == 0.6


@virtually
async def test_a_call_leaves_both_legs_and_what_happened(tmp_path):
    async with bridge(tmp_path, FLOW, calls={"record": True}) as stack:
        placed, record = await stack.call("wait; silence 500ms; silence 500ms; press 1; listen 20s")
    path = tmp_path / "flights" / record.call_sid
    events = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
    kinds = [event["kind"] for event in events]
    assert [event["node"] for event in events if event["kind"] == "node"] == ["hello", "ask", "bye"]
    assert {"speak", "key", "digits", "utterance"} <= set(kinds)
    assert kinds[-1] == "end"
    heard = sum(len(stretch.audio) for stretch in placed.recording.heard) / 8000
    assert heard < seconds(path.with_suffix(".wav")) < heard + 30
