"""Both legs of a call on one clock, as far as they cannot change any more."""

from telebridge.call.runner.call_recording import CallTracks

SILENCE = b"\xff"


def test_each_leg_lies_where_it_sounded():
    flight = CallTracks(10.0)
    flight.heard(b"c" * 160, now=10.04)
    flight.sent(b"b" * 80, now=10.03)
    left, right = flight.take(now=10.05)
    assert left == SILENCE * 160 + b"c" * 160 + SILENCE * 80
    assert right == SILENCE * 240 + b"b" * 80 + SILENCE * 80


def test_what_was_sent_ahead_plays_later_and_behind_what_came_before():
    flight = CallTracks(0.0)
    flight.sent(b"a" * 160, now=0.0)
    flight.sent(b"b" * 160, now=0.0)
    assert flight.take(now=0.03)[1] == b"a" * 160 + b"b" * 80
    assert flight.take(now=0.04)[1] == b"b" * 80


def test_what_a_clear_took_back_is_not_in_it():
    flight = CallTracks(0.0)
    flight.sent(b"a" * 800, now=0.0)
    flight.take(now=0.02)
    flight.cleared(now=0.03)
    flight.sent(b"n" * 80, now=0.04)
    assert flight.take(now=0.06)[1] == b"a" * 80 + SILENCE * 80 + b"n" * 80 + SILENCE * 80


def test_the_legs_are_equally_long_whatever_was_missing():
    flight = CallTracks(0.0)
    assert flight.take(now=0.1) == (SILENCE * 800, SILENCE * 800)
