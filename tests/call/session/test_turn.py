"""One step at a time on a line of its own: what it says, what it waits for, and its outcome."""

from datetime import UTC, datetime

import pytest
from support.callers import SPEECH, felt
from support.line import HELLO, payloads

from telebridge.audio.tones import beep
from telebridge.call.record import CallRecord
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.effects import (
    ClearPlayback,
    ClearSpeech,
    PublishEvent,
    SaveMessage,
    StartSpeech,
)
from telebridge.call.session.turn import DialogTurn, StepOver
from telebridge.errors import SpeechUnavailable
from telebridge.flows.steps import Collect, Gathered, Play, Record, Recorded, RecordingEnd, Said, Say, Wait
from telebridge.playback.writer import PlaybackOptions
from telebridge.turns.barge_in import BargeIn, BargeInCause, BargeInPolicy
from telebridge.turns.digits import DigitCollector, DigitRules, Ending

ONE_KEY = DigitRules(max_digits=1, no_input_seconds=5.0)
QUESTION = Collect(Say("Press one or two."), ONE_KEY)
FIRM = Collect(Say("Press one or two.", barge_in=BargeInPolicy.NONE), ONE_KEY)
ANSWERED = StepOver(Gathered("1", Ending.COMPLETE))


class Line:
    """A line whose stream is there, and the keys of its caller."""

    def __init__(self):
        self.record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
        self.speaking = Speaking(PlaybackOptions())
        self.duplex = FullDuplex(self.record, self.speaking, ListeningOptions())
        self.duplex.stream_started(now=0.0)
        self.digits = DigitCollector()

    def begun(self, step):
        """A step and what its beginning led to."""
        begun = DialogTurn(step, self.duplex, self.digits, self.record)
        return begun, felt(begun.begin(now=0.0))

    def silent(self):
        self.duplex.interrupt(BargeInCause.API, now=1.0)


@pytest.fixture
def line():
    return Line()


# Saying, playing, waiting.


def test_saying_is_over_with_its_prompt(line):
    step, results = line.begun(HELLO)
    assert results == [StartSpeech("u1", HELLO)]
    cut = BargeIn(BargeInCause.KEY, "Hello", 500, exact=True)
    assert step.prompt_ended(cut, now=1.0) == [StepOver(Said(cut))]


@pytest.mark.parametrize("step", [Say("  "), Collect(Say(""), ONE_KEY)])
def test_a_blank_prompt_is_not_said(line, step):
    _, results = line.begun(step)
    assert not any(isinstance(each, StartSpeech) for each in results)
    assert line.duplex.idle


def test_what_cannot_be_spoken_is_over_with_the_reason(line):
    step, _ = line.begun(QUESTION)
    error = SpeechUnavailable("gone")
    assert step.prompt_failed(error) == [StepOver(error)]
    assert not line.digits.collecting


def test_audio_is_sent_at_once(line):
    _, results = line.begun(Play(bytes(800), "tone"))
    assert payloads(results) == bytes(800)


def test_a_wait_is_over_after_its_time_announcements_or_not(line):
    step, results = line.begun(Wait(2.0))
    assert results == []
    assert (step.next_deadline(announcing=False), step.next_deadline(announcing=True)) == (2.0, 2.0)
    assert step.handle_timeout(announcing=False, now=1.9) == []
    assert step.handle_timeout(announcing=True, now=2.0) == [StepOver(Said())]


# Asking.


def test_a_key_that_answers_cuts_the_question_off_first(line):
    step, _ = line.begun(QUESTION)
    results = step.press("1", now=0.5)
    assert results[:2] == [ClearPlayback(), ClearSpeech("u1")]
    assert results[-2:] == [PublishEvent("digits", {"digits": "1"}), ANSWERED]
    assert line.record.digits == ["1"]


def test_a_key_typed_ahead_answers_before_anything_is_said(line):
    line.digits.press("1", now=0.0)
    assert line.begun(QUESTION)[1] == [ANSWERED]


def test_half_an_answer_typed_ahead_leaves_the_question_unsaid(line):
    line.digits.press("1", now=0.0)
    step, results = line.begun(Collect(HELLO, DigitRules(max_digits=2)))
    assert results == []
    assert step.press("2", now=1.0)[-1] == StepOver(Gathered("12", Ending.COMPLETE))


def test_a_question_that_yields_to_no_key_is_open_once_it_was_heard(line):
    line.digits.press("1", now=0.0)
    step, results = line.begun(FIRM)
    assert results == [StartSpeech("u1", FIRM.prompt)]
    line.silent()
    assert step.prompt_ended(None, now=1.0)[-1] == ANSWERED


def test_silence_counts_from_the_end_of_the_question(line):
    step, _ = line.begun(QUESTION)
    assert step.next_deadline(announcing=False) is None
    line.silent()
    assert step.prompt_ended(None, now=2.0) == []
    assert step.next_deadline(announcing=False) == 7.0
    assert step.handle_timeout(announcing=False, now=7.0) == [StepOver(Gathered("", Ending.NO_INPUT))]
    assert line.record.digits == [], "nothing answered"


def test_silence_is_not_the_callers_while_something_is_announced_or_the_stream_is_gone(line):
    step, _ = line.begun(Collect(None, ONE_KEY))
    assert step.next_deadline(announcing=False) == 5.0
    assert step.next_deadline(announcing=True) is None
    assert step.handle_timeout(announcing=True, now=9.0) == []
    line.speaking.stream_lost(now=1.0)
    assert step.next_deadline(announcing=False) is None
    assert step.handle_timeout(announcing=False, now=9.0) == []


def test_a_key_that_answers_nothing_is_typed_ahead(line):
    step, _ = line.begun(HELLO)
    assert step.press("4", now=0.5) == []
    assert line.digits.ahead == "4"


# Recording.


def recording(line, step):
    """Lead a recording up to where the caller speaks."""
    begun, _ = line.begun(step)
    if step.prompt is not None:
        line.silent()
        begun.prompt_ended(None, now=1.0)
    if step.beep:
        line.silent()
        begun.prompt_ended(None, now=1.5)
    return begun


def test_a_recording_begins_with_a_beep_and_after_it(line):
    step, results = line.begun(Record())
    assert payloads(results) == beep()
    assert line.duplex.recording is None
    line.silent()
    assert step.prompt_ended(None, now=0.5) == []
    assert line.duplex.recording is not None


def test_the_beep_follows_the_prompt(line):
    step, results = line.begun(Record(HELLO))
    assert results == [StartSpeech("u1", HELLO)]
    line.silent()
    assert payloads(step.prompt_ended(None, now=1.0)) == beep()


@pytest.mark.parametrize("step", [Record(), Record(HELLO), Record(beep=False)])
def test_a_recording_is_over_when_it_is_kept(line, step):
    step = recording(line, step)
    line.duplex.recording.append(SPEECH * 50, speaking=True)
    assert step.recording_ended(RecordingEnd.FINISH_KEY) == [SaveMessage(SPEECH * 50)]
    assert line.duplex.recording is None
    kept = Recorded("a.wav", 1.0, RecordingEnd.FINISH_KEY)
    assert step.message_saved("a.wav") == [StepOver(kept)]
    assert step.message_saved("a.wav") == [], "it is over once"


def test_a_recording_of_nothing_is_over_at_once(line):
    step = recording(line, Record())
    assert step.recording_ended(RecordingEnd.SILENCE) == [StepOver(Recorded(None, 0.0, RecordingEnd.SILENCE))]


def test_a_file_that_is_not_its_own_ends_no_step(line):
    step, _ = line.begun(HELLO)
    assert step.message_saved("a.wav") == []
