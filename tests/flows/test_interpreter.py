"""A walk goes from step to step, always has a next one, and is gone on with by another process."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.flow_walk import DESK, FLOW, FOUND, SAID, flow_of, gathered, texts, walk

from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import APOLOGY, Flow
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import (
    Done,
    HangUp,
)


def test_a_walk_through_every_verb():
    interpreter, steps = walk(SAID, gathered("1"), gathered("12345"), SAID, SAID)
    assert texts(steps) == [
        "Thank you for calling Acme, +1555.",
        "Press 1 or 2.",
        "Enter your number.",
        "You entered 12345.",
        "Goodbye.",
        None,
    ]
    assert isinstance(steps[-1], HangUp)
    assert interpreter.path == ["welcome", "main", "account", "read", "bye"]
    assert interpreter.failure is None


@pytest.mark.parametrize("text", ["{{ 1 / 0 }}", "{{ missing }}", "{{ ''.__class__ }}", "{{ [0] * 10 ** 12 }}"])
def test_a_text_that_cannot_be_filled_in_is_an_apology(text):
    flow = Flow.model_validate({"flow": "x", "start": "a", "nodes": {"a": {"say": text, "then": "a"}}})
    interpreter, steps = walk(SAID, flow=flow)
    assert steps[0].text == APOLOGY
    assert isinstance(steps[1], HangUp)
    assert interpreter.failure


OUTCOMES = st.lists(st.just(SAID) | st.text("0123456789*#", max_size=8).map(gathered), min_size=0, max_size=30)


@given(OUTCOMES)
def test_any_outcomes_lead_to_steps_and_in_the_end_to_hanging_up(outcomes):
    interpreter, _ = walk(*outcomes)
    for _ in range(20):
        step = interpreter.resume(gathered())
    assert isinstance(step, HangUp)


ROUTED = flow_of(
    number={"collect": "Number?", "into": "number", "then": "greet"},
    greet={"set": {"name": "caller {{ number }}", "tries": 3, "vip": False}, "then": "route"},
    route={
        "choose": [
            {"if": "number | length == 6", "then": "known"},
            {"if": "not vip and tries > 2", "then": "short"},
            {"then": "number"},
        ]
    },
    known={"hang_up": "Hello {{ name }}."},
    short={"hang_up": "Too short."},
)


@pytest.mark.parametrize(
    ("digits", "said", "path"),
    [
        ("123456", "Hello caller 123456.", ["number", "greet", "route", "known"]),
        ("12", "Too short.", ["number", "greet", "route", "short"]),
    ],
)
def test_nodes_that_decide_are_gone_through_at_once(digits, said, path):
    interpreter, steps = walk(gathered(digits), flow=ROUTED)
    assert steps[-1].text == said
    assert interpreter.path == path
    assert (interpreter.variables["tries"], interpreter.variables["vip"]) == (3, False)


@pytest.mark.parametrize(
    ("nodes", "failure"),
    [
        ({"a": {"choose": [{"if": "missing > 1", "then": "b"}, {"then": "b"}]}}, "missing"),
        ({"a": {"choose": [{"if": "1 / 0", "then": "b"}, {"then": "b"}]}}, "ZeroDivisionError"),
        ({"a": {"set": {"x": "{{ y }}"}, "then": "b"}}, "'y'"),
        ({"a": {"send_digits": "{{ 'x' }}", "then": "b"}}, "no telephone key"),
        ({"a": {"choose": [{"then": "c"}]}, "c": {"choose": [{"then": "a"}]}}, "without a sound"),
    ],
)
def test_what_goes_wrong_in_a_silent_node_is_an_apology(nodes, failure):
    interpreter, steps = walk(SAID, flow=flow_of(**nodes, b={"hang_up": None}))
    assert texts(steps) == [APOLOGY, None]
    assert failure in interpreter.failure


def test_an_answer_that_lacks_what_the_next_text_needs_is_an_apology():
    interpreter, steps = walk(Done({"name": "Ann"}), flow=DESK)
    assert texts(steps)[1:] == [APOLOGY]
    assert "orders" in interpreter.failure


def test_another_process_goes_on_at_the_node_with_all_that_is_known():
    interpreter, _ = walk(FOUND, SAID, flow=DESK)
    other = FlowInterpreter(DESK, {})
    step = other.restore(replace(interpreter.position))
    assert step.function == "hours"
    assert other.path == ["ask", "hello", "look"]


def test_a_question_is_asked_again_as_it_was_when_another_process_goes_on():
    interpreter, steps = walk(SAID, gathered())
    other = FlowInterpreter(FLOW, {})
    assert other.restore(replace(interpreter.position)) == steps[-1]
    assert texts([other.resume(gathered())]) == ["Goodbye."], "one silence was counted"


def test_a_flow_that_has_lost_the_node_begins_anew():
    interpreter, _ = walk()
    assert texts([interpreter.restore(FlowPosition("gone", {"from": "+1555", "company": "Acme"}))]) == [
        "Thank you for calling Acme, +1555."
    ]


def test_a_transfer_that_fails_into_itself_ends_with_an_apology():
    flow = flow_of(a={"transfer": "{{ nobody }}", "failed": "a"}, variables={"nobody": ""})
    interpreter, steps = walk(SAID, flow=flow)
    assert texts(steps) == [APOLOGY, None]
    assert "without a sound" in interpreter.failure


@pytest.mark.parametrize("given", ["name", "Name", "NAME"])
def test_a_column_fills_a_variable_in_whatever_case_it_is_written(given):
    flow = flow_of(hello={"say": "Hello {{ name }}.", "then": "bye"}, bye={"hang_up": None}, variables={"name": ""})
    assert FlowInterpreter(flow, {given: "Ann"}).start().text == "Hello Ann."


def test_without_what_it_needs_a_flow_says_nothing_wrong():
    flow = flow_of(hello={"say": "Hello {{ name }}.", "then": "bye"}, bye={"hang_up": None})
    flow = flow.model_copy(update={"needs": ("name",)})
    assert FlowInterpreter(flow, {"first": "Ann"}).start().text == APOLOGY
