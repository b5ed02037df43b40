"""Where a call stands, encoded anew only as far as it changed."""

import json

import pytest
from support.call_parts import CallParts
from support.line import SECOND_OF_AUDIO, Line, begun

from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import PublishEvent, ReleaseCall, SaveCheckpoint
from telebridge.call.session.events import ActionDone, SpeechArrived
from telebridge.call.session.words.ahead import UtteranceAhead
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import Done, Gathered, Transfer
from telebridge.recognition.source import FinalTranscript
from telebridge.speech.source import Audio, Word, Words
from telebridge.turns.digits import Ending
from telebridge.twilio.media_stream import DigitPressed, MarkReturned

FLOW = """
flow: test
start: ask
nodes:
  ask: {menu: "Press one.", choices: {1: bye}, no_input: {reprompt: 2}}
  bye: {hang_up: "Goodbye."}
"""
FETCHED = """
flow: fetched
start: fetch
nodes:
  fetch: {request: {url: "https://example.com/", into: customer}, then: hello, failed: hello}
  hello: {say: "Your agent is on the way.", then: bye}
  bye: {hang_up: "Goodbye."}
"""


class Counted:
    """A value that JSON does not know, and that knows how often it was written as its text."""

    def __init__(self):
        self.written = 0

    def __str__(self):
        self.written += 1
        return "a megabyte"


class Kept(CallParts):
    """A checkpointer and what it is made of."""

    @property
    def now(self):
        """What another process would read."""
        return Checkpoint.decode(self.checkpointer.save(now=0.0).checkpoint)


def test_everything_that_another_process_needs_is_kept():
    kept = Kept(FLOW, name="Ann")
    kept.flow.start()
    kept.dialogue.digits.press("1", now=0.0)
    kept.dialogue.announcements.late_keys = "2"
    kept.record.digits.append("77")
    kept.record.recordings.append("a.wav")
    kept.record.result["answer"] = 1
    kept.checkpointer.transfer = Transfer("+15551230100")
    kept.checkpointer.words_before = 3
    kept.checkpointer.over = kept.checkpointer.apology = True
    assert kept.now == Checkpoint(
        standing=FlowPosition("ask", {"name": "Ann"}, path=["ask"]),
        typed="12",
        words_heard=3,
        transfer=Transfer("+15551230100"),
        result={"answer": 1},
        digits=["77"],
        recordings=["a.wav"],
        over=True,
        apology=True,
        person=True,
    )


def test_the_stored_form_has_the_same_fields_in_whichever_way_it_was_encoded():
    kept = Kept(FLOW, name="Ann")
    kept.flow.start()
    stored = kept.checkpointer.save(now=0.0).checkpoint
    assert stored == Checkpoint(standing=kept.flow.position).encode()
    assert list(json.loads(stored)) == list(Checkpoint.__slots__)


def test_what_a_flow_knows_is_encoded_once_until_it_moves():
    value = Counted()
    kept = Kept(FLOW, customer=value)
    kept.flow.start()
    for key in "123":
        kept.dialogue.digits.press(key, now=0.0)
        assert kept.now.standing.variables == {"customer": "a megabyte"}
    assert (value.written, kept.now.typed) == (1, "123")
    kept.flow.resume(Gathered("1", Ending.COMPLETE))
    kept.checkpointer.flow_moved()
    assert kept.now.standing.path == ["ask", "bye"]
    assert value.written == 2


def test_what_a_python_flow_knows_is_encoded_once_and_as_it_was():
    value = Counted()
    kept = Kept()
    variables = {"customer": value, "tries": 1}
    kept.checkpointer.save_variables("asked", variables, now=0.0)
    variables["tries"] = 2
    for _ in range(3):
        assert (kept.now.name, kept.now.variables) == ("asked", {"customer": "a megabyte", "tries": 1})
    assert value.written == 1


def test_what_another_process_left_is_left_again():
    left = Checkpoint(
        typed="2", answer="1", name="asked", variables={"n": 1}, result={"a": 1}, digits=["7"], recordings=["a.wav"]
    )
    kept = Kept()
    kept.checkpointer.restore(left)
    assert kept.record.result == {"a": 1}
    again = kept.now
    assert (again.name, again.variables, again.digits, again.recordings) == ("asked", {"n": 1}, ["7"], ["a.wav"])


def test_a_step_that_begins_is_told_by_its_node_and_one_asked_again_is_not():
    kept = Kept(FLOW)
    kept.flow.start()
    told, saved = kept.checkpointer.step_began(now=0.0)
    assert told == PublishEvent("node", {"node": "ask"})
    assert isinstance(saved, SaveCheckpoint)
    kept.flow.resume(Gathered("", Ending.NO_INPUT))
    kept.checkpointer.flow_moved()
    [saved] = kept.checkpointer.step_began(now=0.0)
    assert Checkpoint.decode(saved.checkpoint).standing.silences == 1


def test_a_python_flow_has_no_nodes_to_enter():
    assert Kept().checkpointer.step_began(now=0.0) == []


@pytest.mark.parametrize(("effects", "kept"), [([], True), ([SaveCheckpoint(b"")], False), ([ReleaseCall()], False)])
def test_a_change_is_kept_once_and_not_after_the_end(effects, kept):
    followed = Kept().checkpointer.save_after(effects, now=0.0)
    assert followed[: len(effects)] == effects
    assert (len(followed) > len(effects)) is kept


def fetched(value):
    """A call whose flow has fetched a value and now says something, with a word each second."""
    line = Line(FETCHED).started()
    start = begun(line.tell(ActionDone(Done(value))))
    words = tuple(Word(word, n * 1000, (n + 1) * 1000) for n, word in enumerate(start.say.text.split()))
    line.tell(SpeechArrived(start.utterance, Words(words)))
    line.tell(SpeechArrived(start.utterance, Audio(SECOND_OF_AUDIO * len(words))))
    return line


def test_a_mark_and_a_key_do_not_encode_what_was_fetched():
    value = Counted()
    line = fetched(value)
    heard = []
    for _ in range(4):
        line.tell(MarkReturned("unknown"), after=1.05)
        heard.append(line.kept.words_heard)
        assert line.kept.standing.variables["customer"] == "a megabyte"
    assert heard == [1, 2, 3, 4]
    assert value.written == 1
    line.tell(DigitPressed("5"))
    assert (line.kept.standing.node, line.kept.typed) == ("bye", "5")
    assert value.written == 2, "the flow went on"


def test_a_mark_does_not_encode_the_variables_of_a_python_flow():
    value = Counted()
    line = Line().started()
    line.checkpoint("asked", {"customer": value})
    _, mark = line.saying()
    line.tell(MarkReturned(mark), after=1.0)
    assert line.kept.variables == {"customer": "a megabyte"}
    assert value.written == 1


def test_words_that_were_said_ahead_are_kept_for_the_question_in_another_process():
    kept = Kept(FLOW)
    kept.dialogue.ahead.kept = [
        UtteranceAhead("Welcome.", (3, 1), bytearray(b"\x00\xffaudio"), interrupted=True),
        UtteranceAhead("Welcome.", (3, 2), final=FinalTranscript(2, "billing", 0.9), noted=True, ended=True),
    ]
    other = Kept(FLOW)
    other.checkpointer.restore(kept.now)
    other.dialogue.ahead.prompt_began()  # the prompt that they were said over goes on
    first, second = other.dialogue.ahead.take()
    assert (bytes(first.audio), first.heard_by, first.ended) == (b"\x00\xffaudio", None, True)
    assert (second.final, second.saying, second.noted) == (FinalTranscript(2, "billing", 0.9), "Welcome.", True)


def test_words_ahead_in_another_process_are_of_no_question_after_the_next_prompt():
    kept, other = Kept(FLOW), Kept(FLOW)
    kept.dialogue.ahead.kept = [UtteranceAhead("Welcome.", None, bytearray(b"a"))]
    other.checkpointer.restore(kept.now)
    other.dialogue.ahead.prompt_began()
    other.dialogue.ahead.prompt_began()
    assert not other.dialogue.ahead.take()
