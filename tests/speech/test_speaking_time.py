"""How long a text can take: bounds that no right utterance exceeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.speaking_time import VoiceRate, characters_within, expected_ms, needs_audio


@pytest.mark.parametrize(
    ("text", "characters"), [("hello there", 6), ("12345", 1), ("日本語です", 2), ("है है", 5), ("", 0)]
)
def test_a_script_whose_letters_say_more_gets_fewer_of_them_into_a_time(text, characters):
    assert characters_within(text, 200) == characters


@given(st.text(max_size=30), st.floats(0, 5000), st.floats(0, 5000))
def test_more_time_is_never_for_less_text(text, one, two):
    assert characters_within(text, min(one, two)) <= characters_within(text, max(one, two)) <= len(text)


SENTENCE = "Thank you for calling, your appointment is on Monday at ten in the morning, please be there early."
QUICK_MS = {  # what a quick speaker needs
    "Yes.": 120,
    "WWW": 500,
    "1000000": 350,
    "2000000000": 400,
    "Strengths through thoroughbreds": 1100,
    "NASA, USA, FBI and IBM": 1500,
    "Mmmmmmmmmmmmmmmmmmmmmmmm": 300,
    "Qu'est-ce que c'est que cela": 900,
    "XVIII": 300,
    "{k1Ast0xm} <3000> spell(ABC)": 400,
    "\u0905\u092a\u0915\u093e \u0938\u094d\u0935\u093e\u0917\u0924 \u0939\u0948": 700,
    "\u672c\u65e5\u306f\u304a\u96fb\u8a71\u3044\u305f\u3060\u304d\u3042\u308a\u304c\u3068\u3046": 1500,
    SENTENCE: 3900,
}


@pytest.mark.parametrize("text", QUICK_MS)
@pytest.mark.parametrize("done", [True, False])
def test_what_a_quick_speaker_says_is_within_the_bounds(text, done):
    rate = VoiceRate()
    assert rate.least_ms(text, done=done) <= QUICK_MS[text] <= rate.most_ms(text)


def test_half_a_sentence_is_too_little_where_only_a_close_ends_it_and_a_third_wherever():
    half = 65 * len(SENTENCE) / 2
    assert half < VoiceRate().least_ms(SENTENCE, done=False)
    assert half * 2 / 3 * 0.98 < VoiceRate().least_ms(SENTENCE, done=True)


def test_of_a_voice_whose_speed_is_set_less_is_enough():
    quickest = 65 * len(SENTENCE) / 2.5
    assert quickest >= VoiceRate(any_speed=True).least_ms(SENTENCE, done=False)


def test_a_voice_quicker_than_any_other_is_not_refused_for_ever():
    rate, ms = VoiceRate(), 0.25 * expected_ms(SENTENCE)
    refused = 0
    while ms < (least := rate.least_ms(SENTENCE, done=False)) and refused < 100:
        rate.learn(SENTENCE, ms, whole=ms >= least)
        refused += 1
    assert 0 < refused < 30


@pytest.mark.parametrize(("text", "needed"), [("Hi", True), ("5", True), ("<300>", False), ("{a} ...", False)])
def test_markup_alone_needs_no_audio(text, needed):
    assert needs_audio(text) is needed


@given(st.text(max_size=80), st.floats(0, 60_000), st.booleans())
def test_the_least_is_never_more_than_the_most(text, ms, done):
    rate = VoiceRate()
    rate.learn(text, ms, whole=True)
    assert 0 <= rate.least_ms(text, done=done) < rate.most_ms(text)
