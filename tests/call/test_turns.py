"""The turns of the caller's that a Python flow takes: partial and final words, times, and what they interrupted."""

from contextlib import aclosing

import pytest

from telebridge import Bridge
from telebridge.recognition_server.script import ScriptedWords
from telebridge.testing.phone import Phone

STOP = "stop it now please I have heard enough of it"
STORY = "I could tell you a very long story about that, which goes on and on, and on and on, until you stop me."


def talk(act, *, provider="deepgram", judge="words", words=None, turns_taken=99):
    """A flow that tells the story again after each turn; returns the turns that it took."""
    bridge, taken = Bridge(), []

    @bridge.flow("agent")
    async def agent(call):
        async with aclosing(call.turns()) as turns:
            await call.say("Hello.")
            async for turn in turns:
                taken.append(turn)
                if turn.final and not turn.back_channel:
                    if len([each for each in taken if each.final]) >= turns_taken:
                        break
                    await call.say(STORY)
        await call.hang_up("Goodbye.")

    settings = {"recognition": {"provider": provider} if provider else {}, "barge_in": {"judge": judge}}
    with Phone(settings=settings) as phone:
        phone.words.refuse_status = words or 0
        with phone.call(bridge) as call:
            call.hears("Hello.")
            act(call)
        taken.append(call)
    return taken[:-1], taken[-1]


def finals(turns):
    return [turn for turn in turns if turn.final]


@pytest.mark.slow
@pytest.mark.parametrize("judge", ["words", "sound"])
def test_a_conversation(judge):
    def act(call):
        call.waits(1)
        call.says("I want to talk about billing")
        call.hears("a very long story")
        call.says(STOP)
        call.hears("I could tell")

    turns, call = talk(act, judge=judge)
    first, second = finals(turns)
    assert first.words == "I want to talk about billing"
    assert first.interruption is None
    partial = [turn for turn in turns if not turn.final and turn.began_seconds == first.began_seconds]
    assert [turn.words for turn in partial][:2] == ["I", "I want"]
    assert {turn.ended_seconds for turn in partial} == {None}
    assert 1.0 < first.ended_seconds - first.began_seconds < 2.5
    assert second.words == STOP
    assert second.interruption.heard_text.startswith("I could tell you")
    assert second.interruption == call.record.utterances[1].interruption
    assert second.began_seconds > first.ended_seconds


def test_a_back_channel_is_marked_and_ends_no_sentence():
    def act(call):
        call.waits(1)
        call.says("billing")
        call.hears("a very long")
        call.says("mm-hm")
        call.hears("until you stop me", within=10)
        call.waits(1)

    turns, call = talk(act)
    assert [(turn.words, turn.back_channel) for turn in finals(turns)] == [("billing", False), ("mm-hm", True)]
    assert call.record.utterances[1].interruption is None


def test_a_recognizer_that_answers_late_or_never_still_ends_the_turn():
    def act(call):
        call.says("one", heard=ScriptedWords("one", partials=False, delay_seconds=1.0))
        call.hears("I could tell", within=5)
        call.says("something longer than that", heard=ScriptedWords("x", partials=False, fault="hangs"))
        call.waits(3)

    turns, _ = talk(act)
    first, second = finals(turns)
    assert (first.words, first.heard) == ("one", True)
    assert (second.words, second.heard) == ("", False)
    assert second.interruption.reason == "sound"


def test_without_a_recognizer_turns_have_times_and_no_words():
    def act(call):
        call.says("hello there everybody")
        call.hears("I could tell", within=3)

    turns, _ = talk(act, provider="", judge="sound")
    [turn] = turns
    assert (turn.words, turn.final, turn.heard) == ("", True, False)
    assert turn.ended_seconds > turn.began_seconds


def test_a_cough_is_no_turn():
    def act(call):
        call.coughs()
        call.waits(1)
        call.says("billing")
        call.hears("I could tell")

    turns, _ = talk(act)
    assert [turn.words for turn in finals(turns)] == ["billing"]


def test_the_flow_may_stop_taking_turns():
    def act(call):
        call.says("billing")
        call.hears("Goodbye.")

    turns, call = talk(act, turns_taken=1)
    assert len(finals(turns)) == 1
    assert [utterance.text for utterance in call.record.utterances] == ["Hello.", "Goodbye."]
