"""Noises have the requested level, and the acoustic environment is mixed into the caller's frames."""

import pytest

from telebridge.audio.levels import dbfs
from telebridge.audio.mulaw import from_pcm, to_pcm
from telebridge.audio.tones import sine
from telebridge.simulator.caller.noises import (
    KINDS,
    LOOP_SECONDS,
    AcousticEnvironment,
    background,
    breath,
    click,
    cough,
)
from telebridge.simulator.caller.voices import murmur

QUIET = b"\xff" * 160
TONE = sine(400, 2000)


def frame(number):
    return TONE[160 * number : 160 * (number + 1)]


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


def test_a_quiet_room_adds_nothing():
    assert AcousticEnvironment().silent


def test_noise_goes_round_and_round():
    environment = AcousticEnvironment()
    environment.noise(TONE[:400])
    frames = [environment.mixed(QUIET, b"") for _ in range(5)]
    assert b"".join(frames) == from_pcm(to_pcm(TONE[:400] * 2))
    environment.noise(b"")
    assert environment.silent


@pytest.mark.parametrize("delay_ms", [20, 120, 300, 305])
def test_an_echo_comes_back_weaker_and_so_much_later(delay_ms):
    environment = AcousticEnvironment()
    environment.loudspeaker(-12.0, delay_ms)
    sent = b"".join(environment.mixed(QUIET, frame(number)) for number in range(50))
    late = delay_ms * 8 - 160  # what is heard during a frame comes back in it at the earliest
    assert set(sent[:late]) <= {0xFF, 0x7F}
    assert dbfs(sent[late:]) == pytest.approx(dbfs(TONE) - 12, abs=0.3)


def test_a_loudspeaker_that_is_turned_off_is_silent():
    environment = AcousticEnvironment()
    environment.loudspeaker(-6.0, 100)
    environment.loudspeaker(None, 100)
    assert environment.silent


def test_the_caller_is_heard_above_it_all():
    environment = AcousticEnvironment()
    environment.noise(sine(1000, 1000, dbfs=-40))
    environment.loudspeaker(-20.0, 20)
    mixed = b"".join(environment.mixed(frame(number), QUIET) for number in range(40))
    assert dbfs(mixed) == pytest.approx(dbfs(TONE), abs=0.3)
