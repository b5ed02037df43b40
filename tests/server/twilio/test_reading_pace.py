"""A stream may catch up with ten seconds at once, and is then read at ten times the pace of a call."""

from hypothesis import given
from hypothesis import strategies as st

from telebridge.server.twilio.reading_pace import BURST_UNITS, TURN_UNITS, UNITS_A_SECOND, ReadingPace


def wait(pace, units, now):
    pace.left = TURN_UNITS - units
    return pace.wait_seconds(now=now)


def test_a_call_never_waits():
    pace = ReadingPace(now=0.0)
    assert not any(wait(pace, TURN_UNITS, n * TURN_UNITS * 0.02) for n in range(10_000))


def test_what_was_held_up_for_ten_seconds_is_read_without_waiting():
    pace = ReadingPace(now=0.0)
    turns = BURST_UNITS // TURN_UNITS
    assert [wait(pace, TURN_UNITS, 60.0) for _ in range(turns)] == [0.0] * turns
    assert wait(pace, TURN_UNITS, 60.0) > 0


@given(st.lists(st.tuples(st.integers(1, 100), st.floats(0, 5)), max_size=50))
def test_no_stream_is_read_faster_than_its_pace(steps):
    pace, now, read = ReadingPace(now=0.0), 0.0, 0
    for units, idle in steps:
        now += idle
        read += units
        now += wait(pace, units, now)
        assert read <= BURST_UNITS + now * UNITS_A_SECOND + 1e-6


@given(st.lists(st.tuples(st.integers(1, 100), st.floats(0, 5)), max_size=50))
def test_what_comes_slowly_never_waits(steps):
    pace, now = ReadingPace(now=0.0), 0.0
    for units, idle in steps:
        now += idle
        pace.left = TURN_UNITS - units
        slow = pace.is_slow(now=now)
        seconds = pace.wait_seconds(now=now)
        assert not (slow and seconds)
        now += seconds
