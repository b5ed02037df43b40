"""Webhook requests have Twilio's fields, and the fragment of a URL sets their time-outs and retries."""

from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.simulator.http.webhook_fields import (
    SIP_CODES,
    ConnectionOverrides,
    call_fields,
    connection_overrides,
    first_inbound_fields,
    status_fields,
    stream_fields,
)
from telebridge.simulator.resources.call import CallResource
from telebridge.twilio.calls import CallStatus

AT = datetime(2026, 3, 2, 15, 0, 0, 123456, tzinfo=UTC)


def call(*statuses, seconds=0):
    resource = CallResource("CA1", "AC1", "+15550001111", "+4930123456", "outbound-api", AT)
    for number, status in enumerate(statuses):
        resource.move(status, at=AT + timedelta(seconds=seconds if number == len(statuses) - 1 else 0))
    return resource


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://b.example/a", ConnectionOverrides("https://b.example/a")),
        (
            "https://b.example/a#ct=2000&rt=900&tt=5000&rc=3&rp=5xx,ct",
            ConnectionOverrides("https://b.example/a", 2000, 900, 5000, 3, frozenset({"5xx", "ct"})),
        ),
        ("https://b.example/a#ct=1&rc=9&tt=x", ConnectionOverrides("https://b.example/a")),
    ],
)
def test_the_fragment_sets_time_outs_and_retries(url, expected):
    assert connection_overrides(url) == expected


@pytest.mark.parametrize(
    ("policy", "failure", "retried"),
    [("ct", "ct", True), ("ct", "5xx", False), ("all", "5xx", True), ("4xx,rt", "rt", True)],
)
def test_the_policy_decides_what_is_retried(policy, failure, retried):
    assert connection_overrides(f"https://b.example#rp={policy}").retries(failure) is retried


@given(st.text())
def test_any_fragment_gives_overrides_within_twilios_bounds(fragment):
    overrides = connection_overrides(f"https://b.example#{fragment}")
    assert 100 <= overrides.connect_ms <= 10_000
    assert 100 <= overrides.total_ms <= 15_000
    assert 0 <= overrides.max_retries <= 5


def test_every_field_is_text_and_empty_ones_are_sent():
    fields = call_fields(call(CallStatus.INITIATED))
    assert all(isinstance(value, str) for value in fields.values())
    assert (fields["ToCountry"], fields["FromCountry"], fields["ToCity"]) == ("US", "", "")
    assert fields["CallStatus"] == "initiated"


def test_the_token_of_an_inbound_call_is_encoded_twice():
    token = first_inbound_fields(call())["CallToken"]
    assert "{" not in token
    assert "parentCallInfoToken" in unquote(token)


def test_a_live_call_has_no_duration_and_an_ended_one_has_seconds_and_begun_minutes():
    live = call(CallStatus.INITIATED, CallStatus.RINGING, CallStatus.IN_PROGRESS)
    assert "CallDuration" not in status_fields(live, sequence_number=2, at=AT)
    live.move(CallStatus.COMPLETED, at=AT + timedelta(seconds=61))
    fields = status_fields(live, sequence_number=3, at=AT)
    assert (fields["CallDuration"], fields["Duration"], fields["SequenceNumber"]) == ("61", "2", "3")
    assert fields["Timestamp"] == "Mon, 02 Mar 2026 15:00:00 +0000"


def test_every_final_status_has_a_sip_code():
    assert set(SIP_CODES) == {status for status in CallStatus if status.is_final}


def test_a_stream_callback_has_an_error_only_when_there_is_one():
    fields = stream_fields(call(), stream_sid="MZ1", name="", event="stream-started", at=AT)
    assert (fields["StreamName"], fields["Timestamp"]) == ("MZ1", "2026-03-02T15:00:00.123456000Z")
    assert "StreamError" not in fields
    failed = stream_fields(call(), stream_sid="MZ1", name="", event="stream-error", at=AT, code=31901, error="gone")
    assert (failed["StreamErrorCode"], failed["StreamError"]) == ("31901", "gone")
