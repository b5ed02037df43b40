import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech.speaking_time import characters_within


@pytest.mark.parametrize(
    ("text", "characters"), [("hello there", 6), ("12345", 1), ("日本語です", 2), ("है है", 5), ("", 0)]
)
def test_a_script_whose_letters_say_more_gets_fewer_of_them_into_a_time(text, characters):
    assert characters_within(text, 200) == characters


@given(st.text(max_size=30), st.floats(0, 5000), st.floats(0, 5000))
def test_more_time_is_never_for_less_text(text, one, two):
    assert characters_within(text, min(one, two)) <= characters_within(text, max(one, two)) <= len(text)
