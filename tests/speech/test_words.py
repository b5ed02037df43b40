# ruff: noqa: RUF001 - marks of other scripts are meant
"""Words and their boundaries in scripts with and without blanks."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.words import (
    boundaries,
    count_words,
    end_of_share,
    end_of_word,
    from_word,
    last_boundary,
    word_starts,
)

MIXED = st.text(
    st.sampled_from("日本語は「いい」ょーアカab 12.。'\", \nไทยดีक्षा(（）é\u0301😀\u200d가") | st.characters(),
    max_size=20,
)


@pytest.mark.parametrize(
    "words",
    [
        ["Hello ", "there, ", "you"],
        ["don't ", '"3.14" ', "a.m. ", "x"],
        ["हिन्दी ", "में ", "है।"],
        ["مرحبا ", "بك"],
        ["שלום ", "עולם"],
        ["தமிழ் ", "மொழி"],
        ["안녕하세요 ", "세계"],
        ["日", "本", "語", "は、", "「い", "い」", "で", "す。", "iPhone", "を"],
        ["きょ", "う"],
        ["カタカナー", "で", "す"],
        ["我", "喜", "欢", "你。"],
    ],
)
def test_a_text_parts_into_words_as_its_script_has_it(words):
    text = "".join(words)
    places = [0, *boundaries(text), len(text)]
    assert [text[start:end] for start, end in itertools.pairwise(places)] == words
    assert count_words(text) == len(words)


@given(MIXED)
def test_the_words_before_a_boundary_are_those_of_the_whole_text(text):
    starts = word_starts(text)
    for place in boundaries(text):
        assert count_words(text[:place]) == sum(start < place for start in starts)


@given(MIXED, st.integers(0, 25), st.integers(0, 25))
def test_a_search_that_begins_within_finds_the_same_boundaries(text, start, end):
    assert list(boundaries(text, start, end)) == [place for place in boundaries(text) if start <= place <= end]
    assert last_boundary(text, end) == max((place for place in boundaries(text) if place <= end), default=0)


@given(MIXED)
def test_the_rest_of_a_text_begins_with_the_last_word_that_was_heard(text):
    starts = word_starts(text)
    for heard, start in enumerate(starts, 1):
        assert from_word(text, heard) == text[start:].rstrip()
    assert from_word(text, 0) == (text[starts[0] :].rstrip() if starts else "")
    assert from_word(text, len(starts) + 1) == ""


@given(MIXED, st.integers(0, 20))
def test_a_word_ends_where_a_boundary_or_a_blank_is(text, position):
    position = min(position, len(text))
    end = end_of_word(text, position)
    assert end <= len(text)
    assert end == len(text) or end in set(boundaries(text)) or text[end].isspace() or text[:end] == text[:end].rstrip()


def test_a_share_ends_between_words():
    assert end_of_share("Hello there, you", 8) == len("Hello ")
    assert end_of_share("Hello\nthere, you", 8) == len("Hello ")
    assert end_of_share("Hello", 3) == 0
    assert end_of_share("Hello", 5) == 5
    assert end_of_share("日本語です", 2.9) == 2


@given(st.text(alphabet="ab \n", max_size=30), st.floats(0, 40))
def test_a_share_holds_no_word_that_was_not_asked_for_whole(text, characters):
    end = end_of_share(text, characters)
    assert end <= characters + 1, "the blank after the last word"
    assert end in (0, len(text)) or text[end - 1].isspace()
