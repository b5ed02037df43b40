"""How many calls may be placed now."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.engine.pacing import (
    TOLERANCE_MS,
    Backoff,
    Granted,
    Pacing,
    grant,
    rate_limited_until,
    room,
    wait_out_queue,
)


def test_calls_come_at_their_rate_with_a_little_patience_for_ticks():
    assert grant(0.0, 20.0, wanted=9, now=1000.0) == Granted(3, 1150.0)
    assert grant(1150.0, 20.0, wanted=9, now=1049.0) == Granted(0, 1150.0)
    assert grant(1150.0, 20.0, wanted=9, now=1100.0) == Granted(2, 1250.0)
    assert grant(1150.0, 1.0, wanted=9, now=5000.0) == Granted(1, 6000.0)


def test_what_is_not_wanted_is_not_granted():
    assert grant(0.0, 20.0, wanted=0, now=1000.0).calls == 0
    assert grant(0.0, 20.0, wanted=-4, now=1000.0).calls == 0
    assert grant(0.0, 20.0, wanted=2, now=1000.0) == Granted(2, 1100.0)


@given(
    st.floats(0.5, 200.0),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), min_size=1, max_size=60),
)
def test_in_any_second_there_are_never_more_calls_than_rate_and_tolerance_allow(rate, ticks):
    tat, now, starts = 0.0, 1_000_000, []
    for passed, wanted in ticks:
        now += passed
        granted = grant(tat, rate, wanted=wanted, now=now)
        tat = granted.tat
        starts += [now] * granted.calls
    most = rate * (1000 + TOLERANCE_MS) / 1000 + 1
    assert all(sum(first <= at < first + 1000 for at in starts) <= most for first in starts)


def test_room_counts_what_is_kept_for_callers():
    assert room(Pacing(1.0, 10, reserved=2), 3) == 5
    assert room(Pacing(1.0, 10, reserved=2), 30) == 0


def test_the_back_off_doubles_in_a_row_and_is_forgotten_after_a_while():
    first = Backoff().longer(jitter=1.0, now=1_000_000)
    assert first == Backoff(1_001_000, 1)
    assert first.longer(jitter=1.0, now=1_000_500) == first
    assert first.longer(jitter=1.0, now=1_001_000) == Backoff(1_003_000, 2)
    assert first.longer(jitter=0.0, now=1_001_000) == Backoff(1_002_000, 2)
    assert first.longer(jitter=1.0, now=1_002_900) == Backoff(1_004_900, 2)
    assert first.longer(jitter=1.0, now=1_003_000) == Backoff(1_004_000, 1)
    assert Backoff(1_000_000, 40).longer(jitter=1.0, now=1_000_000).until == 1_060_000


@pytest.mark.parametrize(("ahead_ms", "calls"), [(0, 1), (1000, 0), (61_000, 0), (61_200, 1), (86_400_000, 1)])
def test_a_time_that_a_wrong_clock_wrote_holds_nobody_back(ahead_ms, calls):
    assert grant(5000.0 + ahead_ms, 1.0, wanted=1, now=5000.0).calls == calls


def test_a_back_off_that_a_wrong_clock_wrote_is_over():
    ahead = Backoff(86_400_000, 3)
    assert not ahead.holds(now=1000)
    assert ahead.longer(jitter=1.0, now=1000) == Backoff(2000, 1)
    assert Backoff(60_000, 9).holds(now=0)
    assert not Backoff(1000, 1).holds(now=1000)


def test_a_queue_at_twilio_is_waited_out_once_however_many_answers_tell_of_it():
    tat = wait_out_queue(1000.0, queue_ms=5000, now=1000.0)
    assert tat == 6000.0
    assert wait_out_queue(tat, queue_ms=4990, now=1010.0) == 6000.0
    assert wait_out_queue(1000.0, queue_ms=200, now=1000.0) == 1000.0
    assert wait_out_queue(1000.0, queue_ms=3_600_000, now=1000.0) == 61_000.0


@pytest.mark.parametrize(
    ("backoff", "tat", "until"),
    [
        (Backoff(), 0.0, None),
        (Backoff(), 1_001_100.0, None),
        (Backoff(), 1_009_000.0, 1_009_000),
        (Backoff(1_003_000, 1), 1_000_500.0, 1_003_000),
        (Backoff(1_003_000, 1), 1_009_000.0, 1_009_000),
        (Backoff(999_999, 1), 0.0, None),
        (Backoff(90_000_000, 1), 90_000_000.0, None),  # by a clock that ran ahead
    ],
)
def test_the_rate_limit_is_told_only_while_it_holds(backoff, tat, until):
    assert rate_limited_until(Pacing(1.0, 10), backoff, tat, now=1_000_000) == until
