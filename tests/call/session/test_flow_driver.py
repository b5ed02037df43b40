"""The flow of a call, driven without a session: which step follows, and what is kept for a caller who is away."""

import pytest
from support.call_parts import CallParts
from support.callers import felt
from support.line import HELLO, begun, reported

from telebridge.call.flows.transfers import anywhere
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import (
    CloseStream,
    ReleaseCall,
    ReportOutcome,
    SaveCheckpoint,
    SaveOptOut,
    StartAction,
    StartSpeech,
)
from telebridge.call.session.events import ActionDone, FlowEnded, MessageSaved, TransferEnded
from telebridge.call.session.flow_driver import FlowDriver
from telebridge.call.session.preferences import CallerPreferences
from telebridge.call.session.stream_phase import Phase, PhaseInput
from telebridge.call.session.turn import StepOver
from telebridge.errors import LocalProtocolError, SpeechUnavailable
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import Done, Gathered, HangUp, Request, Run, Said, Say, Transfer, Transferred, Wait
from telebridge.turns.digits import Ending

OPERATOR = Transfer("+15551230100")
ORDER = Request("POST", "https://example.com/orders")
FLOW = """
flow: test
start: ask
nodes:
  ask: {menu: "Press one.", choices: {1: operator, 2: stop}}
  operator: {transfer: "+15551230100", failed: ask, then: bye}
  stop: {opt_out: "We call no more.", then: bye}
  bye: {hang_up: "Goodbye."}
"""


class ToldDialogue(Dialogue):
    """A dialogue that answers a message that was saved with `results`."""

    results = ()

    def message_saved(self, file, *, now):
        return self.results


class Led(CallParts):
    """A driver and the parts it leads; the stream is there."""

    DIALOGUE = ToldDialogue

    def __init__(self, flow=None):
        super().__init__(flow)
        self.preferences = CallerPreferences(self.record)
        self.driver = FlowDriver(
            self.flow,
            self.phases,
            self.dialogue,
            self.checkpointer,
            self.transfer,
            self.ending,
            self.preferences,
            anywhere,
        )
        self.live()

    def start(self, checkpoint=None):
        return felt(self.driver.start(checkpoint, now=0.0))

    def perform(self, step):
        return felt(self.driver.perform(step, now=0.0))

    def over(self, outcome):
        """The step in progress is over, as the dialogue says."""
        self.dialogue.cancel(now=0.0)
        return felt(self.told([StepOver(outcome)]))

    def told(self, results):
        """The dialogue has these results."""
        self.dialogue.results = results
        return self.driver.handle(MessageSaved(None), now=0.0)


@pytest.fixture
def python():
    return Led()


@pytest.fixture
def file():
    return Led(FLOW)


# From step to step.


def test_a_flow_file_is_asked_for_the_next_step(file):
    assert begun(file.start()).say.text == "Press one."
    assert begun(file.over(Gathered("2", Ending.COMPLETE))).say.text == "We call no more."
    assert file.record.opted_out


def test_a_python_flow_is_told_the_outcome_and_asks_itself(python):
    assert python.start() == []
    assert python.perform(HELLO) == [StartSpeech("u1", HELLO)]
    assert python.over(Said()) == [ReportOutcome(Said())]


def test_two_steps_at_once_are_a_bug_of_ours(python):
    python.perform(ORDER)
    with pytest.raises(LocalProtocolError):
        python.perform(HELLO)


def test_what_else_happened_in_the_dialogue_is_handed_on_in_its_order(python):
    python.perform(Wait(1.0))
    news = [CloseStream(), StepOver(Said()), ReleaseCall()]
    assert python.told(news) == [CloseStream(), ReportOutcome(Said()), ReleaseCall()]


def test_an_action_is_begun_and_its_end_leads_on(python):
    assert python.perform(ORDER) == [StartAction(ORDER)]
    assert reported(python.driver.handle(ActionDone(Done(5)), now=1.0)) == [Done(5)]
    assert python.driver.handle(ActionDone(Done(5)), now=1.0) == [], "nobody waits for it"


def test_speech_that_fails_ends_a_flow_file_with_an_apology_and_is_told_to_a_python_flow(file, python):
    error = SpeechUnavailable("gone")
    file.start()
    assert file.over(error) == [CloseStream()]
    assert (file.checkpointer.apology, file.checkpointer.over) == (True, True)
    python.perform(HELLO)
    assert python.over(error) == [ReportOutcome(error)]


def test_a_step_that_is_cancelled_is_followed_by_any_other(python):
    python.perform(HELLO)
    python.driver.cancel_step(now=0.5)
    assert python.perform(ORDER) == [StartAction(ORDER)]


def test_a_flow_file_is_led_to_another_node_and_a_python_flow_is_not(file, python):
    file.start()
    assert begun(file.driver.jump("bye", now=1.0)).say.text == "Goodbye."
    python.perform(HELLO)
    assert python.driver.jump("bye", now=1.0) == []


def test_who_wants_no_further_call_is_put_on_the_list_once(python):
    assert SaveOptOut() in python.preferences.opt_out()
    assert python.preferences.opt_out() == []


# Away and back.


def test_a_transfer_closes_the_stream_and_its_end_is_the_outcome(python):
    assert python.perform(OPERATOR) == [CloseStream()]
    assert (python.phases.phase, python.checkpointer.transfer) == (Phase.AWAY, OPERATOR)
    assert reported(python.driver.handle(TransferEnded("busy"), now=9.0)) == [Transferred("busy")]
    assert (python.phases.phase, python.checkpointer.transfer) == (Phase.WAITING, None)
    assert python.driver.handle(TransferEnded("busy"), now=9.0) == [], "it is told once"


def test_a_step_that_a_transfer_from_beside_cut_begins_anew_when_it_failed(python):
    python.perform(HELLO)
    assert CloseStream() in python.driver.transfer(OPERATOR, now=1.0)
    assert begun(python.driver.handle(TransferEnded("busy"), now=9.0)).say is HELLO


def test_who_talked_to_somebody_from_beside_needs_us_no_more(python):
    python.driver.transfer(OPERATOR, now=1.0)
    assert ReleaseCall() in python.driver.handle(TransferEnded("completed"), now=9.0)
    assert python.record.end_reason == "transferred"


def test_what_was_asked_for_while_the_caller_is_away_begins_when_they_are_back(python):
    python.perform(OPERATOR)
    python.driver.cancel_step(now=1.0)
    assert python.perform(HELLO) == []
    assert begun(python.driver.handle(TransferEnded("completed"), now=9.0)).say is HELLO


def test_an_action_that_was_done_meanwhile_is_told_when_they_are_back(python):
    python.perform(ORDER)
    python.driver.transfer(OPERATOR, now=1.0)
    assert python.driver.handle(ActionDone(Done(5)), now=2.0) == []
    assert reported(python.driver.handle(TransferEnded("busy"), now=9.0)) == [Done(5)]


def test_a_python_flow_that_ended_meanwhile_ends_the_call_when_they_are_back(python):
    python.perform(OPERATOR)
    assert python.driver.handle(FlowEnded(), now=1.0) == []
    assert ReleaseCall() in python.driver.handle(TransferEnded("completed"), now=9.0)


# After another process.


@pytest.mark.parametrize(
    ("step", "again"),
    [(Request("GET", "https://example.com/"), True), (ORDER, False), (Run("charge", {}), False)],
)
def test_what_may_have_been_done_is_not_done_again_where_that_could_do_harm(step, again, monkeypatch):
    led = Led(FLOW)
    monkeypatch.setattr(FlowInterpreter, "restore", lambda *_: step)
    monkeypatch.setattr(FlowInterpreter, "resume", lambda _, outcome: Say(f"It failed: {outcome.problem}."))
    effects = led.start(Checkpoint(FlowPosition("ask")))
    if again:
        assert effects == [StartAction(step)]
    else:
        assert begun(effects).say.text == "It failed: the process that did it has died."


def test_a_prompt_goes_on_at_the_last_word_that_was_heard(file):
    assert begun(file.start(Checkpoint(FlowPosition("bye"), words_heard=0))).say.text == "Goodbye."
    again = Led(FLOW)
    assert begun(again.start(Checkpoint(FlowPosition("ask"), words_heard=2))).say.text == "one."
    assert again.checkpointer.words_before == 1, "the word said again counts once"


@pytest.mark.parametrize("flow", [None, FLOW])
def test_the_end_of_a_transfer_that_another_process_began_is_waited_for(flow):
    led = Led(flow)
    standing = None if flow is None else FlowPosition("operator")
    assert led.start(Checkpoint(standing, transfer=OPERATOR)) == []
    assert (led.phases.phase, led.checkpointer.transfer) == (Phase.AWAY, OPERATOR)
    back = felt(led.driver.handle(TransferEnded("busy"), now=9.0))
    assert [each.say.text for each in back] == ([] if flow is None else ["Press one."])


# The end.


def test_a_flow_that_hangs_up_is_kept_as_over_before_the_stream_is_closed(python):
    keep, close = python.driver.perform(HangUp(), now=0.0)
    assert Checkpoint.decode(keep.checkpoint).over
    assert close == CloseStream()
    assert python.phases.phase is Phase.CLOSING
    assert python.perform(HELLO) == [], "nothing is begun any more"


def test_without_a_stream_the_call_ends_at_once(python):
    python.phases.handle(PhaseInput.STREAM_LOST, now=0.0)
    assert python.perform(HangUp()) == [ReleaseCall()]
    assert python.record.end_reason == "hung up by the flow"


def test_a_last_word_is_said_before_the_line_is_closed(python):
    python.perform(ORDER)
    goodbye = Say("We close now.")
    effects = python.driver.hang_up(goodbye, now=1.0)
    [keep] = [each for each in effects if isinstance(each, SaveCheckpoint)]
    assert Checkpoint.decode(keep.checkpoint).over
    assert begun(effects).say is goodbye
    assert python.ending.leaving
    assert python.over(Said()) == [CloseStream()]
    assert python.record.end_reason == "hung up by request"


def test_what_a_flow_file_found_out_is_in_the_record_at_the_end():
    led = Led("flow: t\nstart: a\nnodes:\n  a: {collect: 'Pin?', into: pin, then: b}\n  b: {wait: 1s, then: b}")
    led.start()
    led.over(Gathered("12", Ending.COMPLETE))
    assert led.ending.end("caller hung up", now=1.0)[-1] == ReleaseCall()
    assert (led.record.result, led.record.end_reason) == ({"pin": "12"}, "caller hung up")
    assert led.phases.phase is Phase.OVER
