from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.mulaw import BYTES_PER_MS, FRAME_BYTES, frames, from_pcm, silence, to_pcm

NEGATIVE_ZERO = 0x7F
"""The one mu-law value with a twin: G.711 has two zeros."""


def test_a_second_of_silence_is_eight_thousand_bytes_that_decode_to_zero() -> None:
    assert len(silence(1000)) == 8000
    assert set(to_pcm(silence(5))) == {0}


def test_bytes_give_time() -> None:
    assert 160 / BYTES_PER_MS == 20.0


@given(st.binary().map(lambda data: data.replace(bytes([NEGATIVE_ZERO]), b"\xff")))
def test_every_byte_survives_the_way_to_samples_and_back(mulaw: bytes) -> None:
    assert from_pcm(to_pcm(mulaw)) == mulaw


@given(st.binary())
def test_frames_are_the_audio_cut_at_twenty_milliseconds(mulaw: bytes) -> None:
    cut = list(frames(mulaw))
    assert b"".join(cut) == mulaw
    assert all(len(frame) == FRAME_BYTES for frame in cut[:-1])
