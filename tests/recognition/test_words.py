"""What words mean: phrases, digits, yes and no, our own voice."""

import pytest

from telebridge.recognition.words.digits import only_digits, spoken_digits
from telebridge.recognition.words.phrases import chosen, is_echo, says_nothing
from telebridge.recognition.words.yes_no import no_words, yes_words

CHOICES = {"1": ("billing", "my bill", "invoice"), "2": ("technical support", "support"), "3": ("technical billing",)}


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("Billing.", "1"),
        ("uh, billing I guess", "1"),
        ("I'd like to talk about MY BILL, please", "1"),
        ("technical support", "2"),
        ("technical billing", "3"),  # the longest phrase counts
        ("billing or support", None),  # two that are equally long
        ("bill", None),
        ("rebilling", None),
        ("", None),
        ("word " * 300 + "billing", "1"),
    ],
)
def test_a_choice_is_found_in_what_people_say(text, choice):
    assert chosen(text, CHOICES) == choice


@pytest.mark.parametrize(
    ("text", "language", "digits"),
    [
        ("four seven double five", "en", "4755"),
        ("Oh, one two", "en", "012"),
        ("triple zero", "en", "000"),
        ("three hundred", "en", "300"),
        ("eight hundred fifty five", "en", "855"),
        ("forty two nineteen", "en-US", "4219"),
        ("it's 12 34, um, five", "en", "12345"),
        ("zweiundvierzig null sieben", "de", "4207"),
        ("vingt et un trois", "fr", "213"),
        ("soixante-quinze quatre-vingt-dix zéro", "fr", "75900"),
        ("soixante-dix-sept quatre-vingts dix-huit", "fr", "7798"),
        ("cuarenta y dos cero", "es", "420"),
        ("I do not know", "en", ""),
        ("hello", "xx", ""),
    ],
)
def test_digits_are_read_as_they_are_said(text, language, digits):
    assert spoken_digits(text, language) == digits


@pytest.mark.parametrize(
    ("text", "digits"), [("press one please", "1"), ("One.", "1"), ("one moment", ""), ("number two", "2"), ("", "")]
)
def test_a_key_is_said_alone(text, digits):
    assert only_digits(text, "en") == digits


@pytest.mark.parametrize("text", ["", "uh", "Um, er...", "mhm"])
def test_a_sound_of_thinking_says_nothing(text):
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["billing", "uh billing"])
def test_a_word_says_something(text):
    assert not says_nothing(text)


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        ("for billing press one or", True),
        ("for billing press one", True),
        ("billing", False),  # the prompt suggested it
        ("I would like to pay my invoice", False),
        ("for billing I have a question about something else", False),
    ],
)
def test_our_own_voice_is_told_from_an_answer(text, echo):
    assert is_echo(text, "Welcome. For billing, press one, or say billing.") is echo


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "xx"])
def test_yes_is_not_no(language):
    choices = {"yes": yes_words(language), "no": no_words(language)}
    for name, phrases in choices.items():
        for phrase in phrases:
            assert chosen(phrase, choices) == name, phrase
