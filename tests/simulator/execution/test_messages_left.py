"""`<Record>` records a message after a beep, and tells the application where it is."""

import pytest
from support.speech import serving
from support.twiml_application import Application
from support.virtual_time import virtually

from telebridge.audio.mulaw import BYTES_PER_SECOND
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.caller.voices import speech
from telebridge.simulator.setup.options import SimulatorOptions

LISTEN = "listen 60s"


async def left(attributes, script):
    """A message that is left: the call, the application, and the recordings of the account."""
    voice = f"<Response><Record {attributes}/><Redirect>/nothing</Redirect></Response>"
    application = Application(voice=voice)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions())
        placed = simulator.place_inbound_call(f"{url}/voice", parse_script(script))
        await placed.finished
        recordings = simulator.books.recordings
        await simulator.aclose()
    return placed, application, recordings


@pytest.mark.parametrize(
    ("attributes", "script", "digits", "seconds"),
    [
        ("timeout='2'", f"listen 1s; speak 3s; {LISTEN}", None, 6.0),
        ("finishOnKey='#'", f"listen 1s; speak 3s; press 1#; {LISTEN}", "#", 4.4),
        ("maxLength='2'", f"listen 500ms; speak 9s; {LISTEN}", None, 2.4),
        ("playBeep='false' maxLength='2'", f"speak 9s; {LISTEN}", None, 2.0),
        ("", "listen 1s; speak 3s; hang up", "hangup", 4.0),
    ],
    ids=["silence", "key", "length", "no beep", "hang-up"],
)
@virtually
async def test_a_message_ends_as_twilio_ends_it(attributes, script, digits, seconds):
    placed, application, recordings = await left(f"action='/left' {attributes}", script)
    [fields] = application.fields("left")
    assert fields.get("Digits") == digits
    recording = recordings.find(fields["RecordingSid"])
    assert fields["RecordingUrl"] == f"https://api.twilio.com{recording.path}"
    assert fields["RecordingDuration"] == str(recording.duration_seconds)
    assert placed.recording.duration_ms / 1000 == pytest.approx(seconds, abs=0.3)


@virtually
async def test_the_message_is_what_the_caller_said():
    _, application, recordings = await left("action='/left' timeout='2'", f"listen 2s; speak 3s; {LISTEN}")
    recording = recordings.find(application.fields("left")[0]["RecordingSid"])
    assert recording.legs == (speech(3000),), "silence at both ends is cut"
    _, application, recordings = await left(
        "action='/left' timeout='2' trim='do-not-trim'", f"listen 2s; speak 3s; {LISTEN}"
    )
    recording = recordings.find(application.fields("left")[0]["RecordingSid"])
    assert len(recording.legs[0]) == pytest.approx(6.6 * BYTES_PER_SECOND, abs=400)


@virtually
async def test_an_empty_message_goes_on_with_the_document():
    placed, application, _ = await left("action='/left' timeout='3'", LISTEN)
    assert application.paths() == ["voice", "nothing"]
    assert placed.record.duration_seconds == 3


@virtually
async def test_without_an_action_the_document_itself_gets_the_recording():
    _, application, _ = await left("timeout='1' maxLength='1'", f"listen 500ms; speak 1s; {LISTEN}")
    first, second, *_ = application.fields("voice")
    assert ("RecordingUrl" in first, "RecordingUrl" in second) == (False, True)


@virtually
async def test_the_application_is_told_when_a_recording_begins_and_ends():
    callback = "recordingStatusCallback='/told' recordingStatusCallbackEvent='in-progress completed absent'"
    _, application, _ = await left(f"action='/left' timeout='1' {callback}", f"listen 500ms; speak 1s; {LISTEN}")
    assert [fields["RecordingStatus"] for fields in application.fields("told")] == ["in-progress", "completed"]
    assert {fields["RecordingSource"] for fields in application.fields("told")} == {"RecordVerb"}
    _, application, _ = await left(f"action='/left' timeout='1' {callback}", LISTEN)
    assert [fields["RecordingStatus"] for fields in application.fields("told")] == ["in-progress", "absent"]
