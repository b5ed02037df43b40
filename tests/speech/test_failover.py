"""Which voice speaks on, and from which word; told without an event loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sources import WORD_BYTES, WORD_MS, speech_of, word_audio

from telebridge.errors import SpeechRejected, SpeechUnavailable
from telebridge.speech.failover import (
    USUAL_MS_PER_CHARACTER,
    Climb,
    Deliver,
    Finish,
    Left,
    Pace,
    Patience,
    Sounded,
    SpeakOn,
)
from telebridge.speech.source import Audio, Word, Words

TEXT = "one two three four five six"
GONE = SpeechUnavailable("gone")
RUNGS = [Patience("first", 3.0, 5.0), Patience("second", 2.0, 4.0), Patience("third", 10.0, 5.0)]


def climb(text=TEXT, *, order=(0, 1, 2), complete=True, paces=None):
    return Climb(RUNGS, paces or [Pace() for _ in RUNGS], order, text, complete=complete)


def fed(climber, events, now=0.0):
    """What the listener gets of these events."""
    effects = [effect for event in events for effect in climber.receive(event, now=now)]
    return [effect.event for effect in effects if isinstance(effect, Deliver)]


def next_start(effects):
    [start] = [effect.start for effect in effects if isinstance(effect, SpeakOn)]
    return start


def rest(climber, error=GONE, text=TEXT):
    """The text that the next rung is asked for when this one fails now."""
    return text[next_start(climber.receive_failure(error, now=0.0)) :].strip()


def told(events):
    return [word for event in events if isinstance(event, Words) for word in event.words]


def test_the_first_rung_is_asked_for_the_whole_text():
    climber = climb()
    assert climber.start(now=10.0) == [SpeakOn(0, 0)]
    assert climber.next_deadline() == 13.0


def test_audio_is_handed_on_at_once_and_the_patience_is_then_another():
    climber = climb()
    climber.start(now=10.0)
    assert climber.receive(Audio(b"abc"), now=11.0) == [Sounded(0), Deliver(Audio(b"abc"))]
    assert climber.next_deadline() == 16.0
    assert climber.receive(Audio(b"def"), now=12.0) == [Deliver(Audio(b"def"))]
    assert climber.next_deadline() == 17.0


def test_the_end_of_a_rung_that_spoke_all_is_the_end():
    climber = climb()
    climber.start(now=0.0)
    fed(climber, speech_of(TEXT))
    assert climber.receive_end() == [Finish()]
    assert climber.next_deadline() is None


def test_a_rung_that_gives_nothing_by_its_deadline_is_left_for_the_next():
    climber = climb()
    climber.start(now=0.0)
    left, speak_on = climber.handle_timeout(now=3.0)
    assert (left.rung, left.error.problem, left.sounded) == (0, "first gave no audio for 3 s", False)
    assert speak_on == SpeakOn(1, 0)
    assert climber.next_deadline() == 5.0


def test_a_rung_that_stalls_is_left_where_it_fell_silent():
    climber = climb()
    climber.start(now=0.0)
    fed(climber, speech_of("one two"), now=1.0)
    left, speak_on = climber.handle_timeout(now=6.0)
    assert (left.error.problem, left.sounded) == ("first gave no audio for 5 s", True)
    assert TEXT[speak_on.start :].strip() == "three four five six"


def test_when_every_rung_failed_the_first_failure_is_told():
    climber = climb()
    climber.start(now=0.0)
    climber.receive_failure(GONE, now=0.0)
    climber.receive_failure(SpeechUnavailable("later"), now=0.0)
    error = SpeechRejected("no such voice")
    assert climber.receive_failure(error, now=0.0) == [Left(2, error, sounded=False), Finish(GONE)]


def test_only_the_rungs_of_the_order_are_asked():
    climber = climb(order=[2])
    assert climber.start(now=0.0) == [SpeakOn(2, 0)]
    assert climber.receive_failure(GONE, now=0.0) == [Left(2, GONE, sounded=False), Finish(GONE)]


def test_a_final_failure_asks_nobody_else():
    climber = climb()
    climber.start(now=0.0)
    assert climber.receive_failure(GONE, now=0.0, final=True) == [Left(0, GONE, sounded=False), Finish(GONE)]


def test_a_rung_lost_after_its_last_word_leaves_nothing_to_say():
    climber = climb()
    climber.start(now=0.0)
    fed(climber, speech_of(TEXT))
    assert climber.receive_failure(GONE, now=0.0) == [Left(0, GONE, sounded=True), Finish()]


def test_the_word_that_broke_off_is_told_once_though_its_time_came_before_its_audio():
    climber = climb()
    climber.start(now=0.0)
    words = Words(told(speech_of(TEXT)))
    heard = fed(climber, [words, Audio(word_audio("one")), Audio(b"half of two")])
    assert [word.text for word in told(heard)] == ["one"]
    assert rest(climber) == "two three four five six"
    assert [word.text for word in told(fed(climber, speech_of("two three")))] == ["two", "three"]


def test_words_of_the_next_rung_come_after_all_audio_of_the_one_before():
    climber = climb()
    climber.start(now=0.0)
    fed(climber, [*speech_of("one"), Audio(bytes(WORD_BYTES // 2))])
    climber.receive_failure(GONE, now=0.0)
    [two] = told(fed(climber, speech_of("two")))
    assert two == Word("two", 1.5 * WORD_MS, 2.5 * WORD_MS)


def test_a_third_rung_goes_on_where_the_second_broke_off():
    climber = climb()
    climber.start(now=0.0)
    fed(climber, speech_of("one two"))
    assert rest(climber) == "three four five six"
    fed(climber, speech_of("three"))
    assert rest(climber) == "four five six"


def test_a_word_that_comes_twice_in_the_text_is_counted_as_it_was_spoken():
    text = "one and one and one is three"
    climber = climb(text)
    climber.start(now=0.0)
    fed(climber, speech_of("one and one"))
    assert rest(climber, text=text) == "and one is three"


@given(st.lists(st.sampled_from(["one", "two", "three", "on", "a", "an"]), min_size=1, max_size=12), st.data())
def test_with_times_the_words_of_all_rungs_joined_are_the_text(words, data):
    text = " ".join(words)
    climber = climb(text)
    climber.start(now=0.0)
    heard, start = [], 0
    for _ in range(2):
        spoken = text[start:].split()
        count = data.draw(st.integers(0, len(spoken)))
        heard += fed(climber, speech_of(" ".join(spoken[:count])))
        effects = climber.receive_failure(GONE, now=0.0)
        if Finish() in effects:
            break
        start = next_start(effects)
    else:
        heard += fed(climber, speech_of(text[start:]))
    assert [word.text for word in told(heard)] == words
    starts = [word.start_ms for word in told(heard)]
    assert starts == sorted(starts)


def test_without_times_the_words_are_estimated_by_how_fast_the_voice_speaks():
    climber = climb()
    climber.start(now=0.0)
    spoken = len("one two three ")
    fed(climber, [Audio(bytes(round(spoken * USUAL_MS_PER_CHARACTER * 8)))])
    assert rest(climber) == "four five six"


def test_an_estimate_never_leaves_a_text_that_broke_off_without_a_last_word():
    climber = climb()
    climber.start(now=0.0)
    fed(climber, [Audio(bytes(1_000_000))])
    assert rest(climber) == "six"


def test_where_times_stop_before_the_audio_does_the_rest_is_estimated():
    climber = climb()
    climber.start(now=0.0)
    audio = Audio(bytes(round(len("three ") * USUAL_MS_PER_CHARACTER * 8)))
    fed(climber, [*speech_of("one two"), Audio(audio.data)])
    assert rest(climber) == "four five six"


def test_a_pause_after_the_last_timed_word_is_no_further_word():
    climber = climb()
    climber.start(now=0.0)
    fed(climber, [*speech_of("one two"), Audio(bytes(8 * 150))])
    assert rest(climber) == "three four five six"


def test_a_voice_that_is_slow_is_known_to_be():
    paces = [Pace() for _ in RUNGS]
    for _ in range(50):
        climber = climb(paces=paces)
        climber.start(now=0.0)
        fed(climber, speech_of(TEXT, timed=False))
        climber.receive_end()
    per_character = 6 * WORD_MS / len(TEXT)
    assert paces[0].ms_per_character == pytest.approx(per_character, rel=0.01)
    assert paces[1].ms_per_character == USUAL_MS_PER_CHARACTER


def test_a_short_text_tells_nothing_about_a_voice():
    pace = Pace()
    pace.learn(5, 5000)
    assert pace.ms_per_character == USUAL_MS_PER_CHARACTER


def test_while_its_author_writes_no_deadline_runs():
    climber = climb("", complete=False)
    climber.start(now=0.0)
    assert climber.next_deadline() is None
    climber.add_text("one two ")
    climber.receive(Audio(b"abc"), now=1.0)
    assert climber.next_deadline() is None
    climber.text_complete(now=60.0)
    assert climber.next_deadline() == 65.0


def test_of_a_streamed_text_the_next_rung_is_asked_for_what_was_written_and_not_spoken():
    climber = climb("", complete=False)
    climber.start(now=0.0)
    climber.add_text("one two ")
    climber.add_text("three ")
    fed(climber, speech_of("one two"))
    assert rest(climber, text="one two three ") == "three"


def test_all_that_was_written_may_have_been_spoken_while_more_is_to_come():
    climber = climb("", complete=False)
    climber.start(now=0.0)
    climber.add_text("one two ")
    fed(climber, speech_of("one two"))
    assert next_start(climber.receive_failure(GONE, now=0.0)) >= len("one two")


def test_times_that_lie_past_the_audio_are_told_at_the_end():
    climber = climb("one")
    climber.start(now=0.0)
    assert told(fed(climber, [Audio(bytes(80)), Words((Word("one", 0.0, 500.0),))])) == []
    assert climber.receive_end() == [Deliver(Words((Word("one", 0.0, 500.0),))), Finish()]


def test_words_alone_are_no_first_audio():
    climber = climb()
    climber.start(now=10.0)
    climber.receive(Words(told(speech_of("one"))), now=12.0)
    assert climber.next_deadline() == 13.0


@pytest.mark.parametrize("text", ["Your code is spell(a b c d) thanks", "Say {k1 Ast 0xm b c} thanks"])
def test_markup_that_broke_off_is_spoken_again_as_a_whole(text):
    climber = climb(text)
    climber.start(now=0.0)
    opening = min(text.find(mark) for mark in ("spell(", "{") if mark in text)
    fed(climber, [Audio(bytes(round((opening + 11) * USUAL_MS_PER_CHARACTER * 8)))])
    assert rest(climber, text=text) == text[opening:]
