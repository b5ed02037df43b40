"""Streams that end, fail or fall silent while the call lives, and reports on streams and calls that are gone."""

import asyncio
import json

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs
from support.bridge import bridge, heard_by
from support.faults import fault
from support.flows import OPERATOR_RINGS, left_running, said
from support.line import HELLO, Line, begun, reported
from support.speech import audio_of
from support.virtual_time import virtually

from telebridge import Bridge
from telebridge.call.session.events import CallOver, StreamLost, StreamRequested
from telebridge.call.session.stream_phase import Phase
from telebridge.flows.steps import Record, RecordingEnd, Say
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.resources.parameters import CallUpdate
from telebridge.simulator.setup.faults import SimulatorFaults, StreamFaults
from telebridge.simulator.setup.options import AUTH_TOKEN
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MediaStream, Side
from telebridge.twilio.request_signature import webhook_signature

PROMPT = "One two three four five six seven eight nine ten."
FLOW = f"""
flow: test
start: one
nodes:
  one: {{say: "{PROMPT}", then: bye}}
  bye: {{hang_up: "Goodbye."}}
"""
HOLD = '<Response><Play digits="{digits}"/><Redirect>{url}/twilio/next</Redirect></Response>'


def place(stack, script="listen 120s", *, callback=True):
    """Let somebody call; gives the call at Twilio."""
    status = f"{stack.url}/twilio/status" if callback else None
    return stack.simulator.place_inbound_call(stack.webhook, parse_script(script), status_callback=status)


def hold(stack, placed, digits="1"):
    """Change the live call by REST: keys are played, then Twilio asks the bridge again."""
    document = HOLD.format(digits=digits, url=stack.url)
    stack.simulator.update(placed.record.sid, CallUpdate(twiml=document))


@fault(
    "The socket of the stream breaks in the middle of a prompt",
    caller="a short silence, then the prompt from the word that was cut",
    operator="the whole prompt in the record, heard to its end, as one utterance",
    kept="the words that were heard over the stream that was lost",
)
@virtually
async def test_what_was_heard_before_a_lost_stream_is_in_the_record(tmp_path):
    twilio = {"faults": SimulatorFaults(stream=StreamFaults(drop_after_seconds=1.5))}
    async with bridge(tmp_path, FLOW, twilio=twilio) as stack:
        placed = place(stack)
        await placed.finished
        record = stack.calls.record(placed.record.sid)
    assert len(placed.recording.of_kind(EventKind.STREAM_STARTED)) == 2
    assert said(record) == [PROMPT, "Goodbye."]


@fault(
    "The stream is lost, and the caller hangs up before it is back",
    caller="nothing",
    operator="the words that were heard, in `heard_text`",
    kept="what was heard",
)
def test_what_was_heard_is_in_the_record_of_a_call_that_does_not_come_back():
    line = Line().started()
    line.worded(begun(line.perform_step(Say(PROMPT))))
    line.tell(StreamLost(), after=0.9)
    line.tell(CallOver("completed"), after=1.0)
    [utterance] = line.session.record.utterances
    assert utterance.text == PROMPT
    assert utterance.interruption.heard_text == "One two three"


@fault(
    "A live call is changed by REST in the middle of a prompt: keys are played, then it is sent back to `/twilio/next`",
    caller="the keys, then the prompt from the word that was cut",
    operator="phase `held`, then the log line 'call brought back'; one record, which ends when the call does",
    kept="the flow, its position, and the words that were heard",
)
@virtually
async def test_a_call_that_was_changed_by_rest_goes_on_at_the_word(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed = place(stack)
        await asyncio.sleep(2)
        hold(stack, placed)
        await placed.finished
        record = stack.calls.record(placed.record.sid)
        assert await left_running() == []
    assert record.end_reason == "hung up by the flow"
    assert said(record) == [PROMPT, "Goodbye."]
    assert record.utterances[0].interruption is None
    assert audio_of("Goodbye.") in b"".join(heard_by(placed))


@fault(
    "A call is put on hold for half a minute, and comes back",
    caller="the music, then the prompt from the word that was cut",
    operator="`GET /api/calls/{sid}` says `held`; no `call-ended` event, no end in the record",
    kept="the record: it is not written as ended for a call that lives",
)
@virtually
async def test_a_call_on_hold_has_not_ended(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed = place(stack)
        await asyncio.sleep(2)
        hold(stack, placed, digits="w" * 60)
        await asyncio.sleep(20)
        sid = placed.record.sid
        assert stack.calls.find(sid).session.phase is Phase.HELD
        assert stack.calls.record(sid).end_reason is None
        await placed.finished
        assert stack.calls.record(sid).end_reason == "hung up by the flow"


@fault(
    "A call led by a Python function is changed by REST",
    caller="the keys, then the sentence from the word that was cut, then the next",
    operator="the function goes on; it sees no exception",
    kept="the function and its variables: it is not cancelled",
)
@virtually
async def test_a_python_flow_is_not_cancelled_by_the_end_of_a_stream(tmp_path):
    led, ended = Bridge(), []

    @led.flow("test")
    async def flow(call):
        try:
            await call.say(PROMPT)
            await call.say("Goodbye.")
        except BaseException as error:
            ended.append(error)
            raise

    async with bridge(tmp_path, None, python=led) as stack:
        placed = place(stack)
        await asyncio.sleep(2)
        hold(stack, placed)
        await placed.finished
        record = stack.calls.record(placed.record.sid)
    assert ended == []
    assert said(record) == [PROMPT, "Goodbye."]
    assert record.end_reason == "flow ended"


@fault(
    "A caller hangs up in the middle of a prompt",
    caller="nothing",
    operator="the record at once, 'caller hung up', with the words that were heard",
    kept="what was heard",
)
@virtually
async def test_a_caller_who_hangs_up_ends_the_call_at_once(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed = place(stack, "listen 3s; hang up")
        await placed.finished
        record = stack.calls.record(placed.record.sid)
        assert len(stack.calls) == 0
    assert record.end_reason == "caller hung up"
    [utterance] = record.utterances
    assert utterance.interruption.heard_text.startswith("One")
    assert PROMPT.startswith(utterance.interruption.heard_text)


@fault(
    "A caller hangs up, and Twilio has no status callback for the number",
    caller="nothing",
    operator="the record after `calls.held_seconds`, 'caller hung up'",
    kept="what was heard; the call is not live for ever",
)
@virtually
async def test_without_a_status_callback_the_bound_ends_the_call(tmp_path):
    async with bridge(tmp_path, FLOW, calls={"held_seconds": 20}) as stack:
        placed = place(stack, "listen 3s; hang up", callback=False)
        await placed.finished
        record = stack.calls.record(placed.record.sid)
        assert record.end_reason is None
        await asyncio.sleep(21)
        assert record.end_reason == "caller hung up"
        assert len(stack.calls) == 0


async def report(stack, path, **fields):
    """Send a webhook as Twilio does; gives the body of the answer."""
    url = f"{stack.url}{path}"
    headers = {"X-Twilio-Signature": webhook_signature(AUTH_TOKEN, url, fields)}
    async with ClientSession() as session, session.post(url, data=fields, headers=headers) as response:
        assert response.status < 300
        return await response.text()


@fault(
    "Twilio asks what follows, and says that the call is completed",
    caller="nothing",
    operator="the record at once, 'caller hung up'",
    kept="what was heard",
)
@virtually
async def test_a_question_with_a_final_status_ends_the_call(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed = place(stack, "listen 3s; hang up", callback=False)
        await placed.finished
        answer = await report(stack, "/twilio/next", CallSid=placed.record.sid, CallStatus="completed")
        assert "<Hangup" in answer
        assert stack.calls.record(placed.record.sid).end_reason == "caller hung up"
        assert len(stack.calls) == 0


@fault(
    "A media stream is refused at Twilio each time",
    caller="an apology, after the second failure in a row",
    operator="the record with 'the media stream cannot be kept up', and two `stream-error` log lines",
    kept="the line: it is not called again and again",
)
@virtually
async def test_a_stream_that_never_starts_leads_to_the_apology(tmp_path):
    twilio = {"faults": SimulatorFaults(stream=StreamFaults(refuse=31920, only_first=False))}
    async with bridge(tmp_path, FLOW, twilio=twilio) as stack:
        placed = place(stack)
        await placed.finished
        record = stack.calls.record(placed.record.sid)
    assert len([event for event in placed.recording.events if "31920" in event.detail]) == 2
    assert record.end_reason == "the media stream cannot be kept up"
    assert any("Say" in event.detail for event in placed.recording.of_kind(EventKind.TWIML))


@fault(
    "A media stream starts and breaks each second",
    caller="the prompt in pieces, then an apology",
    operator="the record with 'the media stream cannot be kept up'",
    kept="the bound: at most 10 streams in a minute",
)
@virtually
async def test_returns_are_bounded_in_number_per_time(tmp_path):
    twilio = {"faults": SimulatorFaults(stream=StreamFaults(drop_after_seconds=0.3, only_first=False))}
    text = FLOW.replace(PROMPT, PROMPT * 20)
    async with bridge(tmp_path, text, twilio=twilio) as stack:
        placed = place(stack)
        await placed.finished
        record = stack.calls.record(placed.record.sid)
    assert record.end_reason == "the media stream cannot be kept up"
    assert len(placed.recording.of_kind(EventKind.STREAM_STARTED)) == 11


@fault(
    "`start` has null, numbers or nothing for its parameters, or writes the encoding in capitals",
    caller="the call as usual",
    operator="nothing",
    kept="the stream",
)
@pytest.mark.parametrize(
    ("changed", "parameters"),
    [
        ({"customParameters": None}, {}),
        (
            {"customParameters": {"a": 5, "b": None, "c": True, "d": 1.5, "e": [1]}},
            {"a": "5", "c": "true", "d": "1.5", "e": "[1]"},
        ),
        ({"mediaFormat": {"encoding": "audio/X-MULAW", "sampleRate": "8000", "channels": None}}, {}),
        ({"mediaFormat": None, "tracks": None}, {}),
    ],
)
def test_what_start_leaves_out_or_writes_otherwise_is_read(changed, parameters):
    stream = MediaStream(Side.BRIDGE)
    start = {"streamSid": "MZ1", "accountSid": "AC1", "callSid": "CA1", **changed}
    [started] = stream.receive_text(json.dumps({"event": "start", "streamSid": "MZ1", "start": start}))
    assert started.parameters == parameters


@fault(
    "Optional fields of other messages are null",
    caller="the call as usual",
    operator="nothing",
    kept="the audio",
)
def test_null_in_media_is_absent():
    stream = MediaStream(Side.BRIDGE)
    stream.receive_text('{"event":"start","start":{"streamSid":"MZ1","accountSid":null,"callSid":"CA1"}}')
    media = '{"event":"media","streamSid":"MZ1","media":{"payload":"VVU=","track":null,"timestamp":null}}'
    assert stream.receive_text(media) == [AudioReceived(b"UU", 0)]


@fault(
    "`stream-error` of a former stream comes after the call has a new one",
    caller="the prompt, without a break",
    operator="the log line 'a report on a former stream is ignored', and `telebridge_stale_reports`",
    kept="the new stream",
)
@virtually
async def test_an_error_of_a_former_stream_is_ignored(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed = place(stack)
        await asyncio.sleep(2)
        runner = stack.calls.find(placed.record.sid)
        fields = {"CallSid": placed.record.sid, "StreamEvent": "stream-error", "StreamErrorCode": "31924"}
        with capture_logs() as logs:
            await report(stack, "/twilio/stream-status", StreamSid="MZ0", **fields)
        assert runner.session.phase is Phase.LIVE
        assert "a report on a former stream is ignored" in [line["event"] for line in logs]
        await report(stack, "/twilio/stream-status", StreamSid=runner.stream_sid, **fields)
        assert runner.session.phase is not Phase.LIVE
        await placed.finished
        assert stack.calls.record(placed.record.sid).end_reason == "hung up by the flow"


@fault(
    "The voice webhook is sent again after the call has ended",
    caller="nothing: Twilio is told to hang up",
    operator="the log line 'a webhook for a call that has ended'; no second call, the record as it was",
    kept="the record of the call",
)
@virtually
async def test_a_webhook_after_the_end_starts_no_call(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        placed = place(stack, "listen 3s; hang up")
        await placed.finished
        before = stack.calls.record(placed.record.sid)
        for forgotten in (False, True):
            if forgotten:
                stack.calls._ended.clear()  # as another process sees it
            answer = await report(stack, "/twilio/voice", CallSid=placed.record.sid, From="+1", To="+2")
            assert "<Hangup" in answer
            assert len(stack.calls) == 0
        stored = await stack.calls._store.find(placed.record.sid)
        assert stored.as_json()["end_reason"] == before.end_reason == "caller hung up"


@fault(
    "`POST /say` is accepted, and `POST /transfer` follows at once",
    caller="the sentence to its end, then the ringing; with `now` the ringing at once",
    operator="an event `announced` with all of the sentence, before the event `transfer`",
    kept="what was accepted, unless the owner of the call says `now`",
)
@pytest.mark.parametrize("now", [False, True])
@virtually
async def test_what_was_accepted_is_heard_before_a_transfer(tmp_path, now):
    sentence = "I am connecting you to Ada now."
    twilio = {"callers": {"+15551230100": parse_script(OPERATOR_RINGS)}}
    allowed = {"allowed": ["+1555"]}
    async with bridge(tmp_path, FLOW, twilio=twilio, transfers=allowed) as stack, ClientSession() as session:
        placed = place(stack)
        await asyncio.sleep(2)
        calls = f"{stack.url}/api/calls/{placed.record.sid}"
        for path, body in (("say", {"text": sentence}), ("transfer", {"to": "+15551230100", "now": now})):
            async with session.post(f"{calls}/{path}", json=body) as response:
                assert response.status == 202
        await placed.finished
        record = stack.calls.record(placed.record.sid)
    assert (audio_of(sentence) in b"".join(heard_by(placed))) is not now
    assert record.end_reason == "transferred"
    assert any("Dial" in event.detail for event in placed.recording.of_kind(EventKind.TWIML))


@fault(
    "No media comes for a minute while marks return: the caller is on hold or muted at Twilio",
    caller="the prompts, without a break",
    operator="nothing; one stream",
    kept="the stream: marks and keys are signs of life",
)
def test_marks_are_signs_of_life():
    line = Line().started()
    for _ in range(10):
        line.heard(begun(line.perform_step(HELLO)), after=6.0)
    assert line.session.phase is Phase.LIVE
    line.tell(DigitPressed("1"), after=9.0)
    line.wait(9.0)
    assert line.session.phase is Phase.LIVE
    line.wait(2.0)
    assert line.session.phase is Phase.WAITING


@fault(
    "Media stops while a message is recorded",
    caller="the next prompt after the `silence` of the node",
    operator="the recording, which ends with 'silence'",
    kept="what was said before",
)
def test_a_recording_ends_by_its_silence_without_media():
    line = Line().started()
    line.perform_step(Record(silence_seconds=4.0, longest_seconds=60.0, beep=False))
    line.tell(AudioReceived(bytes(160), 0))
    assert reported(line.wait(3.5)) == []
    [outcome] = reported(line.wait(1.0))
    assert outcome.ending is RecordingEnd.SILENCE
    assert line.session.phase is Phase.LIVE


@fault(
    "Streams start one after the other and carry nothing",
    caller="an apology after the second",
    operator="the record with 'the media stream cannot be kept up'",
    kept="the bound: no timer begins again for ever",
)
def test_streams_that_carry_nothing_lead_to_the_apology():
    line = Line().started()
    line.perform_step(HELLO)
    line.wait(10.5)
    line.tell(StreamRequested())
    line.started()
    line.wait(10.5)
    line.tell(StreamRequested())
    assert line.session.phase is Phase.OVER
    assert line.session.apology_due
