"""A caller who wants to be called at another time is told on at once, by a flow file or a Python flow."""

from datetime import UTC, datetime

import pytest
from support.line import Line, begun

from telebridge.call.flows.flow_steps import SessionSteps
from telebridge.call.flows.python.call import Call
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import SaveCallBack, StartAction, StartSpeech
from telebridge.call.session.events import CallOver
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import CallBack

FLOW = """
flow: test
start: hello
entrances: [silent, then_, never, nowhere]
variables: {when: "2026-03-02T09:30", nonsense: soon}
nodes:
  hello: {say: "Hello.", then: later}
  later: {call_back: "In two hours.", in: 2h, then: bye}
  silent: {call_back: null, at: "{{ when }}+01:00", then: bye}
  then_: {call_back: "At {{ when }}.", at: "{{ when }}", then: later}
  never: {call_back: "At {{ nonsense }}.", at: "{{ nonsense }}", invalid: bye, then: later}
  nowhere: {call_back: null, at: "{{ nonsense }}", then: later}
  bye: {hang_up: "Goodbye."}
"""
APOLOGY = "We are sorry, we cannot help you right now. Please call again later."


def said(effects):
    return [effect.say.text for effect in effects if isinstance(effect, StartSpeech)]


def call_backs(effects):
    return [effect.call_back for effect in effects if isinstance(effect, SaveCallBack)]


def test_a_call_back_is_kept_before_it_is_confirmed_and_only_once():
    line = Line(FLOW)
    hello = begun(line.effects)
    effects = line.started().heard(hello)
    assert isinstance(effects[0], SaveCallBack)
    assert (call_backs(effects), said(effects)) == ([CallBack(7200.0)], ["In two hours."])
    further = line.heard(begun(effects))
    assert (said(further), call_backs(further)) == (["Goodbye."], [])


@pytest.mark.parametrize(
    ("node", "kept", "heard"),
    [
        ("silent", [CallBack(at=datetime.fromisoformat("2026-03-02T09:30+01:00"))], ["Goodbye."]),
        ("then_", [CallBack(at=datetime(2026, 3, 2, 9, 30))], ["At 2026-03-02T09:30."]),  # noqa: DTZ001 - on their clock
        ("never", [], ["Goodbye."]),
        ("nowhere", [], [APOLOGY]),
    ],
)
def test_a_time_that_a_template_tells_is_kept_when_it_is_one(node, kept, heard):
    effects = Line(FLOW).started().jump(node)
    assert (call_backs(effects), said(effects)) == (kept, heard)


def test_a_caller_who_names_another_time_is_told_on_again():
    line = Line(FLOW)
    line.started()
    first = line.jump("silent")
    second = line.jump("later")
    assert [len(call_backs(effects)) for effects in (first, second)] == [1, 1]
    assert not any(isinstance(effect, StartAction) for effect in second)


def test_a_python_flow_asks_for_a_call_back_by_an_event():
    line = Line().started()
    assert call_backs(line.call_back(CallBack(60.0))) == [CallBack(60.0)]
    assert call_backs(line.call_back(CallBack(60.0))) == []
    assert call_backs(line.call_back(CallBack(90.0))) == [CallBack(90.0)]
    line.tell(CallOver("completed"))
    assert line.session.record.call_back == CallBack(90.0)


async def test_a_python_flow_names_one_time_that_there_is():
    effects = []
    call = Call(SessionSteps(Line().started().session, effects.extend), {})
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    call.call_back(at=at)
    call.call_back(in_seconds=60)
    assert call_backs(effects) == [CallBack(at=at), CallBack(60)]
    for wrong in ({}, {"at": at, "in_seconds": 60}, {"in_seconds": 0}, {"in_seconds": 61 * 86_400}):
        with pytest.raises(ValueError, match=r"'at' and 'in_seconds'|is no time"):
            call.call_back(**wrong)
    assert len(call_backs(effects)) == 2


@pytest.mark.parametrize("at", ["2026-03-02T09:30", "2026-03-02T09:30+01:00"])
def test_a_process_that_takes_over_knows_of_it(at):
    place = Checkpoint(FlowPosition("bye", call_back=CallBack(at=datetime.fromisoformat(at))))
    assert Checkpoint.decode(place.encode()) == place
