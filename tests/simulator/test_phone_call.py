"""Calls led by TwiML of every kind, on virtual time, by a web application that answers as told."""

import asyncio
import io
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from support.speech import serving
from support.virtual_time import virtually
from twilio.request_validator import RequestValidator

from telebridge.audio import wav
from telebridge.audio.tones import sine
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.caller.voices import speech
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.resources.parameters import CallUpdate, read_create
from telebridge.simulator.setup.options import AUTH_TOKEN, SimulatorOptions

HUNG_UP = "<Response><Hangup/></Response>"


class Application:
    """Answers each path with a document, and keeps what it was asked."""

    def __init__(self, **documents):
        self.documents = documents
        self.asked = []
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self.answer)

    async def answer(self, request):
        fields = dict(await request.post()) if request.method == "POST" else dict(request.query)
        signed = dict(parse_qsl(await request.text(), keep_blank_values=True)) if request.method == "POST" else {}
        good = RequestValidator(AUTH_TOKEN).validate(str(request.url), signed, request.headers["X-Twilio-Signature"])
        self.asked.append((request.match_info["path"], fields, good))
        document = self.documents.get(request.match_info["path"], HUNG_UP)
        if isinstance(document, bytes):
            return web.Response(body=document, content_type="audio/wav")
        if isinstance(document, int):
            return web.Response(status=document)
        return web.Response(text=document, content_type="text/xml")

    def paths(self):
        return [path for path, _, _ in self.asked]

    def fields(self, path):
        return [fields for asked, fields, _ in self.asked if asked == path]


async def called_in(documents, script="listen 60s", **options):
    """Somebody calls the application; gives the finished call and the application."""
    application = Application(**documents)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions(**options))
        placed = simulator.place_inbound_call(f"{url}/voice", parse_script(script), status_callback=f"{url}/status")
        await placed.finished
        await simulator.aclose()
    assert all(good for _, _, good in application.asked), "every request is signed as Twilio signs"
    return placed, application


async def rung(documents, script, **order):
    """The application rings somebody; gives the call's record and the application."""
    application = Application(**documents)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions(anybody=parse_script(script), calls_per_second=1000))
        raw = {"To": ["+15550001111"], "From": ["+15550002222"], "Url": [f"{url}/voice"]}
        raw |= {
            "StatusCallback": [f"{url}/status"],
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        }
        raw |= {name: [value.replace("URL", url)] for name, value in order.items()}
        record = simulator.create(read_create(raw))
        await simulator.find(record.sid).finished
        await simulator.aclose()
    return record, application


def heard(placed):
    return b"".join(stretch.audio for stretch in placed.recording.heard)


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


def wav_bytes(mulaw):
    file = io.BytesIO()
    wav.write(file, mulaw)
    return file.getvalue()


@virtually
async def test_keys_are_gathered_and_the_first_stops_the_prompt():
    gather = (
        "<Response><Gather action='/digits' numDigits='3'><Say>Please enter three digits now.</Say></Gather></Response>"
    )
    placed, application = await called_in({"voice": gather}, "wait 200ms; press 123; listen 60s")
    [fields] = application.fields("digits")
    assert fields["Digits"] == "123"
    assert len(heard(placed)) < 8000, "cut by the first key"


@virtually
async def test_a_gather_without_keys_falls_through():
    gather = "<Response><Gather action='/digits' timeout='3'/><Redirect>/after</Redirect></Response>"
    _, application = await called_in({"voice": gather})
    assert application.paths() == ["voice", "after", "status"]


@virtually
async def test_a_finishing_key_ends_a_gather():
    gather = "<Response><Gather action='/digits'/></Response>"
    _, application = await called_in({"voice": gather}, "listen 1s; press 12#; listen 60s")
    [fields] = application.fields("digits")
    assert (fields["Digits"], fields["FinishedOnKey"]) == ("12", "#")


@pytest.mark.parametrize(
    ("callee", "status"), [("ring 2s; speak 1s; hang up", "completed"), ("busy", "busy"), ("no answer", "no-answer")]
)
@virtually
async def test_a_call_is_put_through(callee, status):
    dial = "<Response><Dial action='/dialled' timeout='20'>+15559990000</Dial></Response>"
    placed, application = await called_in({"voice": dial}, callers={"+15559990000": parse_script(callee)})
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
    placed, application = await called_in(documents, callers={number: desk})
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
    placed, application = await called_in(documents, callers={"+15559990000": parse_script(desk)})
    assert application.fields("dialled")[0]["DialCallStatus"] == "no-answer"
    assert not heard(placed)


@pytest.mark.parametrize(
    ("caller", "desk", "status"),
    [
        ("listen 3s; hang up", "ring 10s", "canceled"),
        ("listen 9s; hang up", "ring 2s; speak 60s", "completed"),
    ],
)
@virtually
async def test_a_caller_who_hangs_up_while_dialling_is_reported_to_the_action(caller, desk, status):
    documents = {"voice": dialled("+15559990000"), "dialled": "<Response><Say>Nobody hears this.</Say></Response>"}
    placed, application = await called_in(documents, caller, callers={"+15559990000": parse_script(desk)})
    [fields] = application.fields("dialled")
    assert (fields["CallStatus"], fields["DialCallStatus"]) == ("completed", status)
    assert placed.record.status.value == "completed"


@virtually
async def test_a_refused_call_is_never_answered():
    placed, application = await called_in({"voice": "<Response><Reject reason='busy'/></Response>"})
    assert placed.record.status.value == "busy"
    assert placed.record.duration_seconds == 0
    assert application.fields("status")[0]["CallStatus"] == "busy"


@virtually
async def test_a_document_that_fails_is_replaced_by_the_fallback():
    fallback = {"voice": 500, "fallback": "<Response><Say>Sorry.</Say></Response>"}
    record, application = await rung(fallback, "listen 60s", FallbackUrl="URL/fallback")
    assert record.status.value == "completed"
    [fields] = application.fields("fallback")
    assert fields["ErrorCode"] == "11200"


@virtually
async def test_a_calls_steps_are_reported_in_order_with_numbers():
    record, application = await rung({"voice": "<Response><Pause length='49'/></Response>"}, "ring 2s; listen 60s")
    reports = application.fields("status")
    assert [report["CallStatus"] for report in reports] == ["initiated", "ringing", "in-progress", "completed"]
    assert [report["SequenceNumber"] for report in reports] == ["0", "1", "2", "3"]
    assert (reports[-1]["CallDuration"], reports[-1]["Duration"]) == ("49", "1")
    assert reports[-1]["CallbackSource"] == "call-progress-events"
    assert record.duration_seconds == 49


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [("busy after 2s", "busy", "486"), ("no answer", "no-answer", "487"), ("fail 603", "failed", "603")],
)
@virtually
async def test_a_call_that_is_not_answered_ends_with_its_code_and_asks_for_nothing(script, status, code):
    record, application = await rung({}, script)
    assert record.status.value == status
    assert "voice" not in application.paths()
    last = application.fields("status")[-1]
    assert (last["CallStatus"], last["SipResponseCode"]) == (status, code)


@virtually
async def test_detection_goes_before_the_document_or_beside_it():
    document = {"voice": "<Response><Pause length='20'/></Response>"}
    before, application = await rung(document, "machine after 4s; listen 60s", MachineDetection="Enable")
    assert application.fields("voice")[0]["AnsweredBy"] == "machine_start"
    assert before.answered_by == "machine_start"
    beside, application = await rung(
        document,
        "machine after 4s; listen 60s",
        MachineDetection="DetectMessageEnd",
        AsyncAmd="true",
        AsyncAmdStatusCallback="URL/amd",
    )
    assert "AnsweredBy" not in application.fields("voice")[0]
    [verdict] = application.fields("amd")
    assert (verdict["AnsweredBy"], verdict["MachineDetectionDuration"]) == ("machine_end_beep", "4000")
    assert beside.answered_by == "machine_end_beep"


@virtually
async def test_a_live_call_is_led_elsewhere_or_ended_by_the_api():
    application = Application(
        voice="<Response><Pause length='600'/></Response>", other="<Response><Pause length='600'/></Response>"
    )
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions())
        placed = simulator.place_inbound_call(f"{url}/voice", parse_script("listen 900s"))
        await asyncio.sleep(5)
        simulator.update(placed.record.sid, CallUpdate(url=f"{url}/other"))
        await asyncio.sleep(5)
        assert application.paths() == ["voice", "other"]
        simulator.update(placed.record.sid, CallUpdate(twiml="<Response><Pause length='2'/></Response>"))
        await asyncio.sleep(1)
        assert not placed.finished.done()
        simulator.update(placed.record.sid, CallUpdate(status="completed"))
        await placed.finished
        await simulator.aclose()
    assert placed.record.duration_seconds == 11
    assert [event.detail for event in placed.recording.of_kind(EventKind.HUNG_UP)] == ["bridge"]


@virtually
async def test_a_call_ends_at_its_time_limit():
    record, _ = await rung({"voice": "<Response><Pause length='600'/></Response>"}, "listen 900s", TimeLimit="60")
    assert record.duration_seconds == 60


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
