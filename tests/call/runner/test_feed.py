"""Events are numbered, kept for those who come back, and never wait for anybody."""

import json

from hypothesis import given
from hypothesis import strategies as st
from support.faults import fault

from telebridge.call.runner.feed import CallFeed, FeedEvent, Watch


def nothing():
    return None


def ids(watcher):
    return [event.id for event in watcher.take()]


def publish(feed, count, kind="call-started", call_sid="CA1"):
    for number in range(count):
        feed.publish(kind, call_sid, {"n": number})


def test_an_event_is_written_as_the_standard_says():
    event = FeedEvent(7, "call-started", "CA1", {"text": "two\nlines"})
    number, kind, data, *end = event.as_text().decode().split("\n")
    assert (number, kind, end) == ("id: 7", "event: call-started", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == {"call_sid": "CA1", "text": "two\nlines"}


def test_a_watcher_is_woken_and_takes_each_event_once():
    feed, woken = CallFeed(first_id=5), []
    watcher = feed.watch(Watch(), lambda: woken.append(True))
    publish(feed, 2)
    assert woken == [True, True]
    assert ids(watcher) == [5, 6]
    assert ids(watcher) == []


def test_a_watcher_sees_the_call_and_the_kinds_it_wants():
    feed = CallFeed()
    of_call = feed.watch(Watch("CA1"), nothing)
    of_kind = feed.watch(Watch(kinds=frozenset({"call-ended"})), nothing)
    feed.publish("call-started", "CA1", {})
    feed.publish("call-started", "CA2", {})
    feed.publish("call-ended", "CA2", {})
    assert ids(of_call) == [1]
    assert ids(of_kind) == [3]


def test_who_comes_back_goes_on_after_the_last_event_seen():
    feed = CallFeed()
    publish(feed, 5)
    assert ids(feed.watch(Watch(), nothing, after=3)) == [4, 5]
    assert ids(feed.watch(Watch(), nothing, after=5)) == []


@fault(
    "A reader of the live events comes back after more events than are kept.",
    caller="Nothing.",
    operator="An event `gap` before the others.",
    kept="The truth: no reader takes a gap for a quiet time.",
)
def test_who_comes_back_too_late_is_told_of_the_gap_first():
    feed = CallFeed(kept=3)
    publish(feed, 10)
    assert ids(feed.watch(Watch(), nothing, after=7)) == [8, 9, 10]
    late = feed.watch(Watch(), nothing, after=6).take()
    assert [(event.id, event.kind) for event in late] == [
        (None, "gap"),
        (8, "call-started"),
        (9, "call-started"),
        (10, "call-started"),
    ]


def test_an_id_of_a_process_before_or_of_none_is_a_gap():
    feed = CallFeed(first_id=1000)
    assert [event.kind for event in feed.watch(Watch(), nothing, after=12).take()] == ["gap"]
    assert [event.kind for event in feed.watch(Watch(), nothing, after=1000).take()] == ["gap"]
    assert feed.watch(Watch(), nothing, after=999).take() == []


def test_a_gap_is_told_whatever_kinds_are_wanted():
    feed = CallFeed(kept=1)
    publish(feed, 3)
    watcher = feed.watch(Watch(kinds=frozenset({"call-ended"})), nothing, after=1)
    assert [event.kind for event in watcher.take()] == ["gap"]


@fault(
    "A reader of the live events is slower than the calls.",
    caller="The call, as usual.",
    operator="A last event `overrun`; the reader comes back with `Last-Event-ID`.",
    kept="The memory of the process, and the other readers.",
)
def test_who_reads_too_slowly_is_cut_off_with_a_last_event():
    feed = CallFeed(limit=3)
    slow, quick = feed.watch(Watch(), nothing), feed.watch(Watch(), nothing)
    for _ in range(10):
        publish(feed, 1)
        quick.take()
    assert slow.over
    assert [event.kind for event in slow.take()] == ["call-started"] * 3 + ["overrun"]
    assert not quick.over
    assert len(feed) == 1


def test_closing_ends_every_watcher_and_wakes_it():
    feed, woken = CallFeed(), []
    watcher = feed.watch(Watch(), lambda: woken.append(True))
    feed.close()
    assert watcher.over
    assert woken == [True]


def test_who_left_is_told_nothing_more():
    feed = CallFeed()
    watcher = feed.watch(Watch(), nothing)
    feed.leave(watcher)
    publish(feed, 1)
    assert watcher.take() == []


@given(st.integers(1, 40), st.integers(1, 10), st.integers(0, 45))
def test_resuming_gives_every_later_event_or_a_gap(published, kept, after):
    feed = CallFeed(kept=kept)
    publish(feed, published)
    events = feed.watch(Watch(), nothing, after=after).take()
    later = list(range(after + 1, published + 1))
    if events and events[0].kind == "gap":
        assert later[:1] != [max(1, published - kept + 1)]
        assert [event.id for event in events[1:]] == list(range(max(1, published - kept + 1), published + 1))
    else:
        assert [event.id for event in events] == later
