"""A flow walked without a call: what is typed answers as keys do on the telephone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.errors import ConfigurationError
from telebridge.flows.loading import load_flow
from telebridge.flows.model import APOLOGY, Flow
from telebridge.flows.rehearsal import CannotRehearse, Rehearsal, RehearsalLine, answers_in

FLOW = Flow.model_validate(
    {
        "flow": "test",
        "start": "greet",
        "nodes": {
            "greet": {"set": {"tries": 1}, "then": "main"},
            "main": {
                "menu": "Press 1 or 2.",
                "choices": {1: "number", 2: "rest", "*": "main"},
                "no_input": {"reprompt": 1, "then": "bye"},
                "no_match": {"reprompt": 0},
            },
            "number": {
                "collect": "Number?",
                "digits": {"min": 2, "max": 4},
                "into": "number",
                "then": "route",
                "no_input": {"then": "bye"},
            },
            "route": {"choose": [{"if": "number == '99'", "then": "main"}, {"then": "bye"}]},
            "rest": {"wait": "2s", "then": "dial"},
            "dial": {"send_digits": "1w2", "then": "late"},
            "late": {
                "menu": "And now?",
                "choices": {1: "bye"},
                "type_ahead": False,
                "no_input": {"reprompt": 0, "then": "bye"},
            },
            "bye": {"hang_up": "Goodbye."},
        },
    }
)
GOODBYE = [RehearsalLine("bye", "says", "Goodbye."), RehearsalLine("bye", "hangs up")]


def walked(typed, flow=FLOW):
    rehearsal = Rehearsal(flow, {"from": "+1555"})
    lines = rehearsal.start()
    for answer in answers_in(typed) if typed is not None else ():
        lines += rehearsal.answer(answer)
    return rehearsal, lines


def flow_of(**nodes):
    return Flow.model_validate({"flow": "test", "start": next(iter(nodes)), "nodes": nodes})


def test_a_walk_stops_at_the_first_question():
    rehearsal, lines = walked(None)
    assert lines == [RehearsalLine("greet", "set"), RehearsalLine("main", "asks", "Press 1 or 2.")]
    assert not rehearsal.over


def test_keys_lead_on_and_are_kept():
    rehearsal, lines = walked("1w12#")
    assert lines[2:] == [RehearsalLine("number", "asks", "Number?"), RehearsalLine("route", "choose"), *GOODBYE]
    assert rehearsal.over
    assert rehearsal.path == ["greet", "main", "number", "route", "bye"]
    assert rehearsal.variables == {"from": "+1555", "tries": 1, "number": "12"}


def test_keys_typed_ahead_answer_the_next_question():
    assert walked("112#")[1] == walked("1w12#")[1]
    assert walked("11234")[0].variables["number"] == "1234", "four are enough without the finishing key"


def test_keys_typed_ahead_are_dropped_where_the_question_wants_none():
    rehearsal, lines = walked("21")
    assert lines[2:] == [
        RehearsalLine("rest", "waits", "2 s"),
        RehearsalLine("dial", "plays", "digits 1w2"),
        RehearsalLine("late", "asks", "And now?"),
    ]
    assert not rehearsal.over


def test_silence_is_asked_again_and_then_leads_on():
    assert walked("w")[1][2:] == [RehearsalLine("main", "asks", "Press 1 or 2."), *GOODBYE]


def test_too_few_digits_are_no_match():
    rehearsal, lines = walked("1w1")
    assert lines[-1] == RehearsalLine("number", "asks", "That is not complete. Number?")
    assert "number" not in rehearsal.variables


def test_a_late_finishing_key_answers_nothing():
    rehearsal, lines = walked("1w1234#")
    assert lines[-1] == GOODBYE[-1]
    assert rehearsal.failure is None


def test_what_goes_wrong_is_told_before_the_apology():
    rehearsal, lines = walked("9")
    assert lines[2:] == [
        RehearsalLine("main", "fails", "no node follows"),
        RehearsalLine("main", "says", APOLOGY),
        RehearsalLine("main", "hangs up"),
    ]
    assert rehearsal.failure == "no node follows"


@pytest.mark.parametrize(("typed", "path"), [("!", ["greet", "main"]), ("1!", ["greet", "main", "number"])])
def test_a_caller_hangs_up_after_the_keys_before(typed, path):
    rehearsal, lines = walked(typed)
    assert lines[-1] == RehearsalLine(path[-1], "caller hangs up")
    assert rehearsal.over
    assert rehearsal.path == path
    assert rehearsal.answer("1") == [], "nothing follows"


@pytest.mark.parametrize(
    ("typed", "answers"), [("", [""]), ("1#w2", ["1#", "2"]), (" 1 2 \n", ["12"]), ("1ww", ["1", "", ""])]
)
def test_what_is_typed_is_cut_at_each_w(typed, answers):
    assert answers_in(typed) == answers


def test_what_is_no_key_is_told():
    with pytest.raises(ConfigurationError, match="'x' is no telephone key"):
        answers_in("1x")


def test_a_flow_that_goes_in_circles_is_given_up():
    flow = flow_of(a={"say": "A", "then": "b"}, b={"say": "B", "then": "a"})
    with pytest.raises(CannotRehearse, match="goes in circles"):
        Rehearsal(flow, {}).start()


@given(st.lists(st.text("0123456789*#w!", max_size=6), max_size=20))
def test_any_typing_is_answered_and_silence_ends_every_call(typed):
    rehearsal = Rehearsal(FLOW, {})
    rehearsal.start()
    for line in typed:
        for answer in answers_in(line):
            rehearsal.answer(answer)
    for _ in range(10):
        rehearsal.answer("")
    assert rehearsal.over


SPOKEN = """
flow: spoken
start: main
nodes:
  main:
    menu: "Billing or press 1?"
    choices: {1: {then: number, say: [billing, my bill]}, 2: bye}
    no_match: {say: "Sorry?", then: bye}
  number: {collect: "Number?", digits: {min: 4, max: 4}, accept: any, into: n, then: sure}
  sure: {ask: "Sure?", choices: {yes: why, no: main}}
  why: {listen: "Why?", into: why, then: bye}
  bye: {hang_up: "Bye."}
"""


def test_words_answer_as_in_a_call(tmp_path):
    path = tmp_path / "spoken.yaml"
    path.write_text(SPOKEN)
    rehearsal = Rehearsal(load_flow(path), {})
    rehearsal.start()
    assert rehearsal.answer("say pizza")[0].text == "Sorry? Billing or press 1?"
    for typed in ("say uh, my bill", "say four double five six", "say yes", "say I lost a crown"):
        rehearsal.answer(typed)
    assert rehearsal.path == ["main", "number", "sure", "why", "bye"]
    assert (rehearsal.variables["n"], rehearsal.variables["why"]) == ("4556", "I lost a crown")
