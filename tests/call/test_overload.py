"""Whether a process has room for another call, decided without an event loop."""

import itertools
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.call.overload import (
    AVERAGED_SECONDS,
    BEGINNING_AT_LEAST_SECONDS,
    CALLS_PER_CORE,
    CONNECTING_SECONDS,
    FEWEST_CALLS,
    LATE_ONES,
    SETTLING_SECONDS,
    TRANSITIONS,
    UNMEASURED,
    LoadState,
    Overload,
    OverloadBegan,
    OverloadEnded,
    OverloadLimits,
    Reading,
)
from telebridge.settings.sections import ServerSettings

TICK = 0.025


def told(overload, readings, live=50, start=0.0):
    """The events of measurements, one for each tick, each a lag in milliseconds and a share of the core."""
    events = []
    for n, (lag_ms, share) in enumerate(readings):
        events += overload.measure(lag_ms=lag_ms, core_share=share, live=live, now=start + n * TICK)
    return events


def test_every_state_says_what_follows_from_every_reading():
    assert set(TRANSITIONS) == set(itertools.product(LoadState, Reading))


def test_one_callback_that_takes_long_is_no_overload():
    overload = Overload()
    assert told(overload, [(0, 0.3)] * 20 + [(900, 0.3)] * (LATE_ONES - 1) + [(0, 0.3)] * 40) == []
    assert not overload.refuses


def test_a_loop_that_stays_late_refuses_calls_within_a_tenth_of_a_second():
    overload = Overload()
    [began] = told(overload, [(0, 0.5)] * 20 + [(30, 0.5)] * LATE_ONES)
    assert began == OverloadBegan(lag_ms=30, core_share=0.5, expected_share=0.5, live=50)
    assert overload.refuses
    assert LATE_ONES * TICK <= 0.1


def test_calls_are_accepted_again_once_it_was_light_for_a_while_and_not_before():
    overload = Overload()
    told(overload, [(0, 0.9)])
    assert overload.refuses
    overload.call_refused()
    assert told(overload, [(0, 0.8)] * 400, start=1.0) == [], "below the limit, but not well below it"
    assert told(overload, [(0, 0.5)] * 39, start=20.0) == []
    assert told(overload, [(0, 0.8)], start=21.0) == [], "the wait begins again"
    [ended] = told(overload, [(0, 0.5)] * 60, start=22.0)
    assert ended == OverloadEnded(pytest.approx(23.0), refused=1)
    assert not overload.refuses


def test_a_machine_that_others_use_refuses_nobody_while_few_calls_are_live():
    overload = Overload()
    assert told(overload, [(500, 1.0)] * 100, live=FEWEST_CALLS - 1) == []


def test_calls_that_have_just_begun_count_before_they_are_measured():
    overload = Overload()
    told(overload, [(0, 0.4)], live=100)  # 0.4 % of the core for each
    begun = 0
    while not overload.refuses:
        overload.call_began(now=0.01)
        begun += 1
    assert begun == pytest.approx((OverloadLimits().core_share - 0.4) / 0.004, abs=1)


def test_a_call_is_expected_as_far_as_the_measurements_have_not_seen_it():
    """A call costs nothing until its stream is there, then 1 % of the core; the share is that of the last second."""
    overload, cost = Overload(), 0.01
    told(overload, [(0, 0.4)], live=40)
    overload.call_began(now=0.0)
    for tick in range(1, int(SETTLING_SECONDS / TICK) + 2):
        now = tick * TICK
        seen = min(AVERAGED_SECONDS, max(0.0, now - CONNECTING_SECONDS)) / AVERAGED_SECONDS
        overload.measure(lag_ms=0, core_share=0.4 + seen * cost, live=41, now=now)
        assert overload.expected_share(now=now) == pytest.approx(0.4 + cost, abs=0.0005)


@pytest.mark.parametrize("per_second", [5, 10, 25])
@pytest.mark.parametrize(("cost", "beginning", "accepted_all_at"), [(0.007, 2.5, 110), (0.0019, 2.5, 440)])
def test_what_the_beginning_of_calls_costs_refuses_none_that_have_room(per_second, cost, beginning, accepted_all_at):
    """A call costs so much of the core, and in its first second as much as so many seconds of it more."""
    overload, began = Overload(), []
    shares = deque([0.0], maxlen=int(AVERAGED_SECONDS / TICK))
    for tick in range(int(30 / TICK)):
        now = tick * TICK
        streaming = [now - one - CONNECTING_SECONDS for one in began if one + CONNECTING_SECONDS <= now]
        shares.append(sum(cost * (1.0 + beginning * (since <= 1.0)) for since in streaming))
        overload.measure(lag_ms=0.0, core_share=sum(shares) / len(shares), live=len(began), now=now)
        if tick % max(1, int(1 / TICK / per_second)) == 0 and len(began) < accepted_all_at:
            assert not overload.refuses, f"{len(began)} live"
            overload.call_began(now=now)
            began.append(now)


@pytest.mark.slow
@given(
    cost=st.floats(0.0005, UNMEASURED * OverloadLimits().core_share / CALLS_PER_CORE),
    per_second=st.integers(1, 200),
    lives=st.integers(10, 60),
)
def test_up_to_what_a_call_is_taken_to_cost_the_core_is_never_filled_however_fast_calls_come(cost, per_second, lives):
    """Calls cost what they cost once they are connected, begin at the least cost of it, and last `lives` seconds."""
    overload, ends, seen = Overload(), [], []
    shares = deque([0.0], maxlen=int(AVERAGED_SECONDS / TICK))
    for tick in range(int(15 / TICK)):
        now = tick * TICK
        ends = [end for end in ends if end > now]
        seen = [one for one in seen if one[1] > now]
        streaming = [now - began - CONNECTING_SECONDS for began, _ in seen if began + CONNECTING_SECONDS <= now]
        assert cost * len(streaming) <= max(1.0, FEWEST_CALLS * cost), "those that were accepted get what they need"
        beginning = sum(BEGINNING_AT_LEAST_SECONDS for since in streaming if since <= 1.0)
        shares.append(cost * (len(streaming) + beginning))
        overload.measure(lag_ms=0.0, core_share=sum(shares) / len(shares), live=len(ends), now=now)
        for _ in range(per_second * tick // 40 - per_second * (tick - 1) // 40):
            if not overload.refuses:
                overload.call_began(now=now)
                ends.append(now + lives)
                seen.append((now, now + lives))


def test_the_usual_bound_on_calls_is_what_a_core_holds_by_the_usual_cost():
    microseconds = OverloadLimits().core_share * 1e6 / CALLS_PER_CORE / 50
    assert microseconds == pytest.approx(38, abs=3)


def test_settings_have_the_same_bounds_by_default():
    server = ServerSettings()
    assert server.max_calls == CALLS_PER_CORE
    assert OverloadLimits(server.overload_lag_ms, server.overload_core_share) == OverloadLimits()
