import pytest

from telebridge.audio.levels import FLOOR_DBFS, dbfs, quietest_end
from telebridge.audio.mulaw import silence
from telebridge.audio.tones import sine


def test_the_quietest_moment_is_found():
    piece = sine(400, 100) + silence(10) + sine(400, 50)
    assert quietest_end(piece) == 50 * 8


def test_of_two_as_quiet_the_later_counts():
    assert quietest_end(silence(200)) == 0


def test_what_is_shorter_than_a_step_has_none():
    assert quietest_end(b"") == quietest_end(bytes(79)) == 0


def test_silence_and_nothing_are_at_the_floor() -> None:
    assert dbfs(silence(20)) == FLOOR_DBFS
    assert dbfs(b"") == FLOOR_DBFS


def test_a_sine_is_three_decibels_below_its_peak() -> None:
    assert dbfs(sine(1000, 500, dbfs=-12.0)) == pytest.approx(-15.0, abs=0.3)
