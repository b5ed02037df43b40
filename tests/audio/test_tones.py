import math
import struct

import pytest

from telebridge.audio.mulaw import SAMPLE_RATE, to_pcm
from telebridge.audio.tones import DTMF_HZ, beep, dtmf


def power_at(hertz: float, mulaw: bytes) -> float:
    """Goertzel's measure of one frequency."""
    samples = [value for (value,) in struct.iter_unpack("<h", to_pcm(mulaw))]
    angle = 2 * math.pi * hertz / SAMPLE_RATE
    real = sum(sample * math.cos(angle * index) for index, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(angle * index) for index, sample in enumerate(samples))
    return math.hypot(real, imaginary) / len(samples)


@pytest.mark.parametrize("digit", list(DTMF_HZ))
def test_a_key_sounds_in_its_two_frequencies_and_no_other(digit: str) -> None:
    tone = dtmf(digit, tone_ms=100, gap_ms=0)
    rows_and_columns = {hertz for pair in DTMF_HZ.values() for hertz in pair}
    loud = {hertz for hertz in rows_and_columns if power_at(hertz, tone) > 1000}
    assert loud == set(DTMF_HZ[digit])


def test_keys_follow_each_other_with_gaps() -> None:
    assert len(dtmf("12", tone_ms=100, gap_ms=50)) == 2 * 150 * 8


def test_what_is_no_key_is_named() -> None:
    with pytest.raises(ValueError, match="'x' is no telephone key"):
        dtmf("1x")


def test_the_beep_starts_and_ends_without_a_click() -> None:
    samples = [value for (value,) in struct.iter_unpack("<h", to_pcm(beep()))]
    assert abs(samples[0]) < 600
    assert abs(samples[-1]) < 600
