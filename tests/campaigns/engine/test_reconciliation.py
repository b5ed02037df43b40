"""Twilio's list of calls, read for one intent."""

import pytest

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.reconciliation import (
    Adopt,
    GiveUp,
    ListedCall,
    LookAgain,
    next_look,
    reconcile,
)

LEASED = 1_030_000
INTENT = Attempt("a1", "c1", 7, 1, "+1", "AC1", "+2", "w1", 1_000_000, LEASED, LEASED)


def read(*created, bound=(), after=0):
    listed = [ListedCall(f"CA{number}", at) for number, at in enumerate(created)]
    return reconcile(INTENT, listed, bound, now=LEASED + after)


@pytest.mark.parametrize("created", [998_000, 1_000_000, 1_030_000, 1_035_000])
def test_a_call_of_the_time_is_adopted(created):
    assert read(created) == Adopt("CA0")


@pytest.mark.parametrize("created", [997_000, 698_000, 1_036_000, 1_335_000])
def test_a_call_of_a_clock_that_is_some_minutes_off_is_adopted(created):
    assert read(created) == Adopt("CA0")


def test_of_calls_beside_the_time_the_nearest_is_adopted_and_none_is_cancelled():
    assert read(990_000, 996_000, 1_100_000) == Adopt("CA1")
    assert read(900_000, 1_040_000) == Adopt("CA1")
    assert read(996_000, 1_010_000, 1_040_000) == Adopt("CA1")


@pytest.mark.parametrize("created", [697_000, 1_336_000])
def test_a_call_of_another_time_is_not(created):
    assert read(created) == LookAgain()


def test_a_call_of_another_attempt_is_not():
    assert read(1_000_000, bound={"CA0"}) == LookAgain()
    assert read(1_000_000, 1_005_000, bound={"CA0"}) == Adopt("CA1")


def test_of_several_the_first_is_adopted_and_the_others_cancelled():
    assert read(1_005_000, 1_001_000, 1_009_000) == Adopt("CA1", ("CA0", "CA2"))


def test_only_an_empty_list_after_two_minutes_says_that_there_was_no_call():
    assert read(after=119_999) == LookAgain()
    assert read(after=120_000) == GiveUp()
    assert read(1_010_000, after=500_000) == Adopt("CA0")


def test_looks_come_further_and_further_apart_and_none_is_left_out_at_the_end():
    assert [
        next_look(INTENT, now=LEASED + after) - LEASED for after in (0, 16_000, 50_000, 100_000, 120_000, 300_000)
    ] == [
        15_000,
        45_000,
        90_000,
        120_000,
        150_000,
        330_000,
    ]
