"""Verbs are executed as Twilio executes them: prompts, keys, and calls that are put through."""

import pytest
from support.speech import serving
from support.twiml_application import Application, heard, inbound_call, wav_bytes
from support.virtual_time import virtually

from telebridge.audio.tones import sine
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.caller.voices import speech
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.options import SimulatorOptions


@virtually
async def test_a_prompt_a_pause_and_a_file_are_heard_one_after_the_other():
    tone = sine(440, 500)
    documents = {"voice": "<Response><Play>tone.wav</Play><Pause length='2'/><Play digits='1'/></Response>"}
    application = Application(**documents)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions())
        application.documents["voice"] = documents["voice"].replace("tone.wav", f"{url}/tone.wav")
        application.documents["tone.wav"] = wav_bytes(tone)
        placed = simulator.place_inbound_call(f"{url}/voice", parse_script("listen 60s"))
        await placed.finished
        await simulator.aclose()
    assert heard(placed).startswith(tone)
    assert len(heard(placed)) == len(tone) + 16_000 + 1600
    assert placed.record.status.value == "completed"


@virtually
async def test_keys_are_gathered_and_the_first_stops_the_prompt():
    gather = (
        "<Response><Gather action='/digits' numDigits='3'><Say>Please enter three digits now.</Say></Gather></Response>"
    )
    placed, application = await inbound_call({"voice": gather}, "wait 200ms; press 123; listen 60s")
    [fields] = application.fields("digits")
    assert fields["Digits"] == "123"
    assert len(heard(placed)) < 8000, "cut by the first key"


@virtually
async def test_a_gather_without_keys_falls_through():
    gather = "<Response><Gather action='/digits' timeout='3'/><Redirect>/after</Redirect></Response>"
    _, application = await inbound_call({"voice": gather})
    assert application.paths() == ["voice", "after", "status"]


@virtually
async def test_a_finishing_key_ends_a_gather():
    gather = "<Response><Gather action='/digits'/></Response>"
    _, application = await inbound_call({"voice": gather}, "listen 1s; press 12#; listen 60s")
    [fields] = application.fields("digits")
    assert (fields["Digits"], fields["FinishedOnKey"]) == ("12", "#")


@pytest.mark.parametrize(
    ("callee", "status"), [("ring 2s; speak 1s; hang up", "completed"), ("busy", "busy"), ("no answer", "no-answer")]
)
@virtually
async def test_a_call_is_put_through(callee, status):
    dial = "<Response><Dial action='/dialled' timeout='20'>+15559990000</Dial></Response>"
    placed, application = await inbound_call({"voice": dial}, callers={"+15559990000": parse_script(callee)})
    [fields] = application.fields("dialled")
    assert fields["DialCallStatus"] == status
    assert bool(heard(placed)) is (status == "completed")


def dialled(noun):
    return f"<Response><Dial action='/dialled' timeout='20'>{noun}</Dial></Response>"


@pytest.mark.parametrize(
    ("noun", "number"),
    [
        ("<Number url='/whisper' method='GET'>+15559990000</Number>", "+15559990000"),
        ("<Sip url='whisper'>sip:desk@example.com</Sip>", "sip:desk@example.com"),
        ("<Client url='/whisper'>ann</Client>", "client:ann"),
    ],
)
@virtually
async def test_who_is_dialled_is_told_something_that_the_caller_does_not_hear(noun, number):
    whisper = "<Response><Say>A call for you.</Say><Play digits='1'/></Response>"
    documents = {"voice": dialled(noun), "whisper": whisper}
    desk = parse_script("ring 2s; silence 1s; speak 2s; hang up")
    placed, application = await inbound_call(documents, callers={number: desk})
    [told] = application.fields("whisper")
    assert (told["To"], told["Direction"], told["ParentCallSid"]) == (number, "outbound-dial", placed.record.sid)
    assert told["CallSid"] != placed.record.sid
    whispers = placed.recording.of_kind(EventKind.WHISPER)
    assert [event.detail for event in whispers] == ["A call for you.", ""]
    assert speech(2000) in heard(placed), "what the desk said once they were connected"
    assert len(heard(placed)) < 30_000
    assert application.fields("dialled")[0]["DialCallStatus"] == "completed"


@pytest.mark.parametrize(
    ("whisper", "desk"),
    [
        ("<Response><Say>A call for you, a long one.</Say></Response>", "listen 1s; hang up"),
        ("<Response><Hangup/></Response>", "listen 60s"),
        (500, "listen 60s"),
        ("<html/>", "listen 60s"),
    ],
    ids=["hangs up", "is hung up", "cannot be told", "is told nonsense"],
)
@virtually
async def test_who_does_not_hear_it_out_is_not_connected(whisper, desk):
    documents = {"voice": dialled("<Number url='/whisper'>+15559990000</Number>"), "whisper": whisper}
    placed, application = await inbound_call(documents, callers={"+15559990000": parse_script(desk)})
    assert application.fields("dialled")[0]["DialCallStatus"] == "no-answer"
    assert not heard(placed)
