"""A clip's name tells everything that shapes it, and its file is read back whole or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.cache.clip import (
    Clip,
    ClipDamaged,
    clip_key,
    decode,
    encode,
)
from telebridge.speech.source import Audio, Word, Words

TIMES = st.floats(0, 1e6, allow_nan=False)
WORDS = st.lists(st.builds(Word, st.text(max_size=12), TIMES, TIMES), max_size=6).map(tuple)
CLIPS = st.builds(Clip, st.binary(max_size=400), WORDS)
CLIP = Clip(b"\x10\x20\x30" * 50, (Word("Hello", 0.0, 10.5), Word("there.", 10.5, 18.0)))
VOICE = {"model": "arcana", "speaker": "astra", "speed_alpha": 1.0}


@given(CLIPS)
def test_what_was_written_is_read_back(clip):
    assert decode(encode(clip)) == clip


@given(CLIPS, st.data())
def test_a_file_with_one_other_byte_is_damaged(clip, data):
    file = bytearray(encode(clip))
    at = data.draw(st.integers(0, len(file) - 1))
    file[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ClipDamaged):
        decode(bytes(file))


@given(CLIPS, st.data())
def test_a_file_cut_short_is_damaged(clip, data):
    file = encode(clip)
    with pytest.raises(ClipDamaged):
        decode(file[: data.draw(st.integers(0, len(file) - 1))])


@given(CLIPS, st.binary(min_size=1, max_size=20))
def test_a_file_with_something_behind_it_is_damaged(clip, more):
    with pytest.raises(ClipDamaged):
        decode(encode(clip) + more)


@given(st.binary(max_size=200))
def test_whatever_a_file_holds_nothing_else_is_raised(data):
    with pytest.raises(ClipDamaged):
        decode(data)


def test_word_times_that_cannot_be_read_are_damage_even_where_the_checksum_fits(monkeypatch):
    monkeypatch.setattr("telebridge.speech.cache.clip.msgspec.msgpack.encode", lambda _: b"\xc1")
    file = encode(CLIP)
    with pytest.raises(ClipDamaged, match="word times"):
        decode(file)


def test_a_clip_yields_its_words_before_its_audio():
    assert CLIP.events() == (Words(CLIP.words), Audio(CLIP.audio))
    assert Clip(b"a").events() == (Audio(b"a"),)


def test_the_order_of_parameters_does_not_matter():
    turned = dict(reversed(VOICE.items()))
    assert clip_key("Hello.", VOICE, maker="rime") == clip_key("Hello.", turned, maker="rime")


@pytest.mark.parametrize(
    ("text", "voice", "maker"),
    [
        ("Hello!", VOICE, "rime"),
        ("Hello.", VOICE, "local"),
        ("Hello.", {**VOICE, "speaker": "luna"}, "rime"),
        ("Hello.", {**VOICE, "speed_alpha": 1.1}, "rime"),
        ("Hello.", {**VOICE, "temperature": 0.5}, "rime"),
    ],
)
def test_whatever_shapes_the_audio_makes_another_clip(text, voice, maker):
    assert clip_key(text, voice, maker=maker) != clip_key("Hello.", VOICE, maker="rime")


def test_another_format_makes_another_clip(monkeypatch):
    before = clip_key("Hello.", VOICE, maker="rime")
    monkeypatch.setattr("telebridge.speech.cache.clip.FORMAT", 2)
    assert clip_key("Hello.", VOICE, maker="rime") != before
