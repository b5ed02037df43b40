"""How long a campaign takes and what it costs, by its windows and its rate."""

from datetime import UTC, datetime, timedelta

import pytest
from support.lanes import LAW, MONDAY_NOON, lane

from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.reporting.estimate import Speed, estimated
from telebridge.timing.epoch import epoch_ms

HAWAII = Lane(("Pacific/Honolulu",), "US-HI")
SPEED = Speed(calls_per_second=1.0, max_live=1000, answer_rate=0.5, call_seconds=70, ring_seconds=25, max_attempts=2)


def test_an_open_lane_is_called_at_the_rate():
    told = estimated([(lane(), 600)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert told.first_round_over == MONDAY_NOON + timedelta(seconds=600)
    assert (told.open_now, told.never_open) == (600, 0)


def test_who_is_called_later_waits_for_the_window_to_open():
    told = estimated([(lane(), 100), (lane(HAWAII), 900)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert told.first_round_over == datetime(2026, 3, 2, 19, 15, tzinfo=UTC)
    assert told.open_now == 100


def test_what_does_not_fit_into_a_window_goes_on_in_the_next():
    told = estimated([(lane(), 3600 + 60)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert told.first_round_over == datetime(2026, 3, 9, 13, 1, tzinfo=UTC)


def test_live_calls_bound_the_rate_when_calls_are_long():
    few = Speed(10.0, max_live=5, answer_rate=1.0, call_seconds=50, ring_seconds=25, max_attempts=1)
    assert few.sustained == 0.1


def test_retries_and_begun_minutes_are_paid_for():
    priced = Speed(1.0, 1000, 0.5, 70, 25, 2, price_per_call=0.01, price_per_minute=0.02)
    told = estimated([(lane(), 100)], LAW, priced, wallclock=MONDAY_NOON)
    assert (told.calls, told.minutes) == (150, 150)
    assert told.cost == pytest.approx(150 * 0.01 + 150 * 0.02)


def test_who_may_never_be_called_is_not_counted():
    told = estimated([(lane(hours={}, campaign_id="never"), 7)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert (told.never_open, told.open_now, told.calls) == (7, 0, 0)


def test_more_than_fits_into_two_months_is_not_over_then():
    assert estimated([(lane(), 10_000_000)], LAW, SPEED, wallclock=MONDAY_NOON).first_round_over is None


def test_nobody_answering_takes_every_attempt():
    assert Speed(1.0, 1, 0.0, 1, 1, max_attempts=3).attempts == 3


def test_nobody_is_called_before_the_start():
    opening = MONDAY_NOON + timedelta(minutes=30)
    told = estimated([(lane(start_at=epoch_ms(opening)), 600)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert (told.open_now, told.first_round_over) == (0, opening + timedelta(seconds=600))


def test_a_start_that_is_weeks_away_is_waited_for():
    start = MONDAY_NOON + timedelta(days=28)
    told = estimated([(lane(start_at=epoch_ms(start)), 60)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert (told.never_open, told.first_round_over) == (0, start - timedelta(hours=4) + timedelta(days=7, seconds=60))


def test_who_is_not_reached_before_the_end_is_counted_and_costs_nothing():
    end = MONDAY_NOON + timedelta(minutes=5)
    told = estimated([(lane(end_at=epoch_ms(end)), 600)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert (told.left_over, told.first_round_over, told.calls) == (300, None, 450)


def test_who_has_no_hours_before_the_end_is_never_called():
    end = MONDAY_NOON + timedelta(minutes=5)
    told = estimated([(lane(HAWAII, end_at=epoch_ms(end)), 7)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert (told.never_open, told.left_over, told.first_round_over) == (7, 0, MONDAY_NOON)


def test_numbers_make_only_their_calls_of_the_day():
    capped = Speed(1.0, 1000, 0.5, 70, 25, 2, calls_per_day=100)
    told = estimated([(lane(), 250)], LAW, capped, wallclock=MONDAY_NOON)
    assert told.first_round_over == datetime(2026, 3, 16, 13, 0, 50, tzinfo=UTC)


def test_a_window_of_minutes_is_counted_in_seconds():
    short = lane(window="12:01-12:14")
    told = estimated([(short, 1000)], LAW, SPEED, wallclock=MONDAY_NOON)
    assert told.first_round_over == datetime(2026, 3, 9, 16, 1, tzinfo=UTC) + timedelta(seconds=1000 - 780)
