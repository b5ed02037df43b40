import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.cleaning import MarkupCleaner, cleaned
from telebridge.speech.markup import speech_tags


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**Bold** and *it*, __x__ and _y_ ~~no~~", "Bold and it, x and y no"),
        ("un**believ**able", "unbelievable"),
        ("# Head\n- one\n* two\n+ three\n• four\n1. five", "Head\none\ntwo\nthree\nfour\n1. five"),
        ("one\n---\ntwo\n***\nthree", "one\n\ntwo\n\nthree"),
        ("> quoted", "quoted"),
        ("See [the docs](https://a.b/c?d=(e)) and ![a plan](x.png).", "See the docs and a plan."),
        ("[**Bold** link](x)", "Bold link"),
        ("Go to https://www.example.com/path?x=1.", "Go to example.com."),
        ("Write to <mailto:me@example.com>", "Write to me@example.com"),
        ("Hi 😀👍🏽👨‍👩‍👧🇩🇪 there", "Hi  there"),
        ("1️⃣ one", "1 one"),
        ('<speak>Hello<break time="1s"/>you</speak>', "Hello you "),
        ("<emphasis level='strong'>now</emphasis>", "now"),
        ('<mstts:express-as style="sad">so</mstts:express-as>', "so"),
        ("<think>\nsecret **x** < y </thin\n</THINK>Answer", "Answer"),
        ("<think>never closed", ""),
        ("one <!-- hidden --> two", "one  two"),
        ("AT&amp;T &#39;s", "AT&T 's"),
        ("```python\nprint\n```\nand `code`", "\nprint\n\nand code"),
        ("| a | b |\n|---|:-:|\n| 1 | -2 |\n", "a , b \n\n1 , -2 \n"),
        (r"\*no\* \# no", "*no* # no"),
    ],
)
def test_marks_go_and_words_stay(text, spoken):
    assert cleaned(text) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4 is 24, 2*3 is 6, 2**3 is 8",
        "f(x) * g(x)",
        "5 < 6 and 7 > 6",
        "> 50 % is much",
        "It is < 5 % or > 50 %.",
        "a <b and c> d",
        "snake_case_name",
        "C# and F#, room #5",
        "about ~50 people",
        "Wait <300> and spell(ABC) and {k1Ast0xm}.",
        "AT&T & co",
        "a - b, -5, a -- b",
        "What! Why? Hm... [sic] (yes)",
        "who has what, http and www alone",
        "5 x 3 = 15",
        "हिन्दी में क्‍ष। 日本語「はい」",
        "Acme© and Foo™",
        "either | or",
    ],
)
def test_what_is_no_markup_is_left_alone(text):
    assert cleaned(text) == text


PIECES = [
    *"*_~`#>-+=<[]()!|&\\ha .\n1xé日",
    *[
        "<think>",
        "</think>",
        "<b>",
        "<break/>",
        "http://a.b ",
        "😀",
        "\u200d",
        "&amp;",
        "**",
        "---\n",
        "](",
        "|--|",
        "\ufe0f",
        "•",
    ],
]
MARKED = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join)


@given(MARKED, st.lists(st.integers(0, 80), max_size=12))
def test_it_does_not_matter_where_the_tokens_part(text, cuts):
    cleaner = MarkupCleaner()
    places = sorted({0, len(text), *(min(place, len(text)) for place in cuts)})
    spoken = "".join(cleaner.feed(text[start:end]) for start, end in itertools.pairwise(places)) + cleaner.finish()
    assert spoken == cleaned(text)


@given(st.text(st.characters(categories=("L", "Nd", "Zs", "Po"), exclude_characters="*#&\\!@/:"), max_size=60))
def test_plain_words_of_any_language_are_left_alone(text):
    assert cleaned(text) == text


def test_a_tag_over_several_tokens_is_held_back_until_it_ends():
    cleaner = MarkupCleaner()
    tokens = ("Yes <br", "eak ti", 'me="1s"', "/> and")
    assert [cleaner.feed(token) for token in tokens] == ["Yes ", "", "", " and"]


@pytest.mark.parametrize(
    "text", ["<" * 5000, "[" * 5000, "<a " * 2000, "*" * 5000, "> " * 3000, "`" * 5000, "&" * 5000]
)
def test_a_hostile_text_is_cleaned_in_its_stride(text):
    cleaner = MarkupCleaner()
    for character in text:
        cleaner.feed(character)
    cleaner.finish()


def test_tags_are_found_for_who_warns_of_them():
    assert speech_tags('Hi <break time="1s"/> <b>you</b> <300> 5 < 6 > 3 <foo>') == [
        '<break time="1s"/>',
        "<b>",
        "</b>",
    ]
