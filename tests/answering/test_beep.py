"""The detector of beeps against tones, and against everything else that a line carries."""

import random

import pytest

from telebridge.answering.beep import BeepDetector
from telebridge.audio.mulaw import BYTES_PER_MS, frames, from_samples, silence, to_pcm
from telebridge.audio.tones import dtmf, sine
from telebridge.simulator.caller.noises import KINDS, background, breath, click, cough
from telebridge.simulator.caller.voices import murmur, speech

GREETING = speech(600)


def heard(audio):
    """The beeps in some audio, each with the milliseconds at which it was reported."""
    detector = BeepDetector()
    found = [(detector.receive_frame(frame), (at + 1) * 20) for at, frame in enumerate(frames(audio))]
    return [(beep, ms) for beep, ms in found if beep is not None]


def both(*parts):
    """Sounds at the same time."""
    samples = [memoryview(to_pcm(part)).cast("h") for part in parts]
    return from_samples(map(sum, zip(*samples, strict=True)))


def hiss(ms, peak):
    chance = random.Random(4)
    return from_samples(chance.gauss(0, peak) for _ in range(ms * BYTES_PER_MS))


@pytest.mark.parametrize(("ms", "dbfs"), [(150, -12), (260, -25), (500, -6), (1000, -30)])
@pytest.mark.parametrize("hertz", [400, 440, 950, 1004, 1400, 2200])
def test_a_beep_of_any_mailbox_is_heard_at_its_end(hertz, ms, dbfs):
    if hertz < 500 and ms > 800:
        return  # a ringing tone, see below
    before = GREETING + silence(133)
    [(beep, at_ms)] = heard(before + sine(hertz, ms, dbfs=dbfs) + silence(1000))
    assert beep.hertz == pytest.approx(hertz, abs=12)
    assert beep.ms == pytest.approx(ms, abs=41)
    late = at_ms - len(before) / BYTES_PER_MS - ms
    assert 0 < late <= (100 if hertz > 500 else 840)


def test_a_beep_on_a_noisy_line_and_a_beep_of_two_tones_are_heard():
    noisy = both(silence(400) + sine(1000, 300, dbfs=-18) + silence(400), hiss(1100, 60))
    assert [round(beep.hertz, -1) for beep, _ in heard(noisy)] == [1000]
    assert len(heard(silence(300) + sine(800, 200) + sine(1000, 200) + silence(300))) == 1


def cadence(hertz, on, off, times=4):
    return (sine(hertz, on) + silence(off)) * times


NO_BEEPS = {
    "speech": lambda: b"".join(
        speech(2400, pitch_hz=pitch, seed=seed) + silence(300) for pitch, seed in [(110, 1), (200, 2), (290, 4)]
    ),
    "mm-hm": lambda: (murmur() + silence(200) + murmur(pitch_hz=220.0) + silence(200)) * 2,
    "keys": lambda: dtmf("1234567890*#ABCD") + dtmf("159D", tone_ms=400, gap_ms=200),
    "ringing in North America": lambda: (both(sine(440, 2000), sine(480, 2000)) + silence(500)) * 2,
    "busy in North America": lambda: (both(sine(480, 500), sine(620, 500)) + silence(500)) * 4,
    "ringing in Europe": lambda: cadence(425, 1000, 1500, 2) + cadence(440, 1500, 900, 2),
    "busy in Europe": lambda: cadence(425, 480, 480) + cadence(425, 240, 240) + cadence(440, 500, 500),
    "not in service": lambda: (
        silence(200) + sine(950, 330) + sine(1400, 330) + sine(1800, 330) + silence(500) + GREETING
    ),
    "a fax": lambda: silence(200) + sine(2100, 3000) + silence(500),
    "a click of a tone": lambda: silence(200) + sine(1000, 90) + silence(500),
    "cough, breath and click": lambda: cough() + silence(200) + breath() + silence(200) + click() + silence(200),
    "notes": lambda: silence(200) + b"".join(sine(hertz, 300) for hertz in (523, 587, 659, 698, 784)) + silence(200),
    **{kind: lambda kind=kind: background(kind, -20.0) for kind in KINDS},
}
LONG = ("babble", "music")  # seconds of sound that take as long to make


@pytest.mark.parametrize("sound", [pytest.param(s, marks=[pytest.mark.slow] * (s in LONG)) for s in NO_BEEPS])
def test_nothing_else_is_taken_for_a_beep(sound):
    assert heard(NO_BEEPS[sound]()) == []


def test_frames_of_any_size_do_no_harm():
    detector = BeepDetector()
    assert [detector.receive_frame(bytes(size)) for size in (0, 1, 7, 160, 161, 1600)] == [None] * 6
