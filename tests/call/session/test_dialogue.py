"""What is said beside the flow, and what the caller leaves after the beep."""

import pytest
from support.callers import QUIET, SPEECH, ToldDetector
from support.line import HELLO, SECOND_OF_AUDIO, Line, begun, payloads, reported

from telebridge.audio.tones import beep
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.effects import (
    ClearPlayback,
    ClearSpeech,
    ReleaseCall,
    ReportAnnouncement,
    SaveMessage,
    StartSpeech,
)
from telebridge.call.session.events import (
    MarkReturned,
    MessageSaved,
    SpeechArrived,
    SpeechFailed,
    StreamLost,
)
from telebridge.errors import NotLive, SpeechUnavailable
from telebridge.flows.steps import Collect, Gathered, Play, Record, Recorded, RecordingEnd, Said, Say, Wait
from telebridge.playback.writer import SendMark
from telebridge.speech.source import Audio
from telebridge.turns.barge_in import BargeInCause, BargeInPolicy
from telebridge.turns.digits import DigitRules, Ending
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, StreamStarted

NEWS = Say("Your agent is on the way.", barge_in=BargeInPolicy.NONE)
MORE = Say("Two minutes left.", barge_in=BargeInPolicy.NONE)
YIELDING = Say("Your agent is on the way.")
ONE_KEY = DigitRules(max_digits=1, no_input_seconds=5.0)
QUESTION = Collect(Say("Press one or two."), ONE_KEY)


@pytest.fixture
def line():
    return Line(listening=ListeningOptions(detector=ToldDetector)).started()


def announced(effects):
    """What those who announced something are told, by number."""
    return {each.number: each.outcome for each in effects if isinstance(each, ReportAnnouncement)}


def announce(line, number=1, step=NEWS):
    return line.announce(number, step)


def frames(line, frame, count):
    """Let so many frames of the caller's come."""
    effects = []
    for _ in range(count):
        effects += line.tell(AudioReceived(frame, round(line.now * 1000)), after=0.02)
    return effects


# Announcements.


def test_an_announcement_is_spoken_at_once_when_nothing_else_is_said(line):
    start = begun(announce(line))
    assert start.say is NEWS
    outcome = announced(line.heard(start))[1]
    assert (outcome.text, outcome.interruption) == (NEWS.text, None)
    assert [said.text for said in line.session.record.utterances] == [NEWS.text]


def test_an_announcement_waits_for_the_end_of_a_prompt(line):
    _, mark = line.saying()
    assert announce(line) == []
    start, report = line.tell(MarkReturned(mark), after=1.0)
    assert isinstance(start, StartSpeech)
    assert reported([report]) == [Said(None)], "the flow goes on meanwhile"


def test_the_next_step_of_the_flow_is_held_until_the_announcement_was_heard(line):
    start = begun(announce(line))
    assert line.perform_step(HELLO) == []
    effects = line.heard(start)
    assert begun(effects).say is HELLO
    assert 1 in announced(effects)


def test_several_are_said_in_the_order_they_were_asked_for(line):
    first = begun(announce(line, 1, NEWS))
    assert announce(line, 2, MORE) == []
    assert announce(line, 3, Play(SECOND_OF_AUDIO, "chime")) == []
    second = begun(line.heard(first))
    assert second.say is MORE
    played = line.heard(second)
    assert payloads(played) == SECOND_OF_AUDIO
    mark = [each.name for each in played if isinstance(each, SendMark)][-1]
    assert list(announced(line.tell(MarkReturned(mark), after=1.0))) == [3]


def test_after_an_announcement_the_time_to_answer_begins_anew(line):
    _, mark = line.saying(QUESTION)
    line.tell(MarkReturned(mark), after=1.0)
    assert line.wait(4.0) == []
    start = begun(announce(line))
    line.heard(start, after=3.0)
    assert line.alive(4) == [], "four seconds before and four after are not five"
    assert reported(line.alive(2)) == [Gathered("", Ending.NO_INPUT)]


def test_a_question_does_not_time_out_while_something_is_announced(line):
    _, mark = line.saying(QUESTION)
    line.tell(MarkReturned(mark), after=1.0)
    [start] = announce(line)
    mark = line.spoken(start, SECOND_OF_AUDIO * 20)
    assert line.alive(19) == []
    assert announced(line.tell(MarkReturned(mark), after=1.0))


def test_a_key_during_an_announcement_that_does_not_yield_answers_once_it_is_over(line):
    _, mark = line.saying(QUESTION)
    line.tell(MarkReturned(mark), after=1.0)
    start = begun(announce(line))
    assert line.tell(DigitPressed("2")) == []
    assert line.kept.typed == "2", "a process that takes over knows of it"
    assert reported(line.heard(start)) == [Gathered("2", Ending.COMPLETE)]


def test_a_key_ends_an_announcement_that_yields_and_answers_the_question(line):
    _, mark = line.saying(QUESTION)
    line.tell(MarkReturned(mark), after=1.0)
    [start] = announce(line, 1, YIELDING)
    line.spoken(start)
    effects = line.tell(DigitPressed("2"), after=0.5)
    assert effects[:2] == [ClearPlayback(), ClearSpeech(start.utterance)]
    assert announced(effects)[1].interruption.cause is BargeInCause.KEY
    assert reported(effects) == [Gathered("2", Ending.COMPLETE)]


def test_a_key_during_an_announcement_between_questions_is_typed_ahead(line):
    start = begun(announce(line))
    line.tell(DigitPressed("2"))
    line.perform_step(QUESTION)
    assert reported(line.heard(start)) == [Gathered("2", Ending.COMPLETE)]


def test_an_announcement_falls_into_a_wait_and_both_end_in_their_own_time(line):
    line.perform_step(Wait(2.0))
    start = begun(announce(line, 1))
    announce(line, 2, MORE)
    mark = line.spoken(start, SECOND_OF_AUDIO * 5)
    assert reported(line.alive(2)) == [Said(None)]
    assert line.perform_step(HELLO) == []
    assert begun(line.tell(MarkReturned(mark))).say is MORE


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_a_blank_announcement_is_over_at_once_and_ends_nothing_else(line, blank):
    line.perform_step(Wait(2.0))
    assert announced(announce(line, 1, Say(blank)))[1].text == ""
    assert begun(announce(line, 2)).say is NEWS, "the next one is said"


def test_a_blank_announcement_among_others_holds_up_nobody(line):
    _, mark = line.saying()
    for number, text in enumerate(["", "News.", " "]):
        announce(line, number, Say(text, barge_in=BargeInPolicy.NONE))
    effects = line.tell(MarkReturned(mark), after=1.0)
    assert list(announced(effects)) == [0]
    line.perform_step(Wait(1.0))
    effects = line.heard(begun(effects))
    assert list(announced(effects)) == [1, 2]
    assert reported(line.wait(1.1)) == [Said(None)], "the held step began"


def test_an_announcement_that_cannot_be_spoken_ends_no_step(line):
    line.perform_step(Wait(60.0))
    start = begun(announce(line))
    error = SpeechUnavailable("gone")
    effects = line.tell(SpeechFailed(start.utterance, error))
    effects = line.tell(MarkReturned(effects[-1].name))
    assert announced(effects) == {1: error}
    assert reported(effects) == []


def test_the_end_of_the_call_tells_everybody_who_waits(line):
    start = begun(announce(line, 1))
    announce(line, 2, MORE)
    line.spoken(start, SECOND_OF_AUDIO * 2)
    effects = line.hung_up(after=1.0)
    outcomes = announced(effects)
    assert outcomes[1].interruption.cause is BargeInCause.HANG_UP
    assert isinstance(outcomes[2], NotLive)
    assert effects[-1] == ReleaseCall()
    assert not any(isinstance(each, StartSpeech) for each in effects)


def test_a_call_that_is_over_refuses_announcements(line):
    line.hung_up()
    assert isinstance(announced(announce(line))[1], NotLive)


def test_an_announcement_asked_for_before_the_stream_is_heard_once_it_is_there():
    line = Line()
    start = begun(announce(line))
    assert line.tell(SpeechArrived(start.utterance, Audio(SECOND_OF_AUDIO))) == []
    assert payloads(line.tell(StreamStarted("MZ1", "CA1", "AC1", {}))) == SECOND_OF_AUDIO


def test_a_flow_that_no_longer_waits_does_not_cut_an_announcement_and_those_that_wait_are_said(line):
    line.saying()
    announce(line)
    effects = line.cancel_step()
    start = begun(effects)
    assert effects[:2] == [ClearPlayback(), ClearSpeech("u1")]
    line.spoken(start)
    assert line.cancel_step() == []


def test_an_announcement_that_waits_is_said_when_the_flow_is_led_to_a_pause():
    line = Line("flow: t\nstart: a\nnodes:\n  a: {say: Hello there., then: b}\n  b: {wait: 5s, then: a}").started()
    line.spoken(StartSpeech("u1", HELLO))
    assert announce(line) == []
    assert begun(line.jump("b", after=0.5)).say is NEWS


def test_an_announcement_that_a_lost_stream_cut_goes_on_where_it_was(line):
    start = begun(announce(line))
    mark = line.worded(start)
    effects = line.tell(StreamLost(), after=0.8)
    again = begun(effects)
    assert again.say.text == "is on the way.", "three words of 250 ms were heard"
    line.tell(StreamStarted("MZ2", "CA1", "AC1", {}))
    assert announced(line.tell(MarkReturned(mark))) == {}, "a mark of the stream that is gone"
    assert 1 in announced(line.heard(again))


# Recordings.


RECORD = Record(Say("Speak after the tone."), silence_seconds=2.0, longest_seconds=10.0)


def recording(line, step=RECORD):
    """Ask for a recording and let everything up to the beep be heard."""
    [start] = line.perform_step(step)
    effects = line.heard(start)
    assert payloads(effects) == beep()
    [mark] = [each.name for each in effects if isinstance(each, SendMark)]
    return line.tell(MarkReturned(mark), after=0.5)


def kept_audio(effects):
    return [effect.audio for effect in effects if isinstance(effect, SaveMessage)]


def test_a_recording_follows_the_prompt_and_the_beep_and_ends_in_silence(line):
    assert recording(line) == []
    assert frames(line, SPEECH, 100) == []
    effects = frames(line, QUIET, 150)
    [audio] = kept_audio(effects)
    assert audio.startswith(SPEECH * 100)
    assert 2.9 * 8000 <= len(audio) <= 3.5 * 8000
    [recorded] = reported(line.tell(MessageSaved("a.wav")))
    assert recorded == Recorded("a.wav", len(audio) / 8000, RecordingEnd.SILENCE)


def test_the_finish_key_ends_it_and_is_no_digit(line):
    recording(line)
    frames(line, SPEECH, 50)
    assert len(kept_audio(line.tell(DigitPressed("#")))) == 1
    assert (line.kept.answer, line.kept.typed) == ("", "")


def test_other_keys_are_typed_ahead(line):
    recording(line)
    frames(line, SPEECH, 50)
    assert line.tell(DigitPressed("5")) == []
    assert line.kept.typed == "5"


def test_without_a_word_nothing_is_kept(line):
    recording(line)
    assert reported(frames(line, QUIET, 150)) == [Recorded(None, 0.0, RecordingEnd.SILENCE)]


def test_a_recording_that_could_not_be_kept_has_a_length_and_no_file(line):
    recording(line)
    frames(line, SPEECH, 50)
    line.tell(DigitPressed("#"))
    assert reported(line.tell(MessageSaved(None))) == [Recorded(None, 1.0, RecordingEnd.FINISH_KEY)]


def test_who_hangs_up_has_left_a_message(line):
    recording(line)
    frames(line, SPEECH, 50)
    effects = line.hung_up()
    assert kept_audio(effects) == [SPEECH * 50]
    assert effects[-1] == ReleaseCall()
    assert line.tell(MessageSaved("a.wav")) == []


@pytest.mark.parametrize("end", [Line.hang_up, Line.cancel_step])
def test_whoever_ends_it_from_outside_has_what_was_said_kept(line, end):
    recording(line)
    frames(line, SPEECH, 50)
    assert kept_audio(end(line)) == [SPEECH * 50]
    assert line.tell(MessageSaved("a.wav")) == [], "nobody waits for it"


def test_a_recording_outlives_the_stream(line):
    recording(line)
    frames(line, SPEECH, 50)
    line.tell(StreamLost())
    line.tell(StreamStarted("MZ2", "CA1", "AC1", {}), after=1.0)
    frames(line, SPEECH, 25)
    assert kept_audio(line.tell(DigitPressed("#"))) == [SPEECH * 75]


def test_a_recording_is_kept_when_the_stream_never_comes_back(line):
    recording(line)
    frames(line, SPEECH, 50)
    line.tell(StreamLost())
    assert kept_audio(line.wait(31)) == [SPEECH * 50]


def test_an_announcement_waits_until_the_recording_is_over(line):
    recording(line)
    frames(line, SPEECH, 50)
    assert announce(line) == []
    assert kept_audio(line.tell(DigitPressed("#"))) == [SPEECH * 50]
    effects = line.tell(MessageSaved("a.wav"))
    assert begun(effects).say is NEWS
    assert len(reported(effects)) == 1


def test_an_announcement_while_the_file_is_written_holds_up_nothing(line):
    recording(line)
    frames(line, SPEECH, 50)
    line.tell(DigitPressed("#"))
    start = begun(announce(line, 1))
    announce(line, 2, MORE)
    assert len(reported(line.tell(MessageSaved("a.wav")))) == 1
    assert begun(line.heard(start)).say is MORE


def test_without_a_beep_the_recording_begins_where_the_prompt_ends(line):
    [start] = line.perform_step(Record(Say("Speak."), beep=False))
    assert line.heard(start) == []
    line.now += 1.0  # the echo of the prompt has died away
    frames(line, SPEECH, 25)
    assert kept_audio(line.tell(DigitPressed("#"))) == [SPEECH * 25]


def test_without_a_prompt_there_is_a_beep_at_once(line):
    assert payloads(line.perform_step(Record(None))) == beep()


def test_a_key_over_the_prompt_of_a_recording_leads_to_the_beep(line):
    [start] = line.perform_step(RECORD)
    line.spoken(start)
    assert payloads(line.tell(DigitPressed("1"), after=0.3)) == beep()
