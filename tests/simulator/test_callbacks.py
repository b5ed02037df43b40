"""Callbacks come in order and with numbers, or as a fault wants."""

import pytest
from support.twiml_application import inbound_call, outbound_call
from support.virtual_time import virtually

from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.faults import CallbackFault, SimulatorFaults


@virtually
async def test_a_calls_steps_are_reported_in_order_with_numbers():
    record, application = await outbound_call(
        {"voice": "<Response><Pause length='49'/></Response>"}, "ring 2s; listen 60s"
    )
    reports = application.fields("status")
    assert [report["CallStatus"] for report in reports] == ["initiated", "ringing", "in-progress", "completed"]
    assert [report["SequenceNumber"] for report in reports] == ["0", "1", "2", "3"]
    assert (reports[-1]["CallDuration"], reports[-1]["Duration"]) == ("49", "1")
    assert reports[-1]["CallbackSource"] == "call-progress-events"
    assert record.duration_seconds == 49


FAULTS = {
    "lost": (CallbackFault("completed", lose=True), ["initiated", "ringing", "in-progress"]),
    "twice": (CallbackFault("ringing", copies=2), ["initiated", "ringing", "ringing", "in-progress", "completed"]),
    "late": (CallbackFault("ringing", delay_seconds=30), ["initiated", "in-progress", "completed", "ringing"]),
}


@pytest.mark.parametrize(("fault", "expected"), FAULTS.values(), ids=FAULTS)
@virtually
async def test_a_fault_loses_repeats_or_delays_a_callback(fault, expected):
    document = {"voice": "<Response><Pause length='5'/></Response>"}
    options = {"faults": SimulatorFaults(callbacks=(fault,))}
    _, application = await outbound_call(document, "ring 2s; listen 60s", options)
    assert [fields["CallStatus"] for fields in application.fields("status")] == expected


@virtually
async def test_a_callback_that_fails_is_recorded_and_nobody_waits_for_it():
    documents = {"voice": "<Response><Pause length='5'/></Response>", "status": 500}
    placed, _ = await inbound_call(documents)
    assert placed.record.duration_seconds == 5
    [event] = placed.recording.of_kind(EventKind.CALLBACK)
    assert event.detail.startswith("completed failed 11200: POST http://127.0.0.1:")
