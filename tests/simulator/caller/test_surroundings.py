"""What is around a caller is mixed into their frames, and comes back from their loudspeaker when it should."""

import pytest

from telebridge.audio.levels import dbfs
from telebridge.audio.mulaw import from_pcm, to_pcm
from telebridge.audio.tones import sine
from telebridge.simulator.caller.noises import Surroundings

QUIET = b"\xff" * 160
TONE = sine(400, 2000)


def frame(number):
    return TONE[160 * number : 160 * (number + 1)]


def test_a_quiet_room_adds_nothing():
    assert Surroundings().silent


def test_noise_goes_round_and_round():
    surroundings = Surroundings()
    surroundings.noise(TONE[:400])
    frames = [surroundings.mixed(QUIET, b"") for _ in range(5)]
    assert b"".join(frames) == from_pcm(to_pcm(TONE[:400] * 2))
    surroundings.noise(b"")
    assert surroundings.silent


@pytest.mark.parametrize("delay_ms", [20, 120, 300, 305])
def test_an_echo_comes_back_weaker_and_so_much_later(delay_ms):
    surroundings = Surroundings()
    surroundings.loudspeaker(-12.0, delay_ms)
    sent = b"".join(surroundings.mixed(QUIET, frame(number)) for number in range(50))
    late = delay_ms * 8 - 160  # what is heard during a frame comes back in it at the earliest
    assert set(sent[:late]) <= {0xFF, 0x7F}
    assert dbfs(sent[late:]) == pytest.approx(dbfs(TONE) - 12, abs=0.3)


def test_a_loudspeaker_that_is_turned_off_is_silent():
    surroundings = Surroundings()
    surroundings.loudspeaker(-6.0, 100)
    surroundings.loudspeaker(None, 100)
    assert surroundings.silent


def test_the_caller_is_heard_above_it_all():
    surroundings = Surroundings()
    surroundings.noise(sine(1000, 1000, dbfs=-40))
    surroundings.loudspeaker(-20.0, 20)
    mixed = b"".join(surroundings.mixed(frame(number), QUIET) for number in range(40))
    assert dbfs(mixed) == pytest.approx(dbfs(TONE), abs=0.3)
