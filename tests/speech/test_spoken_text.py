"""Texts are cut between words, where their words or their share of the audio ended."""

from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.segmentation import end_of_share, end_of_words

TEXT = "Press one, or two. Press one again."


def test_words_are_found_in_their_order_whatever_surrounds_them():
    assert TEXT[: end_of_words(TEXT, ["Press", "one"])] == "Press one,"
    assert TEXT[: end_of_words(TEXT, ["Press", "one", "or", "two", "Press", "one"])] == "Press one, or two. Press one"


def test_the_search_begins_where_the_present_part_does():
    start = TEXT.index("Press one again")
    assert end_of_words(TEXT, ["press", "one"], start) == TEXT.index(" again")
    assert end_of_words(TEXT, [], start) == start


def test_a_word_that_is_spelled_otherwise_is_passed_over():
    assert end_of_words("Dial 5 now.", ["Dial", "five", "now"]) == len("Dial 5 now.")


def test_a_share_ends_between_words():
    assert end_of_share("Hello there, you", 8) == len("Hello ")
    assert end_of_share("Hello\nthere, you", 8) == len("Hello ")
    assert end_of_share("Hello", 3) == 0
    assert end_of_share("Hello", 5) == 5


@given(st.text(alphabet="ab \n", max_size=30), st.floats(0, 40))
def test_a_share_holds_no_word_that_was_not_asked_for_whole(text, characters):
    end = end_of_share(text, characters)
    assert end <= characters + 1, "the blank after the last word"
    assert end in (0, len(text)) or text[end - 1].isspace()
