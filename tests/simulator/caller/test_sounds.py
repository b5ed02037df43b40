"""The audio of `<Say>` sounds for as long as its text, and silence and line noise do not count as sound."""

from telebridge.audio.mulaw import from_samples, silence
from telebridge.simulator.caller.sounds import SPOKEN_MS_PER_CHARACTER, is_audible, stand_in_for_say


def test_the_stand_in_for_speech_sounds_and_silence_does_not() -> None:
    speech = stand_in_for_say("Thank you for calling.")
    assert len(speech) == 22 * 65 * 8
    assert all(is_audible(speech[start : start + 160]) for start in range(0, len(speech), 160))
    assert not is_audible(silence(20))
    assert not is_audible(b"")


def test_the_audio_of_say_is_as_long_as_its_text():
    assert len(stand_in_for_say("x" * 100)) == 100 * SPOKEN_MS_PER_CHARACTER * 8
    assert len(stand_in_for_say("")) == 1600
    assert stand_in_for_say("hello") == stand_in_for_say("world")


def test_line_noise_is_not_audible():
    assert not is_audible(from_samples([90.0, -90.0] * 80))
    assert is_audible(from_samples([900.0, -900.0] * 80))
