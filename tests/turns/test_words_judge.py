"""What words make of a sound over a prompt, and what the sound does where they come too late."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebridge.turns.barge_in import Decision
from telebridge.turns.words_judge import BY_BACKGROUND, BY_SOUND, LISTENING_SECONDS, FloorContest, FloorVerdict, Settled

WAIT = 0.6
PAUSE, COMMIT, RESUME = Decision.PAUSE, Decision.COMMIT, Decision.RESUME
TAKES, LEAVES, UNKNOWN = FloorVerdict.TAKES, FloorVerdict.LEAVES, FloorVerdict.UNKNOWN


def contest(*, paused=True):
    contest = FloorContest(WAIT)
    contest.prompt_began(1)
    contest.hearing = True
    if paused:
        assert sound(contest, PAUSE) == Settled(PAUSE, "")
    return contest


def sound(contest, decision, *, contested=True, speaking=True, now=0.0):
    return contest.sound_decided(decision, contested=contested, speaking=speaking, now=now)


def silence(contest, now=1.0):
    return sound(contest, RESUME, contested=False, speaking=False, now=now)


def words(contest, verdict, now=0.5, *, final=True):
    return contest.words_heard(verdict, "words", final=final, now=now)


def test_words_take_the_floor_as_soon_as_they_are_known():
    assert words(contest(), TAKES, final=False) == Settled(COMMIT, "words")


def test_a_back_channel_leaves_it_once_the_caller_is_silent():
    over = contest()
    assert silence(over) is None
    assert words(over, LEAVES, now=1.1) == Settled(RESUME, "words")
    assert not over.open


def test_a_short_back_channel_that_is_known_already_is_not_waited_for():
    over = contest()
    assert words(over, LEAVES, final=False) is None
    assert silence(over) == Settled(RESUME, "words")


def test_words_after_which_the_caller_speaks_on_leave_the_floor_no_more():
    over = contest()
    assert words(over, LEAVES, final=False) is None
    over.words_withdrawn()
    assert silence(over) is None, '"mm" may have been the beginning of "mm, no wait"'
    assert words(over, TAKES, now=1.1) == Settled(COMMIT, "words")


def test_a_long_sound_is_waited_for_although_its_first_word_is_a_back_channel():
    over = contest()
    assert sound(over, COMMIT, now=0.5) is None
    assert words(over, LEAVES, now=0.6, final=False) is None
    assert over.next_deadline() == 0.6 + LISTENING_SECONDS, "it hears, and has not heard all of it"
    assert silence(over) is None
    assert words(over, TAKES, now=1.2) == Settled(COMMIT, "words")


@pytest.mark.parametrize("decided", [RESUME, COMMIT])
def test_the_sound_decides_where_no_words_come(decided):
    over = contest()
    if decided is COMMIT:
        assert sound(over, COMMIT, now=0.5) is None
        assert over.next_deadline() == 0.5 + WAIT
    assert silence(over) is None
    assert over.handle_timeout(now=1.0) is None
    assert over.next_deadline() == 1.0 + WAIT
    assert over.handle_timeout(now=1.0 + WAIT) == Settled(decided, BY_SOUND)


def test_a_recognizer_that_fails_is_not_waited_for():
    over = contest()
    silence(over)
    assert words(over, UNKNOWN, now=1.0) == Settled(RESUME, BY_SOUND)


def test_words_that_come_after_the_prompt_went_on_still_take_the_floor():
    over = contest()
    silence(over)
    over.handle_timeout(now=2.0)
    assert words(over, LEAVES, now=2.5) is None
    assert words(over, TAKES, now=2.6) == Settled(COMMIT, "words")


def test_words_of_another_prompt_change_nothing():
    over = contest()
    silence(over)
    over.prompt_began(2)
    assert words(over, TAKES) is None
    assert over.next_deadline() is None


def test_who_goes_on_after_a_silence_is_heard_out():
    over = contest()
    silence(over)
    assert sound(over, PAUSE, now=1.3) == Settled(PAUSE, "")
    assert over.next_deadline() is None
    assert words(over, LEAVES, now=1.4) is None, "that was the sound before"
    assert silence(over, now=2.0) is None
    assert words(over, TAKES, now=2.1) == Settled(COMMIT, "words")


def test_what_is_found_to_be_background_goes_on_at_once():
    assert sound(contest(), RESUME) == Settled(RESUME, BY_BACKGROUND)


def test_without_a_recognizer_and_without_a_contest_the_sound_decides():
    away = contest(paused=False)
    away.hearing = False
    assert [sound(away, each) for each in Decision] == [Settled(each, BY_SOUND) for each in Decision]
    waits = contest(paused=False)
    assert sound(waits, PAUSE, contested=False).decision is PAUSE
    assert silence(waits).decision is RESUME, "a prompt that only waited for the caller's end"


def test_a_sound_that_takes_the_floor_at_once_pauses_the_prompt_for_its_words():
    over = contest(paused=False)
    assert sound(over, COMMIT) == Settled(PAUSE, "")
    assert over.handle_timeout(now=WAIT) == Settled(COMMIT, BY_SOUND)


STEPS = st.one_of(
    st.tuples(st.just("sound"), st.sampled_from(list(Decision)), st.booleans(), st.booleans()),
    st.tuples(st.just("words"), st.sampled_from(list(FloorVerdict)), st.booleans()),
    st.just(("prompt",)),
    st.just(("withdrawn",)),
    st.tuples(st.just("hearing"), st.booleans()),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_a_prompt_is_silent_for_no_longer_than_the_wait_after_the_caller(steps):
    over, now = contest(paused=False), 0.0
    for step in steps:
        now += 0.1
        match step:
            case ("sound", decision, contested, speaking):
                settled = sound(over, decision, contested=contested, speaking=speaking, now=now)
            case ("words", verdict, final):
                was_open = over.awaits_words
                settled = words(over, verdict, now, final=final)
                assert settled is None or was_open
            case ("withdrawn",):
                over.words_withdrawn()
                settled = None
            case ("hearing", hearing):
                over.hearing, settled = hearing, None
            case _:
                over.prompt_began(over.prompt + 1)
                settled = None
        assert settled is None or settled.decision is PAUSE or not over.open
    silence(over, now=now)
    if over.open:
        assert over.handle_timeout(now=now + WAIT).decision in {COMMIT, RESUME}
    assert not over.open
    assert over.next_deadline() is None
