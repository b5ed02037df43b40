import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.tones import sine
from telebridge.errors import SpeechRejected
from telebridge.rime.container_check import DECISIVE_BYTES, HeaderGuard

WAV = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00"


def through(data, sizes):
    guard, passed, position = HeaderGuard(), b"", 0
    for size in sizes:
        passed += guard.receive(data[position : position + size])
        position += size
    return passed + guard.receive(data[position:]) + guard.finish()


@given(st.lists(st.integers(1, 50), max_size=20), st.integers(0, 40))
def test_bare_audio_passes_whole_in_any_pieces(sizes, length):
    audio = sine(440, 20)[:length]
    assert through(audio, sizes) == audio


@given(st.lists(st.integers(1, 5), max_size=10))
def test_a_file_is_refused_in_any_pieces_before_a_byte_of_it_passes(sizes):
    guard, pieces, position = HeaderGuard(), [], 0
    for size in sizes:
        pieces.append(WAV[position : position + size])
        position += size
    passed = [guard.receive(piece) for piece in pieces if sum(map(len, pieces)) < DECISIVE_BYTES]
    assert b"".join(passed) == b""
    with pytest.raises(SpeechRejected, match="WAV file where mu-law was asked for"):
        HeaderGuard().receive(WAV)
