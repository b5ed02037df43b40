# ruff: noqa: RUF001 - letters of other scripts are meant
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.unicode_text import TokenRepair, is_speakable, repaired, repaired_values, xml_text

ANY = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\ud83d\ude00\udc00\ud800\x00\x1b\ufffe"), max_size=30
)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("plain", "plain"),
        ("caf\u00e9", "caf\u00e9"),
        ("\ud83d\ude00", "\U0001f600"),
        ("a\ud83db", "a\ufffdb"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
    ],
)
def test_halves_are_joined_or_replaced(text, whole):
    assert repaired(text) == whole


@given(ANY)
def test_every_text_can_be_encoded_once_it_was_repaired(text):
    assert repaired(text).encode().decode() == repaired(text)
    assert repaired(repaired(text)) == repaired(text)


@given(st.text())
def test_a_text_that_is_whole_stays_as_it_is(text):
    assert repaired(text) == text


@given(st.lists(ANY, max_size=6))
def test_it_does_not_matter_where_the_tokens_part(tokens):
    repair = TokenRepair()
    whole = "".join(repair.feed(token) for token in tokens) + repair.finish()
    assert whole == repaired("".join(tokens))


def test_a_pair_over_two_tokens_is_joined():
    repair = TokenRepair()
    assert [repair.feed("Hi \ud83d"), repair.feed("\ude00!"), repair.finish()] == ["Hi ", "\U0001f600!", ""]


def test_values_are_repaired_however_deep():
    assert repaired_values({"\ud83d": ["\ude00", {"a": ("\ud83d\ude00", 1, None)}]}) == {
        "\ufffd": ["\ufffd", {"a": ("\U0001f600", 1, None)}]
    }


@given(ANY)
def test_every_text_can_stand_in_an_xml_document(text):
    element = ElementTree.Element("Say", {"voice": xml_text(text)})
    element.text = xml_text(text)
    ElementTree.fromstring(ElementTree.tostring(element, encoding="unicode").encode())


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a", "5", "日", "है", "ا", "½", "x😀"])
def test_letters_and_digits_of_any_script_have_a_sound(text):
    assert is_speakable(text)


@pytest.mark.parametrize("text", ["", " ", "😀", "**", "---", "…", "।", "$", "\u200b", "\ufffd"])
def test_anything_else_has_none(text):
    assert not is_speakable(text)
