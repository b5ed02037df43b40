"""The voice and the ear: every stretch of audio is known again, and what is dropped was not heard."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebridge.audio.mulaw import from_pcm, to_pcm
from telebridge.testing.hearing.ear import CallerEar
from telebridge.testing.hearing.voice import IDENTIFYING_BYTES, KnownSpeeches
from telebridge.testing.hearing.words import spoken_tokens

ONE, TWO = "For billing, press 1.", "For sales, press 2."


@pytest.fixture
def speeches():
    return KnownSpeeches()


def heard(ear):
    return " ".join(word.text for word in ear.words())


def test_the_same_text_sounds_the_same_and_survives_the_telephone():
    one, again = (KnownSpeeches().say(ONE, source="rime") for _ in range(2))
    assert one.audio == again.audio
    assert from_pcm(to_pcm(one.audio)) == one.audio
    assert one.audio != KnownSpeeches().say(ONE, source="say").audio


@given(st.integers(min_value=0, max_value=9000))
@settings(max_examples=30)
def test_any_stretch_tells_which_text_it_is_and_where(at):
    speeches = KnownSpeeches()
    one, two = speeches.say(ONE, source="rime"), speeches.say(TWO, source="rime")
    for speech in (one, two):
        at %= len(speech.audio) - IDENTIFYING_BYTES
        assert speeches.find(speech.audio[at : at + 400]) == (speech, at)


@given(st.lists(st.integers(min_value=1, max_value=4000), min_size=1, max_size=8))
@settings(max_examples=30)
def test_it_is_heard_in_whatever_pieces_it_comes(sizes):
    speeches = KnownSpeeches()
    audio = speeches.say(ONE, source="rime").audio + speeches.say(TWO, source="rime").audio
    ear, at = CallerEar(speeches), 0
    for size in [*sizes, len(audio)]:
        piece = audio[at : at + size]
        if piece:
            ear.queued(piece, starts_at=5.0 + at / 8000)
        at += size
    assert heard(ear) == f"{ONE} {TWO}"
    first = next(ear.words())
    assert (first.start_time, first.text) == (5.0, "For")


def test_what_was_cleared_was_not_heard_and_what_goes_on_is_heard_once(speeches):
    speech = speeches.say(ONE, source="rime")
    ear = CallerEar(speeches)
    ear.queued(speech.audio, starts_at=5.0)
    cut = speech.words[1].start + 100
    ear.cleared(ends_at=5.0 + cut / 8000)
    assert heard(ear) == "For"
    assert ear.clears[0].last.heard_by(99.0) == "For"
    ear.queued(speech.audio[speech.words[1].start :], starts_at=7.0)
    assert heard(ear) == ONE
    assert [word.start_time > 7.0 for word in ear.words()] == [False, False, True, True]


def test_a_sound_that_nobody_knows_is_a_sound(speeches):
    ear = CallerEar(speeches)
    ear.queued(bytes(range(1, 121)) * 20, starts_at=1.0)
    ear.queued(b"\xff" * 800, starts_at=1.3)
    known = speeches.say(ONE, source="say")
    ear.queued(known.audio, starts_at=1.4)
    assert [(piece.speech, piece.audible) for piece in ear.pieces] == [(None, True), (None, False), (known, True)]
    assert heard(ear) == ONE
    assert len(ear.sounds_between(1.31, 1.39)) == 0


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("Don\u2019t press 1!", ["dont", "press", "1"]), ("STRASSE \u2014 Stra\u00dfe", ["strasse"] * 2), ("...", [])],
)  # fmt: skip
def test_words_are_compared_as_they_sound(text, tokens):
    assert list(spoken_tokens(text)) == tokens
