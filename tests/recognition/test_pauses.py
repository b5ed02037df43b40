"""Where the caller pauses in what they say, by the level of the audio."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.mulaw import BYTES_PER_MS, from_samples, silence
from telebridge.audio.tones import sine
from telebridge.recognition.pauses import PAUSE_MS, SpeechPauses

PAUSE = round(PAUSE_MS)


def voice(ms, dbfs=-18.0):
    return sine(200, ms, dbfs=dbfs)


def noise(ms, dbfs):
    level = 32768 * 10 ** (dbfs / 20)
    return from_samples(level * (-1) ** (n * 7 // 3) for n in range(ms * BYTES_PER_MS))


def mixed(ms, voice_dbfs, noise_dbfs):
    """A voice in noise, which are in phase: only the level matters."""
    amplitudes = 10 ** (voice_dbfs / 20) + 10 ** (noise_dbfs / 20)
    return from_samples(32768 * amplitudes * (-1) ** (n * 7 // 3) for n in range(ms * BYTES_PER_MS))


def paused_after(*audio):
    pauses = SpeechPauses()
    for each in audio:
        pauses.receive(each)
    return pauses.paused


def test_a_silence_after_a_voice_is_a_pause_once_it_is_long_enough():
    assert not paused_after(silence(300), voice(400), silence(PAUSE - 20))
    assert paused_after(silence(300), voice(400), silence(PAUSE))


def test_who_speaks_on_pauses_no_more():
    assert not paused_after(voice(400), silence(500), voice(20))
    assert paused_after(voice(400), silence(500), voice(300), silence(PAUSE))


def test_nobody_pauses_who_has_not_spoken():
    assert not paused_after(silence(3000))
    assert not paused_after(noise(3000, dbfs=-60.0))


def test_the_softest_syllable_after_a_pause_is_speech():
    assert not paused_after(voice(400), silence(500), voice(20, dbfs=-41.0))


@pytest.mark.parametrize("noise_dbfs", [-45.0, -35.0, -30.0])
def test_a_pause_in_noise_is_one(noise_dbfs):
    quiet = noise(300, noise_dbfs)
    assert paused_after(quiet, mixed(400, -18.0, noise_dbfs), quiet)
    assert not paused_after(quiet, mixed(400, -18.0, noise_dbfs), quiet, mixed(20, -18.0, noise_dbfs))


def test_in_noise_as_loud_as_a_voice_nobody_is_taken_to_pause():
    assert not paused_after(noise(300, -20.0), mixed(400, -20.0, -20.0), noise(1000, -20.0))


@given(st.lists(st.binary(max_size=1000), max_size=20))
def test_any_audio_is_followed(pieces):
    pauses = SpeechPauses()
    for piece in pieces:
        pauses.receive(piece)
        assert pauses.paused in (True, False)


@given(st.lists(st.sampled_from([voice(20), silence(20), noise(20, -40.0)]), max_size=60), st.integers(1, 7))
def test_audio_says_the_same_in_any_pieces_of_whole_frames(frames, size):
    together = [b"".join(frames[at : at + size]) for at in range(0, len(frames), size)]
    assert paused_after(*together) == paused_after(*frames)
