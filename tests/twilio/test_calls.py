import itertools

import pytest

from telebridge.errors import RemoteProtocolError
from telebridge.twilio.calls import CallRequest, CallStatus, CallStatusReport, further_status

# Callbacks as captured: busy, and completed with machine detection.
BUSY = {
    "CallSid": "CA1", "CallStatus": "busy", "SipResponseCode": "486", "CallDuration": "0", "Duration": "0",
    "SequenceNumber": "2", "CallbackSource": "call-progress-events", "Timestamp": "Tue, 31 Aug 2010 20:36:28 +0000",
}  # fmt: skip
COMPLETED = {
    "CallSid": "CA1", "CallStatus": "completed", "CallDuration": "49", "Duration": "1", "SequenceNumber": "3",
    "AnsweredBy": "human",
}  # fmt: skip


def test_a_busy_call_is_reported_with_the_networks_answer():
    report = CallStatusReport.parse(BUSY)
    assert report == CallStatusReport("CA1", CallStatus.BUSY, sequence=2, duration_seconds=0, sip_code=486)
    assert report.status.is_final


def test_the_duration_is_in_seconds_and_not_twilios_minutes():
    report = CallStatusReport.parse(COMPLETED)
    assert (report.duration_seconds, report.answered_by) == (49, "human")


def test_numbers_that_are_none_are_left_out():
    report = CallStatusReport.parse({**COMPLETED, "SequenceNumber": "", "CallDuration": "soon"})
    assert (report.sequence, report.duration_seconds) == (None, None)


@pytest.mark.parametrize(
    "form", [{}, {"CallSid": "CA1"}, {"CallSid": "CA1", "CallStatus": "gone"}, {"CallStatus": "busy"}]
)
def test_a_report_without_call_or_status_is_refused(form):
    with pytest.raises(RemoteProtocolError):
        CallStatusReport.parse(form)


def test_in_any_order_and_doubled_the_last_status_is_the_furthest():
    statuses = [CallStatus.INITIATED, CallStatus.RINGING, CallStatus.IN_PROGRESS, CallStatus.COMPLETED]
    for order in itertools.permutations(statuses):
        status = None
        for reported in order:
            status = further_status(status, reported)
            assert further_status(status, reported) is status, "a report that comes again changes nothing"
        assert status is CallStatus.COMPLETED


def test_a_final_status_is_never_left_for_another():
    assert further_status(CallStatus.RINGING, CallStatus.NO_ANSWER) is CallStatus.NO_ANSWER
    assert further_status(CallStatus.NO_ANSWER, CallStatus.COMPLETED) is CallStatus.NO_ANSWER


def test_a_request_tells_only_what_was_asked_for():
    assert CallRequest("+15550001111", "+15550002222", "https://example.com/voice").parameters() == {
        "to": "+15550001111",
        "from_": "+15550002222",
        "url": "https://example.com/voice",
        "timeout": 60,
    }


def test_detection_beside_the_talk_is_asked_for_in_the_spelling_that_twilio_takes():
    request = CallRequest(
        "+15550001111", "+15550002222", "https://example.com/voice",
        status_callback="https://example.com/status", machine_detection="Enable", amd_callback="https://example.com/amd",
    )  # fmt: skip
    told = request.parameters()
    assert told["async_amd"] == "true"
    assert told["status_callback_event"] == ["initiated", "ringing", "answered", "completed"]
