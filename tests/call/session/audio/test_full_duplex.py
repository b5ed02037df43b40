"""Both voices of a line, led by hand: who yields to whom, and what is noted of it."""

from datetime import UTC, datetime

import pytest
from support.callers import NOISE, QUIET, SPEECH, ToldDetector
from support.line import SECOND_OF_AUDIO, payloads

from telebridge.call.record import CallRecord
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.effects import (
    ClearPlayback,
    ClearSpeech,
    ForwardAudio,
    PublishEvent,
    StartSpeech,
)
from telebridge.call.session.events import SpeechArrived, SpeechEnded, SpeechFailed
from telebridge.errors import LocalProtocolError, SpeechUnavailable
from telebridge.flows.steps import Record, Say
from telebridge.playback.writer import PlaybackOptions
from telebridge.speech.source import Audio
from telebridge.turns.barge_in import BargeInCause, BargeInOptions, BargeInPolicy
from telebridge.turns.voice_activity import CallerSpeechStarted
from telebridge.twilio.media_stream import AudioReceived

HELLO = Say("Hello there.")
FIRM = Say("Listen.", barge_in=BargeInPolicy.NONE)


class Line:
    """A duplex whose stream is there, and somebody to keep its time: frames come every 20 ms."""

    def __init__(self, policy=BargeInPolicy.ANY):
        self.record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
        self.detector = ToldDetector()
        listening = ListeningOptions(detector=self._new_detector, barge_in=BargeInOptions(policy, commit_after_ms=400))
        self.speaking = Speaking(PlaybackOptions())
        self.duplex = FullDuplex(self.record, self.speaking, listening)
        self.now = 0.0
        self.duplex.stream_started(now=0.0)

    def saying(self, say=HELLO, audio=SECOND_OF_AUDIO):
        """All of a prompt is sent; gives its last mark."""
        start = self.duplex.say(say, now=self.now)[0]
        self.speaking.receive(SpeechArrived(start.utterance, Audio(audio)), now=self.now)
        return self.speaking.receive(SpeechEnded(start.utterance), now=self.now)[-1].name

    def _new_detector(self):
        self.detector = ToldDetector()
        return self.detector

    @property
    def listens(self):
        """Whether the detector is asked about a frame that comes now."""
        judged = self.detector.judged
        self.hear(NOISE)
        return self.detector.judged > judged

    def attend(self, *, live=True, awaited=False, between_steps=False):
        return self.duplex.attend(live=live, awaited=awaited, between_steps=between_steps)

    def hear(self, frame, count=1):
        """What so many frames told."""
        told = []
        for _ in range(count):
            self.now += 0.02
            told.append(self.duplex.receive_media(AudioReceived(frame, round(self.now * 1000)), now=self.now))
        return [each for each in told if each is not None]


@pytest.fixture
def line():
    return Line()


def test_what_was_heard_whole_is_noted_and_told(line):
    mark = line.saying()
    assert line.duplex.mark_returned("unknown", now=0.5) is None
    over = line.duplex.mark_returned(mark, now=1.0)
    assert line.record.utterances == [over.utterance]
    assert (over.utterance.text, over.utterance.interruption, over.error) == ("Hello there.", None, None)
    assert over.effects == [PublishEvent("utterance", {"text": "Hello there.", "audio_ms": 1000})]


def test_a_mark_that_is_overdue_is_waited_for_no_longer(line):
    line.saying()
    deadline = line.duplex.next_deadline()
    assert line.duplex.handle_timeout(now=deadline - 0.1) is None
    assert line.duplex.handle_timeout(now=deadline).utterance.text == "Hello there."
    assert len(line.record.utterances) == 1


def test_an_utterance_whose_source_failed_is_over_with_the_reason(line):
    [start] = line.duplex.say(HELLO, now=0.0)
    error = SpeechUnavailable("gone")
    mark = line.speaking.receive(SpeechFailed(start.utterance, error), now=0.0)[-1].name
    assert line.duplex.mark_returned(mark, now=0.1).error is error


def test_what_was_cut_off_is_noted_with_its_cause_and_the_line_falls_silent(line):
    line.saying()
    over = line.duplex.interrupt(BargeInCause.KEY, now=0.5)
    assert over.effects[:2] == [ClearPlayback(), ClearSpeech("u1")]
    assert over.effects[2].data["interrupted_by"] == "key"
    assert line.record.utterances == [over.utterance]
    assert line.duplex.idle


def test_nothing_can_be_interrupted_on_a_quiet_line(line):
    with pytest.raises(LocalProtocolError):
        line.duplex.interrupt(BargeInCause.API, now=0.0)
    assert line.record.utterances == []


@pytest.mark.parametrize(
    ("say", "policy", "yields"),
    [
        (HELLO, BargeInPolicy.ANY, True),
        (HELLO, BargeInPolicy.SPEECH, False),
        (FIRM, BargeInPolicy.ANY, False),
        (Say("Press.", barge_in=BargeInPolicy.KEYS), BargeInPolicy.NONE, True),
    ],
)
def test_a_prompt_has_its_own_policy_or_that_of_the_settings(say, policy, yields):
    assert Line(policy).duplex.yields(say, BargeInCause.KEY) is yields


# Listening.


@pytest.mark.parametrize(
    ("say", "asked", "listens"),
    [
        (None, {}, False),
        (None, {"awaited": True}, True),
        (None, {"awaited": True, "live": False}, False),
        (None, {"between_steps": True}, False),
        (HELLO, {}, True),
        (FIRM, {}, False),
        (FIRM, {"awaited": True}, False),
    ],
)
def test_the_caller_is_listened_to_as_long_as_somebody_wants_to_know(line, say, asked, listens):
    if say is not None:
        line.duplex.say(say, now=0.0)
    line.attend(**asked)
    assert line.listens is listens


def test_who_speaks_while_no_step_is_in_progress_is_listened_to_until_they_stop(line):
    line.attend(awaited=True)
    line.hear(SPEECH, 5)
    assert not line.attend(between_steps=True)
    assert line.listens
    line.hear(QUIET, 100)
    assert line.attend(between_steps=True), "whoever waited for their end is told that nobody listens any more"
    assert not line.attend(between_steps=True)


def test_a_recording_is_listened_to_and_keeps_the_line_from_being_idle(line):
    line.duplex.record(Record())
    assert not line.duplex.idle
    line.attend()
    assert line.listens
    line.duplex.recording.append(SPEECH, speaking=True)
    assert line.duplex.stop_recording() == SPEECH
    assert line.duplex.stop_recording() == b"", "it was taken"
    assert line.duplex.idle


def test_speech_over_a_prompt_that_yields_asks_for_silence_and_noise_does_not(line):
    line.saying(audio=SECOND_OF_AUDIO * 3)
    line.attend()
    assert line.hear(NOISE, 2) == []
    line.hear(QUIET, 50)
    [heard] = line.hear(SPEECH, 2)
    assert isinstance(heard.speech, CallerSpeechStarted)
    assert heard.effects == (ClearPlayback(),)


def test_speech_while_nothing_is_said_decides_nothing(line):
    line.attend(awaited=True)
    [heard] = line.hear(SPEECH, 2)
    assert isinstance(heard.speech, CallerSpeechStarted)
    assert (heard.effects, heard.interrupted) == ((), None)


@pytest.mark.parametrize(("say", "waits"), [(HELLO, True), (FIRM, False)])
def test_a_prompt_that_yields_to_speech_waits_for_who_speaks_already(line, say, waits):
    line.attend(awaited=True)
    line.hear(SPEECH, 5)
    start = line.duplex.say(say, now=line.now)[0]
    assert isinstance(start, StartSpeech)
    sent = line.speaking.receive(SpeechArrived(start.utterance, Audio(SECOND_OF_AUDIO)), now=line.now)
    assert payloads(sent) == (b"" if waits else SECOND_OF_AUDIO)


def test_who_takes_the_callers_audio_is_handed_what_was_just_said(line):
    line.attend(awaited=True)
    line.hear(SPEECH, 5)
    assert line.duplex.forward_audio(wanted=True) == [ForwardAudio(SPEECH * 5)]
    assert line.duplex.forwarding
    assert line.duplex.forward_audio(wanted=False) == []
    assert not line.duplex.forwarding


def test_a_stream_that_comes_back_is_listened_to_anew_and_what_waited_is_sent():
    line = Line()
    line.attend(awaited=True)
    line.hear(SPEECH, 5)
    line.speaking.stream_lost(now=line.now)
    [start] = line.duplex.say(FIRM, now=line.now)
    line.speaking.receive(SpeechArrived(start.utterance, Audio(SECOND_OF_AUDIO)), now=line.now)
    assert payloads(line.duplex.stream_started(now=line.now)) == SECOND_OF_AUDIO
    assert not line.duplex.caller_speaking
