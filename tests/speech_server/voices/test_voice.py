"""Every written word has its times, whatever events a synthesizer reports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech_server.voices.voice import WordStart, spoken_words


def times(text, *starts, seconds=4.0):
    words = spoken_words(text, [WordStart(*start) for start in starts], duration_seconds=seconds)
    return [(word.text, word.start_seconds, word.end_seconds) for word in words]


def test_a_word_lasts_until_the_next_one_begins():
    assert times("One two", (0, 0.0), (4, 1.5)) == [("One", 0.0, 1.5), ("two", 1.5, 4.0)]


def test_several_events_of_a_written_word_are_one_entry():
    assert times("take 2.5ml now", (0, 0.0), (5, 1.0), (7, 1.5), (8, 2.0), (11, 3.0)) == [
        ("take", 0.0, 1.0),
        ("2.5ml", 1.0, 3.0),
        ("now", 3.0, 4.0),
    ]


def test_a_word_without_an_event_begins_with_the_next_one():
    assert times("a b c", (0, 0.0), (4, 2.0)) == [("a", 0.0, 2.0), ("b", 2.0, 2.0), ("c", 2.0, 4.0)]


@pytest.mark.parametrize("text", ["", " ", "- ( )"])
def test_a_text_without_words_has_no_entries(text):
    assert times(text, (0, 0.0)) == []


@given(
    st.text(alphabet="ab1 -.", max_size=30),
    st.lists(st.tuples(st.integers(0, 40), st.floats(0, 9)), max_size=8),
    st.floats(0, 9),
)
def test_times_never_overlap_nor_leave_the_audio(text, starts, seconds):
    entries = times(text, *starts, seconds=seconds)
    edges = [edge for _, begin, end in entries for edge in (begin, end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= seconds for edge in edges)
