"""Sounds that are no speech, and voices that are: same arguments, same bytes, at the level that was asked for."""

import pytest

from telebridge.audio.levels import dbfs
from telebridge.simulator.caller.noises import (
    KINDS,
    LOOP_SECONDS,
    background,
    breath,
    click,
    cough,
)
from telebridge.simulator.caller.voices import LONGEST_MS, murmur, speech


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [-45.0, -25.0])
def test_a_noise_has_the_level_that_was_asked_for(kind, level):
    noise = background(kind, level)
    assert len(noise) == LOOP_SECONDS * 8000
    assert dbfs(noise) == pytest.approx(level, abs=0.6)


@pytest.mark.parametrize("sound", [cough, click, breath, murmur])
def test_sounds_are_the_same_each_time_and_short(sound):
    assert sound() == sound()
    assert 0 < len(sound()) <= 8000


def test_transients_are_shorter_than_a_quarter_of_a_second():
    assert len(click()) / 8 < 250


def test_speech_lasts_as_long_as_asked_and_differs_by_voice():
    assert len(speech(1230)) == 1230 * 8
    assert speech(500) == speech(500) != speech(500, pitch_hz=200)


def test_long_speech_says_the_same_again():
    long = speech(2 * LONGEST_MS + 100)
    assert len(long) == (2 * LONGEST_MS + 100) * 8
    assert long[: LONGEST_MS * 8] == long[LONGEST_MS * 8 : 2 * LONGEST_MS * 8]


def test_speech_is_as_loud_as_a_caller():
    assert -27 < dbfs(speech(3000)) < -17
