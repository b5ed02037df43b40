"""Calls from ringing to their final status, on virtual time."""

import asyncio

import pytest
from support.speech import serving
from support.twiml_application import Application, inbound_call, outbound_call
from support.virtual_time import virtually

from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.resources.parameters import CallUpdate
from telebridge.simulator.setup.options import SimulatorOptions


def dialled(noun):
    return f"<Response><Dial action='/dialled' timeout='20'>{noun}</Dial></Response>"


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
    placed, application = await inbound_call(documents, caller, callers={"+15559990000": parse_script(desk)})
    [fields] = application.fields("dialled")
    assert (fields["CallStatus"], fields["DialCallStatus"]) == ("completed", status)
    assert placed.record.status.value == "completed"


@virtually
async def test_a_refused_call_is_never_answered():
    placed, application = await inbound_call({"voice": "<Response><Reject reason='busy'/></Response>"})
    assert placed.record.status.value == "busy"
    assert placed.record.duration_seconds == 0
    assert application.fields("status")[0]["CallStatus"] == "busy"


@virtually
async def test_a_document_that_fails_is_replaced_by_the_fallback():
    fallback = {"voice": 500, "fallback": "<Response><Say>Sorry.</Say></Response>"}
    record, application = await outbound_call(fallback, "listen 60s", FallbackUrl="URL/fallback")
    assert record.status.value == "completed"
    [fields] = application.fields("fallback")
    assert fields["ErrorCode"] == "11200"


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [("busy after 2s", "busy", "486"), ("no answer", "no-answer", "487"), ("fail 603", "failed", "603")],
)
@virtually
async def test_a_call_that_is_not_answered_ends_with_its_code_and_asks_for_nothing(script, status, code):
    record, application = await outbound_call({}, script)
    assert record.status.value == status
    assert "voice" not in application.paths()
    last = application.fields("status")[-1]
    assert (last["CallStatus"], last["SipResponseCode"]) == (status, code)


@virtually
async def test_detection_goes_before_the_document_or_beside_it():
    document = {"voice": "<Response><Pause length='20'/></Response>"}
    before, application = await outbound_call(document, "machine after 4s; listen 60s", MachineDetection="Enable")
    assert application.fields("voice")[0]["AnsweredBy"] == "machine_start"
    assert before.answered_by == "machine_start"
    beside, application = await outbound_call(
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
    record, _ = await outbound_call(
        {"voice": "<Response><Pause length='600'/></Response>"}, "listen 900s", TimeLimit="60"
    )
    assert record.duration_seconds == 60
