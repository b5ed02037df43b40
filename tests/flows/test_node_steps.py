"""The step of each kind of node, with its texts filled in."""

import pytest
from support.flow_walk import DESK, FOUND, MESSAGE, SAID, flow_of, gathered, texts, walk

from telebridge.audio.tones import dtmf
from telebridge.flows.model import APOLOGY
from telebridge.flows.steps import (
    Collect,
    Done,
    HangUp,
    Play,
    Record,
    Request,
    Transfer,
    Wait,
)
from telebridge.turns.barge_in import BargeInPolicy


def test_policies_and_voices_are_the_nodes_own():
    _, steps = walk(SAID, gathered("1"), gathered("12345"), SAID)
    assert steps[0].barge_in is BargeInPolicy.NONE
    assert steps[1].prompt.barge_in is None, "the settings say"
    assert steps[4].barge_in is BargeInPolicy.NONE, "a goodbye is not cut"
    assert [step.voice["speaker"] for step in (steps[0], steps[2].prompt)] == ["luna", "cove"]


def test_a_wait_and_tones_go_on_when_they_are_over():
    flow = flow_of(
        wait={"wait": "2s", "then": "dial"},
        dial={"send_digits": "12w{{ from[1:] }}", "then": "bye"},
        bye={"hang_up": None},
    )
    _, steps = walk(SAID, SAID, flow=flow)
    assert steps[0] == Wait(2.0)
    assert steps[1] == Play(dtmf("12w1555"), "digits 12w1555")
    assert steps[2] == HangUp()


def test_a_condition_cannot_reach_what_is_not_its_own():
    flow = flow_of(a={"choose": [{"if": "''.__class__.__mro__", "then": "b"}, {"then": "b"}]}, b={"hang_up": None})
    interpreter, _ = walk(flow=flow)
    assert "SecurityError" in interpreter.failure


def test_a_request_is_filled_in_and_its_answer_is_known_from_then_on():
    _, [asked, said] = walk(FOUND, flow=DESK)
    assert asked == Request(
        "POST", "https://x.test/%2B1555", {"Authorization": "B k1"},
        {"phone": "+1555", "tries": 2, "all": ["k1"]}, None, 3.0,
    )  # fmt: skip
    assert said.text == "Hello Ann, 7."


def test_a_function_is_given_what_is_known_and_what_it_returns_is_kept():
    interpreter, steps = walk(FOUND, SAID, Done("nine to five"), flow=DESK)
    assert (steps[2].function, steps[2].timeout_seconds) == ("hours", 2.0)
    assert steps[2].variables["found"] == FOUND.value
    assert texts(steps)[3] == "Open nine to five."
    assert interpreter.variables["hours"] == "nine to five"


def test_a_recording_has_its_limits_and_is_known_by_its_file():
    interpreter, steps = walk(FOUND, SAID, Done(1), SAID, MESSAGE, flow=DESK)
    prompt = steps[4].prompt
    assert steps[4] == Record(prompt, beep=False, longest_seconds=60.0, silence_seconds=4.0, finish_on_key="*")
    assert prompt.text == "Speak, Ann."
    assert interpreter.variables["message"] == {"file": "a.wav", "seconds": 12.3}


def test_a_transfer_is_filled_in():
    _, steps = walk(FOUND, SAID, Done(1), SAID, MESSAGE, flow=DESK)
    assert steps[-1] == Transfer("+15551230100", 20.0, "+1666", "From +1555.")


@pytest.mark.parametrize("to", ["{{ nobody }}", "{{ wrong }}"])
def test_who_cannot_be_called_was_not_reached(to):
    nodes = {"b": {"say": "Sorry.", "then": "c"}, "c": {"hang_up": None}}
    flow = flow_of(a={"transfer": to, "failed": "b"}, **nodes, variables={"nobody": "", "wrong": "call 911"})
    assert texts(walk(flow=flow)[1]) == ["Sorry."]
    flow = flow_of(a={"transfer": to}, variables={"nobody": "", "wrong": "call 911"})
    interpreter, steps = walk(flow=flow)
    assert texts(steps) == [APOLOGY]
    assert "cannot be called" in interpreter.failure


def test_a_voice_that_was_set_stays_until_it_is_set_anew():
    flow = flow_of(
        a={"say": "Hello.", "then": "b"},
        b={"set": {}, "speech": {"lang": "es", "speaker": "luz"}, "then": "c"},
        c={"say": "Hola.", "speech": {"speaker": "sol"}, "then": "d"},
        d={"menu": "Uno o dos?", "choices": {1: "e"}},
        e={"set": {}, "speech": {"lang": "en", "speaker": "luna"}, "then": "f"},
        f={"hang_up": "Bye."},
        speech={"speaker": "luna", "rate": 1.0},
    )
    interpreter, steps = walk(SAID, SAID, gathered("1"), flow=flow)
    voices = [(step.prompt if isinstance(step, Collect) else step).voice for step in steps]
    assert voices == [
        {"speaker": "luna", "rate": 1.0},
        {"speaker": "sol", "rate": 1.0, "lang": "es"},
        {"speaker": "luz", "rate": 1.0, "lang": "es"},
        {"speaker": "luna", "rate": 1.0, "lang": "en"},
    ]
    assert interpreter.position.voice == {"lang": "en", "speaker": "luna"}, "another process speaks the same language"


def test_variables_within_variables_are_found_by_a_variable():
    flow = flow_of(
        a={"set": {"lang": "es", "say": {"bye": "Adiós {{ from }}"}}, "then": "b"},
        b={"say": "{{ texts[lang].hello }}, {{ say.bye }}.", "then": "c"},
        c={"hang_up": None},
        variables={"texts": {"en": {"hello": "Hello"}, "es": {"hello": "Hola"}}},
    )
    assert texts(walk(flow=flow)[1]) == ["Hola, Adiós +1555."]
