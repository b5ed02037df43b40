from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.mulaw import silence
from telebridge.simulator.caller.caller import (
    QUIET_FRAME,
    Caller,
    CallerStep,
    HangUpStep,
    Listen,
    Loudspeaker,
    Noise,
    Press,
    Script,
    Speak,
    Turn,
    WaitForPrompt,
    WaitForSilence,
    WaitUntil,
)
from telebridge.simulator.caller.noises import background
from telebridge.simulator.caller.sounds import is_audible
from telebridge.simulator.caller.voices import speech

LOUD = speech(20)
QUIET = b""


def perform(caller: Caller, *frames: bytes) -> list[Turn]:
    return [caller.frame(heard) for heard in frames]


def test_a_caller_without_a_script_stays_on_the_line_in_silence() -> None:
    turns = perform(Caller(Script()), *[LOUD] * 100)
    assert turns == [Turn(QUIET_FRAME)] * 100


def test_listening_takes_its_time() -> None:
    turns = perform(Caller(Script((Listen(0.1), HangUpStep()))), *[QUIET] * 8)
    assert [turn.hung_up for turn in turns] == [False] * 5 + [True] + [False] * 2


def test_a_key_is_pressed_when_the_prompt_has_been_heard_for_a_while() -> None:
    turns = perform(Caller(Script((WaitForPrompt(into_ms=60), Press("1")))), *[QUIET] * 5, *[LOUD] * 5)
    assert [number for number, turn in enumerate(turns) if turn.keys] == [8]


def test_a_key_may_follow_the_first_sound_of_a_prompt() -> None:
    turns = perform(Caller(Script((WaitForPrompt(), Press("1")))), QUIET, LOUD, QUIET)
    assert [turn.keys for turn in turns] == ["", "", "1"]


def test_a_prompt_that_never_comes_is_not_waited_for_forever() -> None:
    turns = perform(Caller(Script((WaitForPrompt(timeout_seconds=0.1), HangUpStep()))), *[QUIET] * 6)
    assert turns[-1].hung_up


def test_the_end_of_a_prompt_is_a_silence_after_sound() -> None:
    caller = Caller(Script((WaitForSilence(ms=40), HangUpStep())))
    turns = perform(caller, *[QUIET] * 10, LOUD, QUIET, LOUD, QUIET, QUIET, QUIET)
    assert [turn.hung_up for turn in turns].index(True) == 15


def test_speech_comes_in_whole_frames_and_ends_padded() -> None:
    spoken = speech(50)
    turns = perform(Caller(Script((Speak(spoken), Listen(1)))), *[QUIET] * 4)
    assert b"".join(turn.audio for turn in turns) == spoken + silence(30)
    assert [turn.began for turn in turns] == [Speak(spoken), None, None, Listen(1)]


def test_keys_are_pressed_one_after_the_other() -> None:
    turns = perform(Caller(Script((Press("12w#", gap_ms=100), HangUpStep()))), *[QUIET] * 50)
    assert [(number, turn.keys) for number, turn in enumerate(turns) if turn.keys] == [(0, "1"), (5, "2"), (35, "#")]
    assert [turn.hung_up for turn in turns].index(True) == 40


steps = st.lists(
    st.one_of(
        st.builds(Listen, st.floats(0, 0.2)),
        st.builds(WaitForPrompt, st.integers(0, 100), st.floats(0, 0.2)),
        st.builds(WaitForSilence, st.integers(0, 100), st.floats(0, 0.2)),
        st.builds(Speak, st.binary(max_size=700)),
        st.builds(Press, st.text("0123456789*#w", max_size=3), st.integers(0, 100)),
    ),
    max_size=6,
)


@given(steps, st.lists(st.booleans(), max_size=40))
def test_every_script_comes_to_its_end_frame_by_frame(script: list[CallerStep], sounds: list[bool]) -> None:
    caller = Caller(Script((*script, HangUpStep())))
    turns = [caller.frame(LOUD if sound else QUIET) for sound in sounds]
    while not caller.finished:
        turns.append(caller.frame(QUIET))
        assert len(turns) < 2000
    assert all(len(turn.audio) == 160 for turn in turns)
    assert sum(turn.hung_up for turn in turns) == 1
    assert sum(len(turn.keys) for turn in turns) == sum(
        len(step.keys.replace("w", "")) for step in script if isinstance(step, Press)
    )


def test_what_is_around_the_caller_takes_no_time_and_stays() -> None:
    hum = background("hum", -30)
    caller = Caller(Script((Noise(hum), Loudspeaker(-6.0, 20), Speak(LOUD), HangUpStep())))
    turns = perform(caller, LOUD, QUIET, QUIET)
    assert turns[0].began == Speak(LOUD), "noise and loudspeaker are no steps that are waited for"
    assert turns[0].audio != LOUD, "the echo and the noise are in it"
    assert turns[1].hung_up
    assert all(is_audible(turn.audio) for turn in turns)


def test_a_caller_waits_until_a_time_of_the_line() -> None:
    caller = Caller(Script((Listen(0.1), WaitUntil(0.5), Press("1"), WaitUntil(0.2), Press("2"))))
    turns = perform(caller, *[QUIET] * 60)
    pressed = {turn.keys: number * 20 for number, turn in enumerate(turns) if turn.keys}
    assert pressed["1"] == 500
    assert pressed["2"] <= 500 + 260 + 20, "what is past is not waited for"
