"""Outbound calls are dialed at their rate, and the list of calls is paged and filtered as Twilio's."""

from datetime import UTC, datetime, timedelta

import pytest

from telebridge.simulator.resources.call import CallResource
from telebridge.simulator.resources.calls import LONGEST_WAIT_SECONDS, CallBook, DialQueue
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.twilio.calls import CallStatus

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def book(count):
    calls = CallBook("AC1")
    for number in range(count):
        at = AT + timedelta(hours=number)
        resource = CallResource(f"CA{number}", "AC1", f"+1555000{number:04}", "+15550002222", "outbound-api", at)
        resource.move(CallStatus.INITIATED, at=at)
        calls.add(resource)
    return calls


def sids(page):
    return [call["sid"] for call in page["calls"]]


def test_calls_are_dialed_at_their_rate_in_their_order():
    queue = DialQueue(calls_per_second=2.0)
    assert [queue.add(sid, now=10.0) for sid in "abc"] == [0, 500, 1000]
    dialed = []
    while (deadline := queue.next_deadline()) is not None:
        dialed += [(deadline, sid) for sid in queue.handle_timeout(now=deadline)]
    assert dialed == [(10.0, "a"), (10.5, "b"), (11.0, "c")]


def test_nothing_is_dialed_before_its_time():
    queue = DialQueue(calls_per_second=1.0)
    queue.add("a", now=0.0)
    queue.add("b", now=0.0)
    assert queue.handle_timeout(now=0.0) == ["a"]
    assert queue.handle_timeout(now=0.9) == []


def test_a_call_that_is_canceled_leaves_the_queue():
    queue = DialQueue()
    queue.add("a", now=0.0)
    queue.remove("a")
    assert queue.next_deadline() is None


def test_a_call_that_waited_a_day_expires():
    queue = DialQueue()
    queue.add("a", now=0.0)
    queue.add("b", now=1.0)
    assert queue.expired(now=LONGEST_WAIT_SECONDS - 1) == []
    assert queue.expired(now=LONGEST_WAIT_SECONDS) == ["a"]


def test_pages_are_newest_first_and_stay_steady_while_calls_come_in():
    calls = book(5)
    first = calls.page({"PageSize": "2"})
    assert sids(first) == ["CA4", "CA3"]
    calls.add(CallResource("CA9", "AC1", "+15550009999", "+15550002222", "outbound-api", AT))
    token = first["next_page_uri"].partition("PageToken=")[2]
    assert sids(calls.page({"PageSize": "2", "Page": "1", "PageToken": token})) == ["CA2", "CA1"]


def test_the_last_page_has_no_next_one():
    assert book(2).page({"PageSize": "2"})["next_page_uri"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"To": "+15550000001"}, ["CA1"]),
        ({"Status": "queued"}, ["CA2", "CA1", "CA0"]),
        ({"Status": "busy"}, []),
        ({"StartTime>": "2026-03-02T16:00:00Z"}, ["CA2", "CA1"]),
        ({"StartTime<": "2026-03-02T16:00:00Z"}, ["CA1", "CA0"]),
        ({"StartTime": "2026-03-02"}, ["CA2", "CA1", "CA0"]),
        ({"EndTime<": "2026-03-09"}, []),
    ],
)
def test_the_list_is_filtered(query, found):
    assert sids(book(3).page(query)) == found


@pytest.mark.parametrize("query", [{"Status": "initiated"}, {"StartTime": "soon"}, {"PageSize": "0"}, {"Page": "-1"}])
def test_a_wrong_filter_is_refused(query):
    with pytest.raises(ApiProblem) as refused:
        book(1).page(query)
    assert (refused.value.status, refused.value.code) == (400, 20422)


def test_only_an_ended_call_is_deleted():
    calls = book(1)
    with pytest.raises(ApiProblem, match="20009"):
        calls.delete("CA0")
    calls.find("CA0").move(CallStatus.BUSY, at=AT)
    calls.delete("CA0")
    with pytest.raises(ApiProblem, match="20404"):
        calls.find("CA0")
