"""How far a text was spoken, by words that the service may spell otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.alignment import spoken_until
from telebridge.speech.source import Word

TEXT = "Press one, or two. Press one again."


def timed(words, ms=300):
    return [Word(word, at * ms, (at + 1) * ms) for at, word in enumerate(words)]


def spoken(text, words, heard=None, start=0):
    found = spoken_until(text, timed(words), len(words) if heard is None else heard, start)
    return text[: found.position], found.exact


def test_words_are_found_in_their_order_whatever_surrounds_them():
    assert spoken(TEXT, ["Press", "one"]) == ("Press one,", True)
    assert spoken(TEXT, ["Press", "one", "or", "two", "Press", "one"]) == ("Press one, or two. Press one", True)


def test_the_search_begins_where_the_present_part_does():
    start = TEXT.index("Press one again")
    assert spoken(TEXT, ["press", "one"], start=start) == (TEXT.removesuffix(" again."), True)
    assert spoken(TEXT, [], start=start) == (TEXT[:start], True)


def test_a_word_that_is_spelled_otherwise_is_passed_over():
    assert spoken("Dial 5 now.", ["Dial", "five", "now"]) == ("Dial 5 now.", True)


PAID = "Pay $100 to one hundred people."
SAID = ["pay", "one", "hundred", "dollars", "to", "one", "hundred", "people"]


@pytest.mark.parametrize(
    ("heard", "text", "exact"),
    [
        (1, "Pay", True),
        (2, "Pay", False),
        (3, "Pay", False),
        (4, "Pay $100", True),
        (5, "Pay $100 to", True),
        (6, "Pay $100 to one", True),
        (8, PAID, True),
    ],
)
def test_spoken_words_of_a_number_do_not_run_ahead_to_the_same_words_in_the_text(heard, text, exact):
    assert spoken(PAID, SAID, heard) == (text, exact)


@pytest.mark.parametrize("heard", range(len(SAID) + 1))
def test_without_the_words_to_come_the_answer_is_too_early_rather_than_too_late(heard):
    assert len(spoken(PAID, SAID[:heard])[0]) <= len(spoken(PAID, SAID, heard)[0])


def test_a_word_of_several_parts_counts_when_all_of_it_was_spoken():
    assert spoken("A well-known name", ["a", "well"]) == ("A", True)
    assert spoken("A well-known name", ["a", "well", "known"]) == ("A well-known", True)
    assert spoken("It's 9 a.m. now", ["its", "nine", "am", "now"]) == ("It's 9 a.m. now", True)


def test_markup_that_no_word_is_spoken_for_is_passed_over():
    assert spoken("Wait <300> now", ["wait", "now"]) == ("Wait <300> now", True)
    assert spoken("Say spell(AB) now", ["say", "A", "B", "now"]) == ("Say spell(AB) now", True)


def test_words_that_the_service_left_out_are_passed_over_where_several_in_a_row_agree():
    text = "The (so called) end of the long road is here"
    assert spoken(text, ["the", "end", "of", "the", "long", "road"])[0] == "The (so called) end of the long road"
    assert spoken(text, ["the", "road"])[0] == "The", "one word is no proof"


def test_scripts_without_blanks_are_followed_letter_by_letter():
    assert spoken("今日は天気です。", ["今日", "は", "天気"]) == ("今日は天気", True)
    assert spoken("今日は天気です。", ["今日は"]) == ("今日は", True)


def test_the_marks_of_a_script_are_part_of_its_words():
    assert spoken("मेरा नाम राज है।", ["मेरा", "नाम"]) == ("मेरा नाम", True)


def test_a_stretch_that_nobody_could_have_read_in_the_time_was_not_spoken():
    text = "One " + "9" * 200 + " two"
    assert spoken(text, ["one", "well", "two"]) == ("One", False)


WORDS = st.lists(
    st.sampled_from(["one", "two", "$100", "hundred", "dollars", "to", "a", "日本", "है", "-", "5"]), max_size=12
)


@given(WORDS, WORDS, st.integers(0, 12), st.integers(0, 10))
def test_the_answer_lies_within_the_text_and_never_goes_back(text_words, said, heard, start):
    text = " ".join(text_words)
    start, heard = min(start, len(text)), min(heard, len(said))
    found = spoken_until(text, timed(said), heard, start)
    assert start <= found.position <= len(text)
    for fewer in range(heard):
        assert spoken_until(text, timed(said), fewer, start).position <= found.position


@given(WORDS, st.integers(0, 12))
def test_a_text_spoken_as_it_is_written_is_followed_exactly(words, heard):
    heard = min(heard, len(words))
    found = spoken_until(" ".join(words), timed(words), heard)
    assert found.exact
    said = [word for word in words[:heard] if word != "-"]
    assert [word for word in " ".join(words)[: found.position].split() if word != "-"] == said


@given(st.text(max_size=40), st.lists(st.text(max_size=8), max_size=8))
def test_whatever_the_service_says_the_answer_is_a_beginning_of_the_text(text, said):
    assert 0 <= spoken_until(text, timed(said), len(said)).position <= len(text)
