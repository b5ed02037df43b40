"""A call's status moves only forward, and its resource is what Twilio publishes."""

from datetime import UTC, datetime, timedelta

import pytest

from telebridge.errors import LocalProtocolError
from telebridge.simulator.resources.call import NEXT, CallResource, formatted, word_in_resource
from telebridge.twilio.calls import CallStatus

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def call():
    return CallResource("CA1", "AC1", "+15550001111", "+15550002222", "outbound-api", AT)


@pytest.mark.parametrize("before", CallStatus)
@pytest.mark.parametrize("after", CallStatus)
def test_every_move_is_in_the_table_or_refused(before, after):
    resource = call()
    resource.status = before
    if after in NEXT[before]:
        resource.move(after, at=AT)
        assert resource.status is after
    else:
        with pytest.raises(LocalProtocolError):
            resource.move(after, at=AT)


def test_a_final_status_is_never_left():
    assert all(bool(NEXT[status]) is not status.is_final for status in CallStatus)


def test_the_duration_counts_from_the_answer():
    resource = call()
    for seconds, status in enumerate((CallStatus.INITIATED, CallStatus.RINGING, CallStatus.IN_PROGRESS)):
        resource.move(status, at=AT + timedelta(seconds=seconds))
        assert resource.duration_seconds is None
    resource.move(CallStatus.COMPLETED, at=AT + timedelta(seconds=51))
    assert resource.duration_seconds == 49
    assert resource.as_json()["duration"] == "49"
    assert resource.as_json()["start_time"] == "Mon, 02 Mar 2026 15:00:02 +0000"


def test_a_call_that_was_never_answered_lasted_no_time_and_has_no_duration():
    resource = call()
    resource.move(CallStatus.INITIATED, at=AT)
    resource.move(CallStatus.BUSY, at=AT + timedelta(seconds=9))
    assert resource.duration_seconds == 0
    assert resource.as_json()["duration"] is None


def test_the_resource_says_queued_until_it_rings():
    words = {status: word_in_resource(status) for status in CallStatus}
    assert words[CallStatus.INITIATED] == words[CallStatus.QUEUED] == "queued"
    assert all(word == status.value for status, word in words.items() if status is not CallStatus.INITIATED)


@pytest.mark.parametrize(
    ("number", "written"),
    [("+15551230000", "(555) 123-0000"), ("+4930123456", "+4930123456"), ("client:ann", "client:ann")],
)
def test_north_american_numbers_are_formatted(number, written):
    assert formatted(number) == written
