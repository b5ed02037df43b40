# ruff: noqa: RUF001 - marks of other scripts are meant
import itertools
import sys

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.segmentation import (
    _MARK,
    _MAY_END,
    SENTENCE_END,
    SentenceSegmenter,
    packed,
    pieces_of,
    sentence_ends,
)


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
        ["मेरा नाम राज है। ", "आप कैसे हैं? ", "ठीक॥", "हाँ"],
        ["كيف حالك؟ ", "بخير. ", "شكرا"],
        ["یہ ہے۔ ", "ٹھیک"],
        ["元気ですか？", "はい、元気です。", "3.5度です!", "「そう。」", "では"],
        ["你好！", "再见。", "ok. ", "好"],
        ["שלום. ", "מה שלומך? ", "טוב"],
        ["வணக்கம். ", "நலமா? ", "ஆம்"],
        ["ආයුබෝවන්. ", "කොහොමද? ", "හොඳයි"],
        ["Ք՞ո։ ", "Այո"],
        ["Ruf z. B. Dr. Maier an. ", "Danke."],
        ["Habla con la Sra. Gómez. ", "Gracias."],
        ["一行目\u2029", "二行目"],
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


TEXT = st.text(st.sampled_from("ab. ?!,\n12<>spell(){}…Dr。।है؟ょ日」\u0301") | st.characters(), max_size=120)


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
    text = "spell({<1. " * 5_000
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


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("The price of the larger one is tw", "The price of the larger one is "),
        ("Well, that is it, ", "Well, that is it, "),
        ("Press spell(A B", "Press "),
        ("Wait <30", "Wait "),
        ("日本語の", "日本語"),
        ("मेरा नाम है", "मेरा नाम "),
        ("One", None),
        ("", None),
        (" \n", None),
        ("“ *", None),
    ],
)
def test_of_a_text_that_stalls_the_whole_words_are_let_go(text, spoken):
    segmenter = SentenceSegmenter()
    assert segmenter.feed(text) == []
    assert segmenter.feed_nothing() == ([] if spoken is None else [spoken])
    assert segmenter.finish() == ([text.removeprefix(spoken or "")] if text != (spoken or "") else [])


@given(TEXT, st.lists(st.integers(0, 120), max_size=10), st.integers(1, 30))
def test_however_often_a_text_stalls_nothing_of_it_is_lost(text, cuts, limit):
    segmenter = SentenceSegmenter(limit)
    pieces = []
    places = sorted({0, len(text), *(min(place, len(text)) for place in cuts)})
    for start, end in itertools.pairwise(places):
        pieces += segmenter.feed(text[start:end]) + segmenter.feed_nothing()
    pieces += segmenter.finish()
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= limit for piece in pieces)


def test_a_long_sentence_without_blanks_is_cut_between_letters_and_not_within_one():
    assert cut("日本語日本語", limit=4) == ["日本語日", "本語"]
    assert cut("はきょうきょう", limit=4) == ["はきょう", "きょう"]
    assert cut("e\u0301" * 4, limit=3) == ["e\u0301"] * 4


EVERY_CHARACTER = "".join(map(chr, itertools.chain(range(0xD800), range(0xE000, sys.maxunicode + 1))))
MARKS = "".join(regex.findall(rf"[{_MARK}.!?\n\u2029]", EVERY_CHARACTER, regex.V1))


def test_every_sentence_mark_is_looked_at():
    assert len(MARKS) > 100
    assert [mark for mark in MARKS if not _MAY_END.match(mark)] == []


@given(
    st.lists(st.one_of(st.sampled_from(MARKS), st.sampled_from(" \n\t\"')».a我ب0-"), st.characters()), max_size=30),
    st.integers(0, 10),
)
def test_sentence_ends_are_all_that_the_expression_finds(characters, start):
    text = "".join(characters)
    assert list(sentence_ends(text, start)) == [found.end() for found in SENTENCE_END.finditer(text, start)]
