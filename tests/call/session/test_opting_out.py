"""A caller who wants no further call is told on at once and once; a machine is led to a node of its own."""

from support.line import Line, begun

from telebridge.call.session.effects import (
    ClearPlayback,
    CloseStream,
    SaveOptOut,
    StartSpeech,
)
from telebridge.call.session.events import (
    CallOver,
)
from telebridge.call.session.stream_phase import Phase

FLOW = """
flow: test
start: hello
entrances: [message, silent, away]
nodes:
  hello: {say: "Hello.", then: stop}
  stop: {opt_out: "You will not be called again.", then: again}
  again: {opt_out: null, then: bye}
  message: {say: "Please call us back.", then: bye}
  silent: {opt_out: null, then: bye}
  away: {opt_out: null, then: operator}
  operator: {transfer: "+15551230100", failed: bye}
  bye: {hang_up: "Goodbye."}
"""


def said(effects):
    return [effect.say.text for effect in effects if isinstance(effect, StartSpeech)]


def opt_outs(effects):
    return [effect for effect in effects if isinstance(effect, SaveOptOut)]


def test_an_opt_out_is_kept_before_it_is_confirmed_and_only_once():
    line = Line(FLOW)
    hello = begun(line.effects)
    effects = line.started().heard(hello)
    assert isinstance(effects[0], SaveOptOut)
    assert said(effects) == ["You will not be called again."]
    assert line.session.record.opted_out
    further = line.heard(begun(effects))
    assert (said(further), opt_outs(further)) == (["Goodbye."], [])


def test_a_silent_opt_out_is_kept_too():
    line = Line(FLOW).started()
    effects = line.jump("silent")
    assert len(opt_outs(effects)) == 1
    assert said(effects) == ["Goodbye."]


def test_an_opt_out_right_before_a_transfer_is_kept():
    assert len(opt_outs(Line(FLOW).started().jump("away"))) == 1


def test_a_python_flow_opts_out_by_an_event():
    line = Line().started()
    assert len(opt_outs(line.opt_out())) == 1
    assert opt_outs(line.opt_out()) == []


def test_a_jump_silences_what_is_said_and_goes_on_from_the_other_node():
    line = Line(FLOW)
    hello = begun(line.effects)
    line.started().spoken(hello)
    effects = line.jump("message", after=0.2)
    assert any(isinstance(effect, ClearPlayback) for effect in effects)
    assert said(effects) == ["Please call us back."]
    assert line.session.record.path[-2:] == ["hello", "message"]


def test_a_jump_to_a_node_that_does_not_exist_says_the_apology():
    line = Line(FLOW).started()
    assert said(line.jump("nowhere")) == ["We are sorry, we cannot help you right now. Please call again later."]


def test_nobody_is_led_anywhere_after_the_end():
    line = Line(FLOW).started()
    line.tell(CallOver("completed"))
    assert line.jump("message") == []


def test_a_call_that_is_being_closed_is_not_led_back():
    line = Line(FLOW).started()
    assert any(isinstance(effect, CloseStream) for effect in line.hang_up())
    assert line.jump("message") == []
    assert line.session.phase is Phase.CLOSING


def test_a_python_flow_is_not_led_by_nodes():
    assert Line().started().jump("message") == []


def test_what_a_flow_found_out_is_the_result_of_the_call():
    flow = """
flow: test
start: note
variables: {company: Acme, answer: ""}
nodes:
  note: {set: {answer: confirmed}, then: bye}
  bye: {hang_up: "Goodbye."}
"""
    line = Line(flow).started()
    line.tell(CallOver("completed"))
    assert line.session.record.result == {"answer": "confirmed"}
