"""Where an utterance goes on after a pause, and over a new stream."""

import pytest

from telebridge.audio.mulaw import from_samples, silence
from telebridge.call.session.audio.continuation import LEAST_REWOUND_MS, SNAP_MS, Cut, rest, rest_begins
from telebridge.playback.transcript import Transcript
from telebridge.speech.source import Rereadable, Word

LOUD = from_samples([8000, -8000] * 4)  # a millisecond
TEXT = "One two three."
WORDS = (Word("One", 0, 500), Word("two", 500, 1000), Word("three", 1000, 1500))


class Streamed(Rereadable):
    """A text whose author is still writing; `since` tells from where it is read again."""

    def __aiter__(self):
        return self

    async def __anext__(self):
        raise StopAsyncIteration

    def since(self, character):
        return f"from {character}"


def transcript(words=()):
    spoken = Transcript(TEXT)
    spoken.audio_ms = 1500
    spoken.add_words(words)
    return spoken


def test_the_word_that_was_cut_is_played_again_whole():
    rewound = Cut(1.0, 800.0, LOUD * 600).rewound(transcript(WORDS))
    assert 300 <= len(rewound) / 8 <= 300 + SNAP_MS


def test_it_goes_on_at_a_quiet_moment_shortly_before_the_word():
    tail = LOUD * 260 + silence(20) + LOUD * 320
    rewound = Cut(1.0, 800.0, tail).rewound(transcript(WORDS))
    assert 320 <= len(rewound) / 8 <= 340


def test_what_twilio_may_not_have_played_is_played_again_at_the_start_of_a_word():
    rewound = Cut(1.0, 501.0, LOUD * 500).rewound(transcript(WORDS))
    assert len(rewound) / 8 >= LEAST_REWOUND_MS


@pytest.mark.parametrize("tail", [b"", LOUD * 10])
def test_no_more_is_played_again_than_sounded(tail):
    assert Cut(1.0, 800.0, tail).rewound(transcript(WORDS)) == tail


@pytest.mark.parametrize(("heard", "left"), [(0, TEXT), (1, TEXT), (2, "two three."), (3, "three."), (4, "")])
def test_the_rest_of_a_text_begins_with_the_last_word_heard(heard, left):
    assert rest(TEXT, TEXT, heard) == left
    assert TEXT[rest_begins(TEXT, TEXT, heard) :] == left


def test_the_rest_of_a_streamed_text_goes_on_with_its_author():
    assert rest(Streamed(), "One two", 2) == "from 4"
    assert rest(Streamed(), "One two", 3) == "from 0", "more was heard than was taken: all of it again"
