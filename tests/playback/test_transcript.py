from hypothesis import given
from hypothesis import strategies as st

from telebridge.playback.transcript import HeardText, Transcript
from telebridge.speech.source import Word


def timed(text, *words):
    transcript = Transcript(text)
    transcript.audio_ms += words[-1][2] if words else 0
    transcript.add_words(tuple(Word(*word) for word in words))
    transcript.complete()
    return transcript


def test_with_timings_a_word_is_heard_when_its_end_is():
    transcript = timed("Press one, now.", ("Press", 0, 300), ("one", 300, 600), ("now", 700, 1000))
    assert transcript.heard(599) == HeardText("Press", exact=True)
    assert transcript.heard(600) == HeardText("Press one,", exact=True)
    assert transcript.heard(1000) == HeardText("Press one, now.", exact=True)


def test_a_word_the_service_spells_otherwise_is_passed_over():
    transcript = timed(
        "Dial 5 now please.", ("dial", 0, 200), ("five", 200, 400), ("now", 400, 600), ("please", 600, 900)
    )
    assert transcript.heard(650).text == "Dial 5 now"


def test_punctuation_that_comes_as_a_word_changes_nothing():
    transcript = timed("Yes. No.", ("Yes", 0, 200), (".", 200, 210), ("No", 300, 500), (".", 500, 510))
    assert transcript.heard(250).text == "Yes."


def test_a_short_word_is_not_found_inside_a_longer_one():
    transcript = timed("Thanks for a call", ("thanks", 0, 1), ("for", 1, 2), ("a", 2, 3), ("call", 3, 4))
    assert transcript.heard(3.5).text == "Thanks for a"


def test_without_timings_the_text_is_cut_by_proportion_and_says_so():
    transcript = Transcript("one two three four")
    transcript.audio_ms += 1000
    assert transcript.heard(500) == HeardText("one two", exact=False)


def test_nothing_heard_is_exactly_nothing():
    assert Transcript("hello").heard(0) == HeardText("", exact=True)


def test_all_heard_is_exactly_all_even_without_timings():
    transcript = Transcript("hello there ")
    transcript.audio_ms += 500
    transcript.complete()
    assert transcript.heard(500) == HeardText("hello there", exact=True)


def test_beyond_the_timings_that_arrived_the_answer_is_an_estimate():
    transcript = Transcript("one two three four")
    transcript.audio_ms += 2000
    transcript.add_words((Word("one", 0, 400),))
    assert transcript.heard(400).exact
    assert not transcript.heard(900).exact


def test_tokens_of_a_stream_make_up_the_text():
    transcript = Transcript()
    for token in ("Hel", "lo ", "you."):
        transcript.add_text(token)
    assert transcript.text == "Hello you."


@given(st.text(max_size=60), st.floats(min_value=0, max_value=3000), st.floats(min_value=0, max_value=2000))
def test_the_heard_text_is_always_a_beginning_of_the_text(text, heard_ms, audio_ms):
    transcript = Transcript(text)
    transcript.audio_ms += audio_ms
    assert text.strip().startswith(transcript.heard(heard_ms).text)


def test_the_word_that_sounds_begins_where_its_timing_says():
    transcript = timed("Press one, now.", ("Press", 0, 300), ("one", 300, 600), ("now", 700, 1000))
    assert [transcript.word_begins(at) for at in (0, 299, 450, 600, 650, 999)] == [0, 0, 300, 600, 650, 700]
    assert transcript.word_begins(1000) == 1000, "after the last word"


def test_without_timings_of_it_nobody_knows_where_a_word_begins():
    transcript = Transcript("Press one, now.")
    assert transcript.word_begins(100) is None
    transcript.add_words((Word("Press", 0, 300),))
    assert transcript.word_begins(100) == 0
    assert transcript.word_begins(400) is None
