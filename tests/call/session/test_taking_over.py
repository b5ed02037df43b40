"""A process goes on with a call where another one was, and nothing is lost, said twice or done twice."""

import pytest
from support.line import Line, begun

from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import CloseStream, StartAction
from telebridge.call.session.events import (
    SpeechArrived,
    TransferEnded,
)
from telebridge.call.session.stream_phase import Phase
from telebridge.flows.steps import Say, Transfer
from telebridge.speech.source import Audio, Word, Words
from telebridge.twilio.media_stream import DigitPressed, MarkReturned

MENU = """
flow: menu
start: ask
nodes:
  ask:
    menu: "For sales press one. For billing press two. For all else stay on the line."
    choices: {1: bye}
    no_input: {after: 5s, reprompt: 0}
  bye: {hang_up: "Goodbye."}
"""


def request(method):
    return f"""
flow: ordering
start: order
nodes:
  order: {{request: {{method: {method}, url: "https://example.com/"}}, then: done, failed: down}}
  done: {{hang_up: "It is ordered."}}
  down: {{hang_up: "It may be ordered."}}
"""


COLLECT = """
flow: pin
start: ask
nodes:
  ask:
    collect: "Your six digits, please."
    digits: {min: 6, max: 6, type_ahead: false}
    into: pin
    then: bye
  bye: {hang_up: "You typed {{ pin }}."}
"""


def speaking(line, start, heard_seconds):
    """The prompt is sent with a word each half second, and so much of it is heard."""
    words = tuple(Word(word, n * 500, (n + 1) * 500) for n, word in enumerate(start.say.text.split()))
    line.tell(SpeechArrived(start.utterance, Words(words)))
    line.tell(SpeechArrived(start.utterance, Audio(bytes(4000 * len(words)))))
    line.tell(MarkReturned("unknown"), after=heard_seconds)


def over(line, flow):
    return Line(flow, checkpoint=Checkpoint.decode(line.kept.encode()))


def test_words_are_counted_from_the_beginning_whoever_said_them():
    line = Line(MENU)
    start = begun(line.effects)
    speaking(line.started(), start, 3.1)
    line = over(line, MENU)
    start = begun(line.effects)
    assert start.say.text.startswith("billing press two.")
    speaking(line.started(), start, 1.6)
    assert begun(over(line, MENU).effects).say.text.startswith("two. For all")


def test_who_hears_the_apology_hears_its_rest_and_not_half_a_question():
    line = Line(MENU)
    start = begun(line.effects)
    line.started()
    line.heard(start)
    apology = begun(line.alive(6))
    assert "sorry" in apology.say.text
    speaking(line, apology, 1.6)
    line = over(line, MENU)
    assert apology.say.text.endswith(begun(line.effects).say.text)


def test_keys_of_an_open_question_count_where_keys_ahead_of_it_do_not():
    line = Line(COLLECT)
    start = begun(line.effects)
    line.started()
    line.heard(start)
    for key in "1234":
        line.tell(DigitPressed(key))
    line = over(line, COLLECT).started()
    line.tell(DigitPressed("5"))
    assert begun(line.tell(DigitPressed("6"))).say.text == "You typed 123456."


@pytest.mark.parametrize(("method", "again"), [("GET", True), ("PUT", True), ("POST", False), ("PATCH", False)])
def test_what_may_have_been_done_is_not_done_again_where_that_could_do_harm(method, again):
    line = Line(request(method))
    assert isinstance(line.effects[0], StartAction)
    line = over(line, request(method))
    if again:
        assert isinstance(line.effects[0], StartAction)
    else:
        assert begun(line.effects).say.text == "It may be ordered."


def test_a_transfer_from_beside_during_a_request_leaves_nobody_in_silence():
    flow = request("GET")
    line = Line(flow).started()
    assert CloseStream() in line.transfer(Transfer("+15551230100"))
    line = over(line, flow)
    assert line.session.phase is Phase.AWAY
    assert begun(line.tell(TransferEnded("busy"))).say.text == "It may be ordered."
    assert over(line, flow).session.phase is Phase.WAITING, "the transfer is over for good"


def test_a_python_flow_whose_caller_is_away_waits_for_them():
    line = Line().started()
    line.checkpoint(None, {"name": "Ann"})
    line.transfer(Transfer("+15551230100"))
    line = over(line, None)
    assert line.session.phase is Phase.AWAY
    assert line.perform_step(Say("Hello.")) == []
    assert begun(line.tell(TransferEnded("busy"))).say.text == "Hello."


def test_what_a_python_flow_knew_at_its_checkpoint_is_what_is_kept():
    variables = {"tries": 1}
    line = Line().started()
    line.checkpoint("asked", variables)
    variables["tries"] = 2
    line.tell(DigitPressed("1"))
    assert line.kept.variables == {"tries": 1}


def test_digits_and_recordings_are_not_forgotten():
    line = Line(checkpoint=Checkpoint(digits=["12"], recordings=["CA1-1.wav"]))
    assert (line.session.record.digits, line.session.record.recordings) == (["12"], ["CA1-1.wav"])


def test_a_last_word_is_kept_as_the_end():
    line = Line(MENU).started()
    assert not line.kept.over
    line.hang_up(Say("Goodbye."))
    assert line.kept.over


def test_a_flow_that_is_over_is_kept_before_the_stream_is_closed():

    line = Line(MENU)
    start = begun(line.effects)
    line.started()
    line.heard(start)
    line.heard(begun(line.tell(DigitPressed("1"))))
    assert line.effects[-1] == CloseStream()
    assert (line.kept.over, line.kept.apology) == (True, False)


def test_a_whisper_that_no_text_can_hold_keeps_nobody_from_being_connected():
    line = Line(MENU).started()
    assert CloseStream() in line.transfer(Transfer("+15551230100", whisper="half a \ud83d smile"))
    assert line.kept.transfer.whisper == "half a ? smile"
