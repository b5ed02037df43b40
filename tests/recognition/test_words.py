"""What words mean: phrases, digits, yes and no, our own voice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("text", "language", "digits"),
    [
        ("one thousand two hundred", "en", "1200"),
        ("two thousand one hundred and five", "en", "2105"),
        ("two hundred and five", "en", "205"),
        ("a hundred and five", "en", "105"),
        ("eight hundred five five five", "en", "800555"),
        ("one hundred thousand", "en", "100000"),
        ("twenty oh five", "en", "2005"),
        ("DOUBLE OH SEVEN", "en", "007"),
        ("forty-two, four-seven", "en", "4247"),
        ("deux cent cinq", "fr", "205"),
        ("ciento cinco", "es", "105"),
        ("٤٢ two", "en", "422"),
        ("४२", "en", "42"),
    ],
)
def test_numbers_are_read_whole_and_as_digits_of_a_telephone(text, language, digits):
    assert spoken_digits(text, language) == digits
    assert only_digits(text, language) == digits


@pytest.mark.parametrize(
    ("text", "language"),
    [("one moment please", "en"), ("just one second", "en"), ("one million", "en"), ("eine Sekunde bitte", "de"),
     ("un momento", "es"), ("une seconde", "fr")],
)  # fmt: skip
def test_what_is_counted_is_no_digit(text, language):
    assert spoken_digits(text, language) == only_digits(text, language) == ""


def test_digits_after_a_moment_are_digits():
    assert spoken_digits("one moment, four seven", "en") == "47"


def test_a_key_after_a_sound_of_surprise_is_that_key():
    assert only_digits("oh, two", "en") == "2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not billing", None),
        ("I don't want my bill", None),
        ("I don't want the billing", None),
        ("billing, not appointments", "1"),
        ("not billing but appointments", "2"),
        ("not billing? yes, billing", "1"),
        ("no, billing", "1"),
        ("not the other thing, billing", "1"),
    ],
)
def test_what_is_denied_is_not_chosen(text, expected):
    choices = {"1": ("billing", "my bill"), "2": ("appointments",)}
    assert chosen(text, choices, deniable=True) == expected


@pytest.mark.parametrize(
    "text", ["that isn't right", "that's not right", "not really", "I don\u02bct think so", "ISN\u2018T CORRECT"]
)
def test_a_denied_yes_is_a_no(text):
    choices = {"yes": yes_words("en"), "no": no_words("en")}
    assert chosen(text, choices, deniable=True) == "no"


@pytest.mark.parametrize("text", ["not okay", "never correct", "it isn't absolutely"])
def test_a_denied_yes_is_no_yes(text):
    choices = {"yes": yes_words("en"), "no": no_words("en")}
    assert chosen(text, choices, deniable=True) != "yes"


ODD_WORDS = st.sampled_from(
    [
        *("double", "triple", "one", "oh", "twenty", "hundred", "thousand", "and", "a", "moment", "cent", "mil", "et"),
        *("not", "don't", "the", "my", "billing", "uh", "mm-hm", "42", "٤", "²", "½", "1,234", "O\u2019Neil", "İ", "ß"),
        *(
            "\u202e\u05e9\u05dc\u05d5\u05dd",
            "账单",
            "हिंदी",
            "e\u0301",
            "\x00",
            "\ud800",
            "...",
            "-",
            "_",
            "'",
            "five-five",
            "BILLING",
        ),
    ]
)
TEXTS = st.one_of(st.text(max_size=40), st.lists(ODD_WORDS, max_size=25).map(" ".join))


@given(TEXTS, st.sampled_from(["en", "de", "fr", "es", "it", "xx", ""]))
def test_whatever_is_said_is_digits_of_a_telephone_or_none(text, language):
    for digits in (spoken_digits(text, language), only_digits(text, language)):
        assert set(digits) <= set("0123456789")


@given(TEXTS, st.dictionaries(st.sampled_from("123"), st.lists(TEXTS, max_size=3), max_size=3), st.booleans())
def test_whatever_is_said_chooses_one_of_the_choices_or_none(text, choices, deniable):
    choice = chosen(text, choices, deniable=deniable)
    assert choice is None or choice in choices
    assert chosen("", choices, deniable=deniable) is None


def test_ten_thousand_characters_are_read():
    for text in ("double " * 1500, "5" * 10_000, "twenty hundred thousand and " * 400, "not the my " * 1000):
        assert len(spoken_digits(text, "en")) <= len(text)
        assert chosen(text, {"1": ("billing",), "2": ("not",)}, deniable=True) in (None, "2")
