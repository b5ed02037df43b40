"""Audio of every format that clients send, as a telephone has it."""

import audioop

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.mulaw import SAMPLE_RATE, from_pcm, to_pcm
from telebridge.audio.tones import sine
from telebridge.recognition_server.formats import FASTEST_RATE, SLOWEST_RATE, SentFormat, TelephoneAudio, is_rate

TONE = sine(440, 400)
FORMATS = [
    SentFormat("mulaw"),
    SentFormat("alaw"),
    SentFormat("mulaw", 16_000),
    *(SentFormat("linear16", rate) for rate in (8000, 16_000, 24_000, 44_100, 48_000)),
]
formats = st.builds(SentFormat, st.sampled_from(["mulaw", "alaw", "linear16"]), st.integers(SLOWEST_RATE, FASTEST_RATE))


def in_format(mulaw, audio_format):
    samples = to_pcm(mulaw)
    if audio_format.rate != SAMPLE_RATE:
        samples, _ = audioop.ratecv(samples, 2, 1, SAMPLE_RATE, audio_format.rate, None)
    match audio_format.coding:
        case "mulaw":
            return from_pcm(samples)
        case "alaw":
            return audioop.lin2alaw(samples, 2)
        case _:
            return samples


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_a_sound_is_as_long_and_as_loud_in_each_format(audio_format):
    sent = in_format(TONE, audio_format)
    assert len(sent) / audio_format.bytes_per_ms == pytest.approx(400, abs=1)
    heard = TelephoneAudio(audio_format).convert(sent)
    assert len(heard) == pytest.approx(len(TONE), abs=8)
    assert audioop.rms(to_pcm(heard), 2) == pytest.approx(audioop.rms(to_pcm(TONE), 2), rel=0.05)


@given(formats, st.lists(st.binary(max_size=300), max_size=10))
def test_any_bytes_are_heard_and_pieces_of_them_say_the_same(audio_format, pieces):
    whole, cut = TelephoneAudio(audio_format), TelephoneAudio(audio_format)
    together = whole.convert(b"".join(pieces))
    assert b"".join(cut.convert(piece) for piece in pieces) == together


@pytest.mark.parametrize("rate", [0, -8000, 1, 7999, 48_001, 10**9, float("nan"), float("inf")])
def test_what_is_no_rate_is_none(rate):
    assert not is_rate(rate)
