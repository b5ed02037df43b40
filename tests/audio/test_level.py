import pytest

from telebridge.audio.levels import FLOOR_DBFS, dbfs
from telebridge.audio.mulaw import silence
from telebridge.audio.tones import sine


def test_silence_and_nothing_are_at_the_floor() -> None:
    assert dbfs(silence(20)) == FLOOR_DBFS
    assert dbfs(b"") == FLOOR_DBFS


def test_a_sine_is_three_decibels_below_its_peak() -> None:
    assert dbfs(sine(1000, 500, dbfs=-12.0)) == pytest.approx(-15.0, abs=0.3)
