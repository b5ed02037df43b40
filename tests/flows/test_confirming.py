"""An answer of which the recognizer was not sure is asked back."""

import pytest

from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.steps import Gathered
from telebridge.turns.digits import Ending

FLOW = Flow.model_validate(
    {
        "flow": "x",
        "start": "main",
        "nodes": {
            "main": {
                "menu": "Billing or support?",
                "choices": {1: {"then": "billing", "say": ["billing"]}, 2: {"then": "support", "say": ["support"]}},
                "confirm": {"below": 0.6},
                "no_match": {"say": "Sorry?", "then": "bye"},
            },
            **{name: {"hang_up": name} for name in ("billing", "support", "bye")},
        },
    }
)


def asked_back(confidence=0.4):
    interpreter = FlowInterpreter(FLOW, {})
    interpreter.start()
    return interpreter, interpreter.resume(Gathered("2", Ending.SPOKEN, "support", confidence))


def test_what_was_heard_is_asked_back():
    interpreter, question = asked_back()
    assert question.prompt.text.startswith("You said support. Is that right?")
    assert "yes" in question.words.choices["1"]
    assert interpreter.path == ["main"]


@pytest.mark.parametrize("confidence", [0.6, None])
def test_what_was_heard_well_is_not(confidence):
    assert asked_back(confidence)[1].text == "support"


@pytest.mark.parametrize("ending", [Ending.SPOKEN, Ending.COMPLETE])
def test_yes_takes_it_and_no_asks_again(ending):
    interpreter, _ = asked_back()
    assert interpreter.resume(Gathered("1", ending, "yes", 0.3)).text == "support"
    interpreter, _ = asked_back()
    assert interpreter.resume(Gathered("2", ending, "no", 0.3)).prompt.text == "Sorry? Billing or support?"


def test_silence_asks_the_question_itself_again():
    interpreter, _ = asked_back()
    assert interpreter.resume(Gathered("", Ending.NO_INPUT)).prompt.text == "Billing or support?"
