"""A voice is the same for the same arguments, lasts as long as requested, and is as loud as a caller."""

from telebridge.audio.levels import dbfs
from telebridge.simulator.caller.voices import LONGEST_MS, speech


def test_speech_lasts_as_long_as_asked_and_differs_by_voice():
    assert len(speech(1230)) == 1230 * 8
    assert speech(500) == speech(500) != speech(500, pitch_hz=200)


def test_long_speech_says_the_same_again():
    long = speech(2 * LONGEST_MS + 100)
    assert len(long) == (2 * LONGEST_MS + 100) * 8
    assert long[: LONGEST_MS * 8] == long[LONGEST_MS * 8 : 2 * LONGEST_MS * 8]


def test_speech_is_as_loud_as_a_caller():
    assert -27 < dbfs(speech(3000)) < -17
