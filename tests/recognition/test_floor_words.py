"""What words over a prompt say: go on, or let me speak."""

import pytest

from telebridge.recognition.words.floor import FloorMeaning, FloorWordRules, _languages
from telebridge.recognition.words.phrases import tokens

RULES = FloorWordRules()
BACK_CHANNELS = ["mm-hm", "Mm-hmm.", "uh-huh", "Yeah.", "okay", "Okay, right.", "yeah yeah", "oh okay", "no problem"]
INTERRUPTIONS = [
    "stop",
    "No.",
    "wait",
    "agent",
    "yeah, wait",
    "okay stop",
    "no no",
    "two",
    "number 3",
    "my bill",
    "um billing",
]


@pytest.mark.parametrize("text", BACK_CHANNELS)
def test_a_back_channel_leaves_the_floor(text):
    assert RULES.meaning(text, "en-US") is FloorMeaning.BACK_CHANNEL


@pytest.mark.parametrize("text", INTERRUPTIONS)
def test_everything_else_takes_it(text):
    assert RULES.meaning(text, "en").takes_floor


@pytest.mark.parametrize("text", ["", "uh", "hm", "mhm", "..."])
def test_a_sound_that_is_no_word_takes_nothing(text):
    assert not RULES.meaning(text, "en").takes_floor


def test_the_beginning_of_a_back_channel_is_waited_for():
    for text in ("yeah I", "okay of", "that's"):
        assert RULES.meaning(text, "en", final=False) is FloorMeaning.BACK_CHANNEL
        assert RULES.meaning(text, "en").takes_floor
    assert RULES.meaning("no", "en", final=False).takes_floor, "although 'no problem' begins with it"
    assert RULES.meaning("my bill I", "en", final=False).takes_floor


def test_fewer_words_than_are_wanted_take_it_only_where_they_always_do():
    rules = FloorWordRules(min_words=3)
    assert rules.meaning("my bill", "en") is FloorMeaning.FEW_WORDS
    assert rules.meaning("about my bill", "en") is FloorMeaning.WORDS
    assert rules.meaning("stop", "en") is FloorMeaning.INTERRUPTING
    assert rules.meaning("seven", "en") is FloorMeaning.NUMBER
    assert rules.meaning("un café", "fr") is FloorMeaning.FEW_WORDS, "an article is no number"


def test_the_settings_add_phrases_and_win():
    rules = FloorWordRules(back_channels=("stop it some more",), interrupting=("yeah", "concierge"))
    assert rules.meaning("Stop it some more!", "en") is FloorMeaning.BACK_CHANNEL
    assert rules.meaning("yeah", "en") is FloorMeaning.INTERRUPTING
    assert rules.meaning("concierge", "ja") is FloorMeaning.INTERRUPTING


@pytest.mark.parametrize("language", _languages())
def test_the_lists_of_a_language_hold_words_and_no_phrase_twice(language):
    lists = _languages()[language]
    assert set(lists) == {"back_channels", "interrupting"}
    phrases = {name: [tuple(tokens(phrase)) for phrase in listed] for name, listed in lists.items()}
    assert all(all(listed) for listed in phrases.values())
    assert not set(phrases["back_channels"]) & set(phrases["interrupting"])
    for name, listed in lists.items():
        for phrase in listed:
            assert RULES.meaning(phrase, language).takes_floor is (name == "interrupting"), phrase
