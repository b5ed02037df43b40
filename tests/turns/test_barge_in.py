from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.turns.barge_in import BargeInCause, BargeInOptions, BargeInPolicy, Decision, SpeechBargeIn

OPTIONS = BargeInOptions(commit_after_ms=400, longest_wait_ms=1000)


@pytest.mark.parametrize(
    ("policy", "causes"),
    [
        (BargeInPolicy.ANY, {BargeInCause.SPEECH, BargeInCause.KEY}),
        (BargeInPolicy.SPEECH, {BargeInCause.SPEECH}),
        (BargeInPolicy.KEYS, {BargeInCause.KEY}),
        (BargeInPolicy.NONE, set()),
    ],
)
def test_a_prompt_yields_to_the_causes_its_policy_names_and_always_to_the_api_and_to_hanging_up(policy, causes):
    always = {BargeInCause.API, BargeInCause.HANG_UP}
    assert {cause for cause in BargeInCause if policy.yields_to(cause)} == causes | always


def decisions(options, *speech_ms, played_ms=1000.0, step_ms=100.0, there_first=False, risen=1.0):
    """What is decided when so much speech was heard, a step after the other; None is silence."""
    floor = SpeechBargeIn(options)
    told = []
    for number, heard in enumerate(speech_ms):
        told.append(
            floor.decide(
                speaking=heard is not None,
                speech_ms=heard or 0.0,
                risen_ms=(heard or 0.0) * risen,
                began_ms=0.0,
                there_first=there_first,
                now_ms=(number + 1) * step_ms,
                played_ms=played_ms + number * step_ms,
            )
        )
    return told


def told(floor, **heard):
    """What is decided on a caller who speaks, all of it clearly above a background that is known."""
    return floor.decide(speaking=True, there_first=False, risen_ms=heard["speech_ms"], **heard)


def test_a_sound_pauses_the_prompt_and_silence_resumes_it():
    assert decisions(OPTIONS, 60, 160, 160, None, None) == [Decision.PAUSE, None, None, Decision.RESUME, None]


def test_speech_that_goes_on_takes_the_floor():
    assert decisions(OPTIONS, 60, 160, 400, 500) == [Decision.PAUSE, None, Decision.COMMIT, None]


def test_the_next_prompt_begins_when_the_caller_who_took_the_floor_has_finished():
    assert decisions(OPTIONS, 60, 400, 500, None, None)[2:] == [None, Decision.RESUME, None]


def test_nobody_waits_for_ever_for_a_caller_who_never_finishes():
    told = decisions(OPTIONS, *range(60, 3000, 60), step_ms=60.0)
    assert told.count(Decision.COMMIT) == 1
    assert Decision.RESUME in told


def test_without_resuming_the_first_sound_takes_the_floor():
    assert decisions(replace(OPTIONS, resume=False), 60, None) == [Decision.COMMIT, Decision.RESUME]


def test_a_commit_at_onset_is_one_decision():
    assert decisions(replace(OPTIONS, commit_after_ms=0), 60) == [Decision.COMMIT]


def test_the_line_falls_silent_after_as_much_speech_as_is_set():
    assert decisions(replace(OPTIONS, pause_after_ms=150), 60, 120, 180) == [None, None, Decision.PAUSE]


def test_a_prompt_has_its_grace():
    told = decisions(replace(OPTIONS, grace_ms=250, commit_after_ms=1000), 60, 120, 180, 240, played_ms=0)
    assert told == [None, None, None, Decision.PAUSE]


def test_who_began_before_the_prompt_did_is_heard_out():
    told = decisions(OPTIONS, 700, 800, 900, None, played_ms=0.0)
    assert told == [Decision.PAUSE, None, None, Decision.RESUME]


def test_a_sound_that_is_neither_speech_nor_over_silences_nothing_for_ever():
    told = decisions(OPTIONS, *[60] * 40)
    assert told[0] is Decision.PAUSE
    assert told.count(Decision.RESUME) == 1
    assert told.index(Decision.RESUME) == 30


def test_speech_that_may_be_the_background_is_waited_for_but_takes_no_floor():
    heard_out = decisions(OPTIONS, 60, 160, None, there_first=True)
    assert heard_out == [Decision.PAUSE, None, Decision.RESUME]
    gone_on = decisions(OPTIONS, *range(60, 700, 100), there_first=True)
    assert gone_on[:5] == [Decision.PAUSE, None, None, None, Decision.RESUME]
    assert Decision.COMMIT not in gone_on


def test_only_what_rises_above_the_background_takes_the_floor():
    assert Decision.COMMIT not in decisions(OPTIONS, *range(60, 4000, 100), risen=0.1)
    assert Decision.COMMIT in decisions(OPTIONS, *range(60, 4000, 100), risen=0.5)


def test_the_wait_of_a_prompt_begins_when_it_does():
    floor = SpeechBargeIn(OPTIONS)
    heard = {
        "speaking": True,
        "speech_ms": 500.0,
        "risen_ms": 500.0,
        "began_ms": 0.0,
        "there_first": False,
        "played_ms": 9000.0,
    }
    floor.decide(now_ms=500.0, **heard)
    floor.prompt_waits(now_ms=20_000.0)
    assert floor.decide(now_ms=20_900.0, **heard) is None
    assert floor.decide(now_ms=21_100.0, **heard) is Decision.RESUME


def test_how_long_the_stop_took_is_told():
    floor = SpeechBargeIn(OPTIONS)
    told(floor, speech_ms=64, began_ms=1000.0, now_ms=1080.0, played_ms=500.0)
    assert floor.stop_ms == 80.0


def test_what_another_cause_interrupts_is_the_callers_until_they_have_finished():
    floor = SpeechBargeIn(OPTIONS)
    told(floor, speech_ms=64, began_ms=0.0, now_ms=64.0, played_ms=100.0)
    floor.interrupted(now_ms=100.0)
    assert floor.callers
    assert told(floor, speech_ms=500, began_ms=0.0, now_ms=500.0, played_ms=0.0) is None


@given(st.lists(st.one_of(st.none(), st.floats(min_value=0, max_value=2000)), max_size=60), st.booleans())
def test_every_pause_is_resolved_once(heard, resume):
    told = decisions(replace(OPTIONS, resume=resume), *heard, None)
    paused = False
    for decision in told:
        if decision is Decision.PAUSE:
            assert not paused
            paused = True
        elif decision is not None:
            paused = False
    assert not paused, "the last silence resumes what was paused"
