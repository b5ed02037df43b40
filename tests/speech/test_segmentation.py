import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.segmentation import SentenceSegmenter, end_of_share, end_of_words, packed, pieces_of


def cut(*tokens, limit=500):
    segmenter = SentenceSegmenter(limit)
    pieces = [piece for token in tokens for piece in segmenter.feed(token)]
    return pieces + segmenter.finish()


@pytest.mark.parametrize(
    "text",
    [
        ["Hello there. ", "How are you? ", "Fine! ", "Good."],
        ["Take 2.5 ml of it. ", "Then rest."],
        ["Dr. Smith and Mrs. Jones are here. ", "Come in."],
        ["Ask for J. Smith at 5 p.m. today. ", "Thanks."],
        ["Well... I think so. ", "Yes."],
        ["Your code is spell(A.B. C). ", "Again?"],
        ["Wait <1. 5> now. ", "Go."],
        ['"Stop!" ', "he said."],
        ["One paragraph\n\n", "another"],
        ["If x < 5 go on. ", "Then go. ", "Now."],
        ["Say {k1Ast. 0xm} now. ", "Go."],
        ["你好。。", "再见。", "好"],
        ["See example.com for more. ", "Bye."],
    ],
)
def test_a_text_is_cut_where_sentences_end(text):
    assert cut("".join(text)) == text


def test_a_sentence_is_let_go_as_soon_as_a_blank_follows_it():
    segmenter = SentenceSegmenter()
    assert segmenter.feed("Hello there.") == []
    assert segmenter.feed(" ") == ["Hello there. "]


def test_a_sentence_that_is_too_long_is_cut_at_a_blank_and_a_word_where_it_must():
    assert cut("aaa bbb ccc", limit=8) == ["aaa bbb ", "ccc"]
    assert cut("a" * 20, limit=8) == ["a" * 8, "a" * 8, "a" * 4]


TEXT = st.text(st.sampled_from("ab. ?!,\n12<>spell(){}…Dr。"), max_size=120)


@given(TEXT, st.lists(st.integers(0, 120), max_size=10), st.integers(1, 30))
def test_pieces_are_the_text_however_it_comes_and_never_too_long(text, cuts, limit):
    places = sorted({0, len(text), *(min(place, len(text)) for place in cuts)})
    tokens = [text[start:end] for start, end in itertools.pairwise(places)]
    pieces = cut(*tokens, limit=limit)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert pieces == cut(text, limit=limit)


@pytest.mark.parametrize("places", [[], [3], [2], [1, 2, 3, 4]])
@pytest.mark.parametrize("text", ["a\n\n\nb", "a。。。b", "a?!?! b", "a...\n \nb"])
def test_a_run_of_marks_is_cut_alike_wherever_the_tokens_part(text, places):
    tokens = [text[start:end] for start, end in itertools.pairwise([0, *places, len(text)])]
    assert cut(*tokens) == cut(text)


def test_a_long_hostile_text_takes_no_longer_than_its_length():
    text = "spell({<1. " * 20_000
    assert "".join(cut(text)) == text


@given(TEXT, st.integers(1, 30))
def test_a_whole_text_is_packed_into_few_pieces(text, limit):
    pieces = pieces_of(text, limit)
    assert "".join(pieces) == text
    assert all(len(piece) <= limit for piece in pieces)
    assert not any(len(one) + len(two) <= limit for one, two in itertools.pairwise(pieces))


def test_packing_keeps_the_order():
    assert list(packed(["aa", "bb", "cc"], 4)) == ["aabb", "cc"]


# How much of a text was spoken.

PRESSES = "Press one, or two. Press one again."


def test_words_are_found_in_their_order_whatever_surrounds_them():
    assert PRESSES[: end_of_words(PRESSES, ["Press", "one"])] == "Press one,"
    assert (
        PRESSES[: end_of_words(PRESSES, ["Press", "one", "or", "two", "Press", "one"])]
        == "Press one, or two. Press one"
    )


def test_the_search_begins_where_the_present_part_does():
    start = PRESSES.index("Press one again")
    assert end_of_words(PRESSES, ["press", "one"], start) == PRESSES.index(" again")
    assert end_of_words(PRESSES, [], start) == start


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
