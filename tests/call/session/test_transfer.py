"""Connecting the caller with somebody else, for the flow or for somebody beside it, whatever comes between."""

import pytest
from support.call_parts import CallParts
from support.faults import fault
from support.line import HELLO, SECOND_OF_AUDIO, Line, begun, payloads, reported

from telebridge.call.record import TransferRecord
from telebridge.call.session.announcements import Announcement
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import (
    CloseStream,
    ReleaseCall,
    ReportAnnouncement,
    StartAction,
)
from telebridge.call.session.events import (
    ActionDone,
    CallOver,
    FlowEnded,
    SpeechArrived,
    StreamLost,
    TransferBegun,
    TransferEnded,
)
from telebridge.call.session.stream_phase import Phase
from telebridge.errors import NotLive
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import Collect, Done, HangUp, Request, Say, Transfer, Transferred
from telebridge.speech.source import Audio
from telebridge.turns.barge_in import BargeInCause
from telebridge.turns.digits import DigitRules
from telebridge.twilio.media_stream import DigitPressed, StreamStarted, StreamStopped

OPERATOR = Transfer("+15551230100")
BACK = StreamStarted("MZ2", "CA1", "AC1", {})
FLOW = """
flow: test
start: main
nodes:
  main: {menu: "Press one.", choices: {1: operator}}
  operator: {transfer: "+15551230100", whisper: "From {{ from }}.", failed: sorry, then: bye}
  sorry: {say: "Nobody is free.", then: main}
  bye: {hang_up: "Goodbye."}
"""


@pytest.fixture
def line():
    return Line().started()


@pytest.fixture
def led():
    """A call led by the flow, at its transfer."""
    line = Line(FLOW)
    line.started()
    line.tell(DigitPressed("1"))
    return line


def away(line):
    """Let the stream close and Twilio be told whom to dial."""
    assert line.session.phase is Phase.AWAY
    assert line.tell(StreamLost()) == []
    assert line.tell(TransferBegun()) == []
    return line


# Asked for by a flow.


def test_a_transfer_closes_the_stream_and_names_whom_to_dial(led):
    assert CloseStream() in led.effects
    assert led.session.transfer_target == Transfer("+15551230100", whisper="From +1555.")
    assert led.kept.transfer == led.session.transfer_target
    assert led.session.record.path == ["main", "operator"]


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_who_is_not_reached_leads_on_and_the_caller_hears_of_it_when_the_stream_is_back(led, status):
    start = begun(away(led).tell(TransferEnded(status), after=30.0))
    assert start.say.text == "Nobody is free."
    assert led.session.phase is Phase.WAITING
    assert led.session.transfer_target is None
    assert led.tell(SpeechArrived(start.utterance, Audio(SECOND_OF_AUDIO))) == [], "nothing is sent into no stream"
    assert payloads(led.tell(BACK, after=0.5)) == SECOND_OF_AUDIO


def transfers(line):
    return line.session.record.as_json()["transfers"]


def test_a_transfer_is_in_the_record_with_whom_how_long_and_how_it_ended(led):
    away(led).tell(TransferEnded("completed", 42), after=50.0)
    assert transfers(led) == [{"to": "+15551230100", "status": "completed", "seconds": 42, "by_api": False}]
    assert led.kept.transfers == led.session.record.transfers, "for a process that takes the call over"


def test_a_transfer_during_which_the_caller_hangs_up_is_in_the_record(led):
    away(led).tell(CallOver("completed", TransferEnded("completed", 7)))
    assert transfers(led) == [{"to": "+15551230100", "status": "completed", "seconds": 7, "by_api": False}]


def test_a_transfer_of_which_only_the_end_of_the_call_is_reported_is_in_the_record(led):
    away(led).tell(CallOver("completed"))
    assert transfers(led) == [{"to": "+15551230100", "status": "unknown", "seconds": None, "by_api": False}]


def test_a_transfer_from_outside_is_recorded_as_that(line):
    line.transfer(OPERATOR)
    away(line).tell(TransferEnded("busy"))
    assert transfers(line) == [{"to": "+15551230100", "status": "busy", "seconds": None, "by_api": True}]


def test_a_call_that_is_taken_over_keeps_its_transfers():
    made = TransferRecord("+15551230100", "busy")
    line = Line(checkpoint=Checkpoint.decode(Checkpoint(transfers=[made]).encode()))
    assert line.session.record.transfers == [made]


def test_who_talked_is_said_goodbye_to(led):
    start = begun(away(led).tell(TransferEnded("completed"), after=300.0))
    assert start.say.text == "Goodbye."


def test_hanging_up_during_a_transfer_ends_the_call(led):
    assert away(led).tell(CallOver("completed"), after=5.0) == [ReleaseCall()]
    assert led.session.record.end_reason == "call completed"


@fault(
    "The caller hangs up before anybody was dialled for a transfer, and no status comes.",
    caller="Nothing.",
    operator="The record with 'caller hung up' after half a minute.",
    kept="The process: the call is not live for a day.",
)
def test_hanging_up_before_anybody_was_dialled_does_not_leave_the_call_for_a_day(led):
    assert led.tell(StreamStopped()) == [], "the end of the stream that we closed"
    assert led.wait(31) == [ReleaseCall()]
    assert led.session.record.end_reason == "caller hung up"


def test_a_talk_of_hours_is_waited_for(led):
    assert away(led).wait(4 * 3600) == []
    assert led.session.phase is Phase.AWAY


@fault(
    "A stream starts while the caller talks to somebody else.",
    caller="The other party, undisturbed.",
    operator="The stream is closed.",
    kept="The talk.",
)
def test_a_stream_that_comes_late_is_closed_again():
    line = Line("flow: t\nstart: a\nnodes:\n  a: {transfer: '+15551230100'}")
    assert line.effects == [CloseStream()], "before Twilio had connected the stream"
    assert line.tell(BACK) == [CloseStream()]
    assert line.session.phase is Phase.AWAY


@fault(
    "Twilio reports the end of a transfer twice.",
    caller="What follows, once.",
    operator="One event `transfer-ended`.",
    kept="The flow: it does not go on twice.",
)
def test_the_end_of_a_transfer_is_told_once(led):
    away(led).tell(TransferEnded("busy"))
    assert led.tell(TransferEnded("busy")) == [], "Twilio asks again when our answer was lost"


def test_a_python_flow_is_told_how_it_went(line):
    assert line.perform_step(OPERATOR) == [CloseStream()]
    assert reported(away(line).tell(TransferEnded("no-answer"))) == [Transferred("no-answer")]
    assert not Transferred("no-answer").connected


def test_a_python_flow_that_waits_no_longer_goes_on_when_the_caller_is_back(line):
    line.perform_step(OPERATOR)
    assert away(line).cancel_step() == []
    assert line.perform_step(HELLO) == []
    assert begun(line.tell(TransferEnded("completed"))).say is HELLO


def test_a_python_flow_may_end_while_the_caller_talks_to_somebody_else(line):
    line.perform_step(OPERATOR)
    away(line)
    assert line.cancel_step() == []
    assert line.tell(FlowEnded()) == [], "they are not cut off"
    assert line.tell(TransferEnded("completed")) == [ReleaseCall()]


def test_a_python_flow_that_ended_meanwhile_is_over_when_nobody_answered(line):
    line.transfer(OPERATOR)
    assert line.tell(FlowEnded()) == []
    assert line.tell(TransferEnded("busy")) == [ReleaseCall()]


def test_a_hang_up_that_was_asked_for_meanwhile_follows(line):
    line.perform_step(OPERATOR)
    away(line).cancel_step()
    assert line.perform_step(HangUp()) == []
    assert line.tell(TransferEnded("completed")) == [ReleaseCall()], "without a stream there is nothing to close"


# Asked for beside the flow.


def test_who_was_transferred_from_outside_and_talked_needs_us_no_more(line):
    line.saying()
    assert CloseStream() in line.transfer(OPERATOR)
    assert ReleaseCall() in away(line).tell(TransferEnded("completed"))
    assert line.session.record.end_reason == "transferred"


def test_when_it_fails_the_question_that_was_open_is_asked_again(line):
    question = Collect(Say("One or two?"), DigitRules(max_digits=1))
    line.saying(question)
    line.transfer(OPERATOR, after=0.5)
    start = begun(away(line).tell(TransferEnded("busy")))
    assert start.say == question.prompt
    line.tell(BACK)
    line.spoken(start)
    assert reported(line.tell(DigitPressed("2")))[0].digits == "2"


def test_a_flow_file_goes_on_at_its_node():
    line = Line(FLOW).started()
    line.transfer(OPERATOR)
    assert begun(away(line).tell(TransferEnded("busy"))).say.text == "Press one."
    assert line.session.record.path == ["main"]


@fault(
    "The API transfers a call while an order of its flow is under way, and nobody answers.",
    caller="What follows the order.",
    operator="One request at the service.",
    kept="The order: it is not placed twice.",
)
def test_a_request_under_way_is_not_sent_again(line):
    request = Request("POST", "https://example.com/orders")
    assert line.perform_step(request) == [StartAction(request)]
    line.transfer(OPERATOR)
    assert away(line).tell(TransferEnded("busy")) == []
    assert reported(line.tell(ActionDone(Done(5)))) == [Done(5)]


def test_a_request_that_was_answered_meanwhile_is_followed_when_the_caller_is_back(line):
    line.perform_step(Request("POST", "https://example.com/orders"))
    line.transfer(OPERATOR)
    assert away(line).tell(ActionDone(Done(5))) == []
    assert reported(line.tell(TransferEnded("busy"))) == [Done(5)]


def test_without_a_stream_nobody_is_transferred_from_outside():
    line = Line()
    assert line.transfer(OPERATOR) == []
    assert line.session.phase is Phase.WAITING


def test_announcements_are_refused_while_the_caller_is_away(line):
    line.transfer(OPERATOR)
    [report] = line.announce(1, HELLO)
    assert isinstance(report.outcome, NotLive)


def test_an_announcement_that_the_transfer_cut_goes_on_when_the_caller_is_back(line):
    start = begun(line.announce(1, HELLO))
    line.spoken(start)
    again = begun(line.transfer(OPERATOR, at_once=True))
    away(line).tell(TransferEnded("busy"))
    line.tell(BACK)
    [report] = line.heard(again)
    assert isinstance(report, ReportAnnouncement)


# Another process.


def test_another_process_waits_for_the_end_of_the_transfer(led):
    line = Line(FLOW, checkpoint=away(led).kept)
    assert line.effects == []
    assert line.session.transfer_target == led.session.transfer_target, "Twilio may not have asked yet whom to dial"
    assert begun(line.tell(TransferEnded("busy"))).say.text == "Nobody is free."


def test_another_process_ends_a_call_that_was_transferred_from_outside():
    line = Line(FLOW, checkpoint=Checkpoint(FlowPosition("main"), transfer=OPERATOR))
    assert line.effects == []
    assert ReleaseCall() in line.tell(TransferEnded("completed"))


def test_another_process_asks_the_question_again_when_such_a_transfer_failed():
    line = Line(FLOW, checkpoint=Checkpoint(FlowPosition("main"), transfer=OPERATOR))
    assert begun(line.tell(TransferEnded("busy"))).say.text == "Press one."


# Ending a call from outside.


def test_a_call_is_hung_up_at_once_without_a_last_word(line):
    line.saying()
    assert CloseStream() in line.hang_up()
    assert line.tell(StreamLost()) == [ReleaseCall()]
    assert line.session.record.end_reason == "hung up by request"


def test_a_last_word_is_heard_before_the_line_is_closed(line):
    line.saying()
    start = begun(line.hang_up(Say("We close now.")))
    assert line.heard(start) == [CloseStream()]


@pytest.mark.parametrize(
    "meanwhile",
    [
        Line.cancel_step,
        lambda line: line.perform_step(HELLO),
        lambda line: line.tell(FlowEnded()),
        lambda line: line.tell(FlowEnded("failed")),
        lambda line: line.tell(ActionDone(Done(1))),
        lambda line: line.transfer(OPERATOR),
    ],
)
def test_nothing_that_the_flow_does_meanwhile_cuts_the_last_word(line, meanwhile):
    line.saying()
    start = begun(line.hang_up(Say("We close now.")))
    assert meanwhile(line) == []
    assert line.heard(start) == [CloseStream()]
    assert line.session.record.end_reason == "hung up by request"
    assert not line.session.apology_due


def test_a_last_word_needs_no_action_to_be_over(line):
    line.perform_step(Request("GET", "https://example.com/"))
    start = begun(line.hang_up(Say("We close now.")))
    assert line.tell(ActionDone(Done(1))) == []
    assert line.heard(start) == [CloseStream()]


def test_a_last_word_goes_on_when_the_stream_was_lost(line):
    start = begun(line.hang_up(Say("We close our office now.")))
    line.worded(start)
    again = begun(line.tell(StreamLost(), after=0.6))
    assert again.say.text == "close our office now."
    line.tell(BACK)
    assert line.heard(again) == [CloseStream()]


def test_whoever_talks_to_somebody_else_hears_no_last_word(line):
    line.perform_step(OPERATOR)
    line.session.handle(TransferBegun(), now=line.now)
    line.hang_up(Say("We close now."))
    assert line.tell(StreamLost()) == [ReleaseCall()]


def test_an_announcement_after_the_last_word_was_asked_for_is_refused(line):
    line.hang_up(Say("We close now."))
    [report] = line.announce(1, HELLO)
    assert isinstance(report.outcome, NotLive)


def test_a_transfer_of_the_flow_waits_for_what_was_accepted():
    line = Line("flow: t\nstart: a\nnodes:\n  a: {say: Hello., then: b}\n  b: {transfer: '+15551230100'}")
    hello = begun(line.effects)
    line.started()
    line.announce(1, HELLO)
    accepted = begun(line.heard(hello))
    assert line.session.phase is Phase.LIVE
    assert line.session.transfer_target is not None, "another process would dial, should this one die"
    assert line.heard(accepted)[-1] == CloseStream()
    assert line.session.phase is Phase.AWAY


def test_a_goodbye_takes_the_place_of_a_transfer_that_waits(line):
    start = begun(line.announce(1, HELLO))
    line.transfer(OPERATOR)
    line.hang_up(Say("Goodbye."))
    goodbye = begun(line.heard(start))
    assert goodbye.say.text == "Goodbye."
    assert line.heard(goodbye) == [CloseStream()]
    assert line.session.phase is Phase.CLOSING


# Without a session.


@pytest.fixture
def parts():
    return CallParts().live()


def test_a_request_waits_for_the_announcements_and_is_in_the_checkpoint_meanwhile(parts):
    parts.dialogue.announcements.announce(Announcement(1, HELLO), now=0.0)
    [saved] = parts.transfer.request(OPERATOR, now=1.0)
    assert Checkpoint.decode(saved.checkpoint).transfer == OPERATOR
    assert parts.transfer.waits
    assert parts.transfer.begin_when_announced(now=1.0) == []
    parts.dialogue.clear(BargeInCause.API, now=2.0)
    assert parts.transfer.begin_when_announced(now=2.0)[-1] == CloseStream()
    assert (parts.transfer.waits, parts.phases.phase) == (False, Phase.AWAY)


def test_a_request_that_is_cancelled_is_forgotten_and_a_transfer_that_began_is_not(parts):
    parts.dialogue.announcements.announce(Announcement(1, HELLO), now=0.0)
    parts.transfer.request(OPERATOR, now=1.0)
    parts.transfer.cancel()
    assert (parts.transfer.waits, parts.checkpointer.transfer) == (False, None)
    parts.transfer.begin(OPERATOR, now=2.0)
    parts.transfer.cancel()
    assert parts.checkpointer.transfer == OPERATOR


def test_nothing_begins_once_the_flow_is_over(parts):
    parts.dialogue.announcements.announce(Announcement(1, HELLO), now=0.0)
    parts.transfer.request(OPERATOR, now=1.0)
    parts.ending.end("call completed", now=2.0)
    assert parts.transfer.begin_when_announced(now=2.0) == []


@pytest.mark.parametrize("by_api", [True, False])
def test_the_end_says_who_requested_the_transfer(parts, by_api):
    parts.transfer.request(OPERATOR, by_api=by_api, now=1.0)
    parts.transfer.dialed(now=2.0)
    assert parts.phases.deadline > 4 * 3600, "Twilio reports the end"
    assert parts.transfer.end(TransferEnded("busy"), now=60.0) is by_api
    assert (parts.phases.phase, parts.checkpointer.transfer) == (Phase.WAITING, None)


@pytest.mark.parametrize("by_api", [True, False])
def test_a_transfer_of_another_process_is_waited_for(parts, by_api):
    parts.transfer.restore(OPERATOR, by_api=by_api, now=0.0)
    assert (parts.phases.phase, parts.checkpointer.transfer) == (Phase.AWAY, OPERATOR)
    assert parts.transfer.end(TransferEnded("busy"), now=60.0) is by_api
