import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.tones import dtmf
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import APOLOGY, Flow
from telebridge.flows.steps import Collect, Gathered, HangUp, Play, Said, Say, Wait
from telebridge.turns.barge_in import BargeInPolicy
from telebridge.turns.digits import Ending

FLOW = Flow.model_validate(
    {
        "flow": "test",
        "start": "welcome",
        "variables": {"company": "Acme"},
        "speech": {"speaker": "luna"},
        "nodes": {
            "welcome": {"say": "Thank you for calling {{ company }}, {{ from }}.", "then": "main", "barge_in": "none"},
            "main": {
                "menu": "Press 1 or 2.",
                "choices": {1: "account", 2: "bye"},
                "no_input": {"say": "Still there?", "reprompt": 1, "then": "bye"},
                "no_match": {"say": "No such choice.", "reprompt": 2},
            },
            "account": {
                "collect": "Enter your number.",
                "digits": {"min": 3, "max": 6},
                "into": "account",
                "then": "read",
                "speech": {"speaker": "cove"},
            },
            "read": {"say": "You entered {{ account }}.", "then": "bye"},
            "bye": {"hang_up": "Goodbye."},
        },
    }
)
SAID = Said()


def gathered(digits=""):
    return Gathered(digits, Ending.COMPLETE if digits else Ending.NO_INPUT)


def walk(*outcomes, flow=FLOW):
    interpreter = FlowInterpreter(flow, {"from": "+1555"})
    steps = [interpreter.start(), *(interpreter.resume(outcome) for outcome in outcomes)]
    return interpreter, steps


def texts(steps):
    return [
        step.text if isinstance(step, Say) else step.prompt.text if isinstance(step, Collect) else None
        for step in steps
    ]


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


def test_policies_and_voices_are_the_nodes_own():
    _, steps = walk(SAID, gathered("1"), gathered("12345"), SAID)
    assert steps[0].barge_in is BargeInPolicy.NONE
    assert steps[1].prompt.barge_in is None, "the settings say"
    assert steps[4].barge_in is BargeInPolicy.NONE, "a goodbye is not cut"
    assert [step.voice["speaker"] for step in (steps[0], steps[2].prompt)] == ["luna", "cove"]


def test_silence_is_asked_again_and_then_leads_on():
    _, steps = walk(SAID, gathered(), gathered())
    assert texts(steps)[1:] == ["Press 1 or 2.", "Still there? Press 1 or 2.", "Goodbye."]


def test_a_wrong_key_is_told_and_the_end_of_the_road_is_an_apology():
    interpreter, steps = walk(SAID, gathered("9"), gathered("9"), gathered("9"), SAID)
    assert texts(steps)[1:] == ["Press 1 or 2.", *2 * ["No such choice. Press 1 or 2."], APOLOGY, None]
    assert interpreter.failure == "the road ends here"


def test_too_few_digits_are_no_match():
    _, steps = walk(SAID, gathered("1"), gathered("12"), gathered("123"))
    assert texts(steps)[3:] == ["That is not complete. Enter your number.", "You entered 123."]


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


# What makes no sound, waits, or plays tones.


def flow_of(**nodes):
    return Flow.model_validate({"flow": "test", "start": next(iter(nodes)), "nodes": nodes})


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


def test_a_condition_cannot_reach_what_is_not_its_own():
    flow = flow_of(a={"choose": [{"if": "''.__class__.__mro__", "then": "b"}, {"then": "b"}]}, b={"hang_up": None})
    interpreter, _ = walk(flow=flow)
    assert "SecurityError" in interpreter.failure
