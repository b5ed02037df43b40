"""Both tracks of a call on one clock, as far as they cannot change any more."""

from telebridge.call.runner.call_recording import CallTracks

SILENCE = b"\xff"


def test_each_leg_lies_where_it_sounded():
    tracks = CallTracks(10.0)
    tracks.add_inbound(b"c" * 160, now=10.04)
    tracks.add_outbound(b"b" * 80, now=10.03)
    left, right = tracks.pop(now=10.05)
    assert left == SILENCE * 160 + b"c" * 160 + SILENCE * 80
    assert right == SILENCE * 240 + b"b" * 80 + SILENCE * 80


def test_what_was_sent_ahead_plays_later_and_behind_what_came_before():
    tracks = CallTracks(0.0)
    tracks.add_outbound(b"a" * 160, now=0.0)
    tracks.add_outbound(b"b" * 160, now=0.0)
    assert tracks.pop(now=0.03)[1] == b"a" * 160 + b"b" * 80
    assert tracks.pop(now=0.04)[1] == b"b" * 80


def test_what_a_clear_took_back_is_not_in_it():
    tracks = CallTracks(0.0)
    tracks.add_outbound(b"a" * 800, now=0.0)
    tracks.pop(now=0.02)
    tracks.clear_outbound(now=0.03)
    tracks.add_outbound(b"n" * 80, now=0.04)
    assert tracks.pop(now=0.06)[1] == b"a" * 80 + SILENCE * 80 + b"n" * 80 + SILENCE * 80


def test_the_legs_are_equally_long_whatever_was_missing():
    tracks = CallTracks(0.0)
    assert tracks.pop(now=0.1) == (SILENCE * 800, SILENCE * 800)
