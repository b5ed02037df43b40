"""What can be spoken before anybody calls is exactly what the interpreter will say."""

from pathlib import Path

import pytest

from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.loading import load_flow
from telebridge.flows.model import APOLOGY, Flow
from telebridge.flows.prompts import DynamicPrompt, StaticPrompt, prompts_of
from telebridge.flows.steps import Gathered, HangUp, Said, Say
from telebridge.turns.digits import Ending

CONFIG = Path(__file__).parent.parent.parent / "config" / "flows"


def flow(nodes, start="start", **more):
    return Flow.model_validate({"flow": "test", "start": start, "nodes": nodes, **more})


def static(found):
    return [prompt.text for prompt in found if isinstance(prompt, StaticPrompt) and prompt.text != APOLOGY]


def dynamic(found):
    return [(prompt.node, prompt.reason) for prompt in found if isinstance(prompt, DynamicPrompt)]


def test_what_a_node_says_is_told_with_its_voice():
    found = prompts_of(
        flow(
            {
                "start": {"say": "Hello  there.", "then": "bye", "speech": {"speaker": "luna"}},
                "bye": {"hang_up": "Bye."},
            },
            speech={"model": "mistv2"},
        )
    )
    assert found[0] == StaticPrompt("start", "Hello there.", {"model": "mistv2", "speaker": "luna"})
    assert StaticPrompt("bye", "Bye.", {"model": "mistv2"}) in found


def test_a_flow_without_a_voice_of_its_own_has_the_settings_voice():
    assert prompts_of(flow({"start": {"hang_up": "Bye."}}))[0].voice is None


def test_the_flows_own_variables_are_filled_in():
    found = prompts_of(flow({"start": {"hang_up": "Bye from {{ company }}."}}, variables={"company": "Acme"}))
    assert static(found) == ["Bye from Acme."]


@pytest.mark.parametrize("setter", [{"set": {"company": "B"}, "then": "bye"}, None])
def test_a_variable_that_a_node_sets_leaves_the_text_open(setter):
    nodes = {"start": {"hang_up": "Bye from {{ company }}."}, "bye": {"hang_up": None}}
    if setter is None:
        setter = {"collect": "Number?", "into": "company", "then": "bye"}
    found = prompts_of(flow({**nodes, "set": setter}, variables={"company": "Acme"}))
    assert dynamic(found) == [("start", "depends on company")]


def test_the_numbers_of_the_call_leave_the_text_open_whatever_the_flow_says():
    found = prompts_of(flow({"start": {"hang_up": "{{ from }} and {{ to }}"}}, variables={"to": "+1"}))
    assert dynamic(found) == [("start", "depends on from, to")]


def test_a_text_that_cannot_be_filled_in_or_is_empty_is_told_with_the_reason():
    nodes = {"start": {"say": "{{ number + 'a' }}", "then": "bye"}, "bye": {"hang_up": "{{ '' }}"}}
    [(first, broken), (second, empty)] = dynamic(prompts_of(flow(nodes, variables={"number": 1})))
    assert (first, second, empty) == ("start", "bye", "comes out empty")
    assert broken.startswith("TypeError")


def test_questions_are_told_as_they_are_asked_first_and_as_they_are_asked_again():
    menu = {
        "menu": "Press one.",
        "choices": {"1": "bye"},
        "no_input": {"say": "Hello?", "then": "bye"},
        "no_match": {"reprompt": 0, "then": "bye"},
    }
    found = prompts_of(flow({"start": menu, "bye": {"hang_up": None}}))
    assert static(found) == ["Press one.", "Hello? Press one."]


def test_the_apology_is_told_once_for_each_voice_it_may_be_said_in():
    nodes = {
        "start": {"say": "Hi.", "then": "bye", "speech": {"speaker": "luna"}},
        "bye": {"say": "Bye.", "then": "end"},
        "end": {"hang_up": None},
    }
    found = prompts_of(flow(nodes, apology="Sorry."))
    assert [prompt.voice for prompt in found if prompt.text == "Sorry."] == [{"speaker": "luna"}, None]


def test_a_text_that_several_nodes_say_is_told_once():
    nodes = {"start": {"say": "Hi.", "then": "bye"}, "bye": {"hang_up": "Hi."}}
    assert static(prompts_of(flow(nodes))) == ["Hi."]


ANSWERS = [
    Gathered("", Ending.NO_INPUT), Gathered("9", Ending.COMPLETE), Gathered("1", Ending.COMPLETE),
    Gathered("123456", Ending.COMPLETE),
]  # fmt: skip


def said(flow, answers, longest=12):
    """Every text and voice of one walk through a flow whose questions are answered so."""
    walk, number = FlowInterpreter(flow, {"from": "+1", "to": "+2"}), 0
    step = walk.start()
    for _ in range(longest):
        if isinstance(step, HangUp):
            return
        prompt = step if isinstance(step, Say) else getattr(step, "prompt", None)
        if prompt is not None:
            yield prompt.text, prompt.voice
        if isinstance(step, Say):
            step = walk.resume(Said())
        else:
            step = walk.resume(answers[number % len(answers)])
            number += 1


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_whatever_a_walk_says_was_told_before_or_is_known_to_be_open(start, stride):
    front_desk = load_flow(CONFIG / "front-desk.yaml")
    found = prompts_of(front_desk)
    known = {(prompt.text, str(prompt.voice)) for prompt in found if isinstance(prompt, StaticPrompt)}
    assert [prompt.node for prompt in found if isinstance(prompt, DynamicPrompt)] == ["found"]
    answers = [ANSWERS[(start + stride * n) % 4] for n in range(12)]
    walked = list(said(front_desk, answers))
    assert walked
    assert [
        text for text, voice in walked if (text, str(voice)) not in known and not text.startswith("Thank you. Account")
    ] == []
