"""Where the result of each kind of step leads."""

import pytest
from support.flow_walk import DESK, FOUND, MESSAGE, SAID, flow_of, gathered, texts, walk

from telebridge.flows.model import APOLOGY
from telebridge.flows.steps import (
    Done,
    HangUp,
    Recorded,
    RecordingEnd,
    Transferred,
)


def test_silence_is_asked_again_and_then_leads_on():
    _, steps = walk(SAID, gathered(), gathered())
    assert texts(steps)[1:] == ["Press 1 or 2.", "Still there? Press 1 or 2.", "Goodbye."]


def test_a_wrong_key_is_told_and_without_a_node_that_follows_comes_an_apology():
    interpreter, steps = walk(SAID, gathered("9"), gathered("9"), gathered("9"), SAID)
    assert texts(steps)[1:] == ["Press 1 or 2.", *2 * ["No such choice. Press 1 or 2."], APOLOGY, None]
    assert interpreter.failure == "no node follows"


def test_too_few_digits_are_no_match():
    _, steps = walk(SAID, gathered("1"), gathered("12"), gathered("123"))
    assert texts(steps)[3:] == ["That is not complete. Enter your number.", "You entered 123."]


@pytest.mark.parametrize("done", [Done(problem="took too long"), Done({"name": "Ann"}, "answered 404")])
def test_an_action_that_fails_leads_on_and_leaves_no_answer(done):
    interpreter, steps = walk(done, flow=DESK)
    assert texts(steps)[1:] == ["Sorry."]
    assert "found" not in interpreter.variables


@pytest.mark.parametrize(
    ("recorded", "node"),
    [
        (MESSAGE, "connect"),
        (Recorded(None, 0.0, RecordingEnd.SILENCE), "sorry"),
        (Recorded(None, 3.0, RecordingEnd.SILENCE), "connect"),
    ],
    ids=["kept", "nothing said", "the disk was full"],
)
def test_where_a_recording_leads(recorded, node):
    interpreter, _ = walk(FOUND, SAID, Done(1), SAID, recorded, flow=DESK)
    assert interpreter.path[-1] == node


@pytest.mark.parametrize(
    ("status", "node"), [("completed", "bye"), ("busy", "sorry"), ("no-answer", "sorry"), ("canceled", "sorry")]
)
def test_where_a_transfer_leads(status, node):
    interpreter, _ = walk(FOUND, SAID, Done(1), SAID, MESSAGE, Transferred(status), flow=DESK)
    assert interpreter.path[-1] == node


def test_a_transfer_without_a_next_node_ends_the_call_when_they_have_talked():
    flow = flow_of(a={"transfer": "+15551230100"})
    _, steps = walk(Transferred("completed"), flow=flow)
    assert steps[-1] == HangUp()
    assert texts(walk(Transferred("busy"), flow=flow)[1])[-1] == APOLOGY


ESCAPE = {
    "escape": {"key": 0, "then": "operator"},
    "menu": {"menu": "One or two?", "choices": {1: "number", 2: "bye"}},
    "number": {"collect": "Your number?", "into": "number", "digits": {"min": 3, "max": 4}, "then": "bye"},
    "own": {"menu": "Zero or one?", "choices": {0: "bye", 1: "number"}},
    "operator": {"say": "One moment.", "then": "bye"},
    "bye": {"hang_up": None},
}


@pytest.mark.parametrize(
    ("start", "keys", "node"),
    [
        ("menu", "0", "operator"),
        ("number", "0", "operator"),
        ("number", "0123", "bye"),
        ("number", "00", "number"),
        ("own", "0", "bye"),
    ],
)
def test_the_escape_key_leads_out_of_every_question_that_does_not_take_it(start, keys, node):
    interpreter, _ = walk(gathered(keys), flow=flow_of(**ESCAPE, start=start))
    assert interpreter.path[-1] == node
