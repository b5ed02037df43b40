from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.mulaw import to_pcm
from telebridge.audio.resampling import Resampler
from telebridge.audio.tones import sine

SAMPLES = to_pcm(sine(440, 100))


@given(st.lists(st.integers(1, 400), max_size=20))
def test_pieces_give_what_the_whole_gives(cuts: list[int]) -> None:
    whole = Resampler(8000, 22050).resample(SAMPLES)
    resampler = Resampler(8000, 22050)
    pieces, rest = [], SAMPLES
    for cut in cuts:
        pieces.append(resampler.resample(rest[: 2 * cut]))
        rest = rest[2 * cut :]
    assert b"".join([*pieces, resampler.resample(rest)]) == whole


def test_the_same_rate_changes_nothing() -> None:
    assert Resampler(8000, 8000).resample(SAMPLES) is SAMPLES
