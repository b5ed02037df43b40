"""Bare audio passes whole, and of a container not a byte does, however either is cut into pieces."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.tones import sine
from telebridge.errors import SpeechRejected
from telebridge.rime.container_check import DECISIVE_BYTES, ContainerCheck

CONTAINERS = {
    "WAV": b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00\x07\x00",
    "Ogg": b"OggS\x00\x02" + bytes(20),
    "WebM": b"\x1a\x45\xdf\xa3" + bytes(20),
    "MP3": b"ID3\x04" + bytes(20),
}


def split(data, cuts):
    """The pieces of `data` between these positions; some may be empty."""
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


def passed_on(pieces):
    """What is passed on of these pieces, in order, and the error that ends it."""
    check, passed = ContainerCheck(), b""
    try:
        for piece in pieces:
            passed += check.receive(piece)
        passed += check.finish()
    except SpeechRejected as error:
        return passed, error
    return passed, None


cuts = st.lists(st.integers(0, 40), max_size=40)


@given(cuts, st.integers(0, 160))
def test_bare_audio_passes_byte_for_byte_in_any_pieces(cuts, length):
    audio = sine(440, 20)[:length]
    assert passed_on(split(audio, cuts)) == (audio, None)


@given(st.sampled_from(sorted(CONTAINERS)), cuts)
def test_a_container_is_refused_in_any_pieces_before_a_byte_of_it_passes(name, cuts):
    passed, error = passed_on(split(CONTAINERS[name], cuts))
    assert passed == b""
    assert f"{name} file where mu-law was asked for" in str(error)


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_a_container_byte_by_byte_is_refused_at_its_decisive_byte(name):
    check = ContainerCheck()
    for position in range(DECISIVE_BYTES - 1):
        assert check.receive(CONTAINERS[name][position : position + 1]) == b""
    with pytest.raises(SpeechRejected):
        check.receive(CONTAINERS[name][DECISIVE_BYTES - 1 : DECISIVE_BYTES])


@given(cuts, st.integers(4, DECISIVE_BYTES - 1))
def test_a_container_that_ends_before_its_decisive_byte_is_refused_at_the_end(cuts, length):
    passed, error = passed_on(split(CONTAINERS["Ogg"][:length], cuts))
    assert passed == b""
    assert "Ogg file" in str(error)


def test_once_audio_has_passed_nothing_is_looked_at_any_more():
    check = ContainerCheck()
    assert check.receive(bytes(DECISIVE_BYTES)) == bytes(DECISIVE_BYTES)
    assert check.passed
    assert check.receive(CONTAINERS["WAV"]) == CONTAINERS["WAV"]
