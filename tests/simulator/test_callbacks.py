"""Callbacks come in order and with numbers, or as a fault wants."""

from support.twiml_application import outbound_call
from support.virtual_time import virtually


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
