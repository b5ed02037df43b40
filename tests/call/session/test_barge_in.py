"""Speech over a prompt, in a session whose detector the test decides: silence at once, then back or on."""

from datetime import UTC, datetime

import pytest
from support.callers import NOISE, QUIET, SPEECH, ToldDetector, felt
from support.faults import fault
from support.line import Commands

from telebridge.call.record import CallRecord
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.effects import (
    ClearPlayback,
    ClearSpeech,
    ForwardAudio,
    ReportOutcome,
    StartSpeech,
)
from telebridge.call.session.events import (
    CallOver,
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    StreamLost,
)
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.errors import SpeechUnavailable
from telebridge.flows.steps import Collect, Gathered, Say
from telebridge.playback.writer import SendAudio, SendMark
from telebridge.speech.source import Audio, Word, Words
from telebridge.turns.barge_in import BargeInCause, BargeInOptions, BargeInPolicy
from telebridge.turns.digits import DigitRules, Ending
from telebridge.turns.voice_activity import VoiceActivityOptions
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MarkReturned, StreamStarted, StreamStopped

HELLO = Say("Hello there friend.")
NEXT = Say("And then?")
AUDIO = bytes(range(1, 251)) * 96  # 3 s; no byte is silence, and 250 do not repeat in any word
WORDS = Words((Word("Hello", 0, 900), Word("there", 900, 1900), Word("friend.", 1900, 3000)))
PAUSED = [ClearPlayback()]


class Line(Commands):
    """A session led step by step; frames come every 20 ms."""

    def __init__(self, **barge_in):
        options = SessionOptions(
            listening=ListeningOptions(
                detector=ToldDetector,
                voice_activity=VoiceActivityOptions(silence_ms=200),
                barge_in=BargeInOptions(**{"commit_after_ms": 400, **barge_in}),
            )
        )
        record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
        self.session = CallSession(None, record, options)
        self.now = 0.0
        self.frames = 0
        self.session.start(now=0.0)
        self.tell(StreamStarted("MZ1", "CA1", "AC1", {}))
        self.hear(QUIET, 20)  # what is there from the first sample on would be the background

    _felt = staticmethod(felt)

    def tell(self, event):
        return felt(self.session.handle(event, now=self.now))

    def hear(self, frame, count=1):
        """So many frames of the caller's, each 20 ms after the one before."""
        effects = []
        for _ in range(count):
            self.now += 0.02
            effects += felt(self.session.receive_media(AudioReceived(frame, self.frames * 20), now=self.now) or [])
            self.frames += 1
        return effects

    def wait(self, seconds):
        """Quiet frames for a while, each deadline ringing on the way."""
        effects = []
        for _ in range(round(seconds / 0.02)):
            effects += self.hear(QUIET)
            deadline = self.session.next_deadline()
            if deadline is not None and deadline <= self.now:
                effects += felt(self.session.handle_timeout(now=self.now))
        return effects

    def saying(self, say=HELLO, audio=AUDIO, words=WORDS):
        """Ask for a prompt and let all of it arrive; gives its final mark."""
        *_, start = [effect for effect in self.perform_step(say) if isinstance(effect, StartSpeech)]
        self.utterance = start.utterance
        if words is not None:
            self.tell(SpeechArrived(start.utterance, words))
        sent = self.tell(SpeechArrived(start.utterance, Audio(audio))) + self.tell(SpeechEnded(start.utterance))
        self.sent = sent
        return [effect.name for effect in sent if isinstance(effect, SendMark)][-1:]

    @property
    def said(self):
        return self.session.record.utterances


@pytest.fixture
def line():
    return Line()


def payloads(effects):
    return b"".join(effect.payload for effect in effects if isinstance(effect, SendAudio))


def outcome(effects):
    [report] = [effect.outcome for effect in effects if isinstance(effect, ReportOutcome)]
    return report


def test_speech_silences_the_line_at_once_and_the_voice_goes_on_being_made(line):
    line.saying()
    assert line.hear(QUIET, 50) == []
    assert line.hear(SPEECH, 2) == PAUSED


def test_a_cough_is_followed_by_the_rest_from_the_word_that_was_cut(line):
    line.saying()
    line.hear(QUIET, 50)
    line.hear(SPEECH, 2)  # cut at 1040 ms, inside "there", which begins at 900
    effects = line.hear(QUIET, 10)
    again = payloads(effects)
    assert again == AUDIO[len(AUDIO) - len(again) :]
    assert 840 <= (len(AUDIO) - len(again)) / 8 <= 900
    assert isinstance(effects[-1], SendMark)


def test_after_a_cough_the_prompt_is_heard_to_its_end(line):
    line.saying()
    line.hear(QUIET, 50)
    line.hear(SPEECH, 2)
    [*_, final] = line.hear(QUIET, 10)
    line.hear(QUIET, 150)
    assert outcome(line.tell(MarkReturned(final.name))).interruption is None
    [pause] = line.said[0].pauses
    assert (pause.paused_at, pause.resumed_at) == (pytest.approx(1.44), pytest.approx(1.64))


def test_speech_that_goes_on_takes_the_floor_and_tells_what_was_heard(line):
    line.saying()
    line.hear(QUIET, 98)
    effects = line.hear(SPEECH, 2)
    assert effects == PAUSED
    effects = line.hear(SPEECH, 18)
    assert effects[0] == ClearSpeech("u1"), "playback was cleared by the pause"
    barge_in = outcome(effects).interruption
    assert (barge_in.cause, barge_in.heard_text, barge_in.exact) == (BargeInCause.SPEECH, "Hello there", True)
    assert barge_in.heard_ms == pytest.approx(2000)
    assert barge_in.stop_ms == pytest.approx(40)


def test_nothing_of_an_utterance_comes_after_the_floor_was_taken(line):
    line.perform_step(HELLO)
    line.tell(SpeechArrived("u1", Audio(AUDIO)))
    line.hear(SPEECH, 20)
    assert line.tell(SpeechArrived("u1", Audio(AUDIO))) == []
    assert line.tell(SpeechEnded("u1")) == []


def test_a_commit_at_onset_clears_both_in_one_answer():
    line = Line(commit_after_ms=0)
    line.saying()
    assert line.hear(SPEECH, 2)[:2] == [ClearPlayback(), ClearSpeech("u1")]


def test_what_arrives_during_a_pause_is_said_after_it(line):
    line.perform_step(HELLO)
    line.tell(SpeechArrived("u1", Audio(AUDIO[:8000])))
    line.hear(SPEECH, 2)
    assert line.tell(SpeechArrived("u1", Audio(AUDIO[8000:]))) == []
    assert line.tell(SpeechEnded("u1")) == []
    again = payloads(line.hear(QUIET, 10))
    assert again == AUDIO[len(AUDIO) - len(again) :]
    assert len(again) >= len(AUDIO) - 40 * 8


def test_without_timings_the_prompt_goes_on_from_a_quiet_moment(line):
    audio = b"\x20" * 4000 + b"\xff" * 160 + b"\x20" * 4000
    line.saying(audio=audio, words=None)
    line.hear(QUIET, 33)
    line.hear(SPEECH, 2)  # cut at 700 ms; the quiet moment is 500 to 520
    again = payloads(line.hear(QUIET, 10))
    assert 500 <= (len(audio) - len(again)) / 8 <= 520


# Policies.


@pytest.mark.parametrize("policy", [BargeInPolicy.KEYS, BargeInPolicy.NONE])
def test_a_prompt_that_does_not_yield_to_speech_is_not_even_listened_over(line, policy):
    detectors = []

    class Counting(ToldDetector):
        def __init__(self):
            super().__init__()
            detectors.append(self)

    options = SessionOptions(listening=ListeningOptions(detector=Counting))
    line.session = CallSession(None, line.session.record, options)
    line.tell(StreamStarted("MZ1", "CA1", "AC1", {}))
    line.saying(Say("Listen.", barge_in=policy))
    assert line.hear(SPEECH, 50) == []
    assert {detector.judged for detector in detectors} == {0}


def test_a_prompt_that_says_nothing_has_the_policy_of_the_settings():
    line = Line(policy=BargeInPolicy.KEYS)
    line.saying()
    assert line.hear(SPEECH, 50) == []
    assert line.tell(DigitPressed("1"))[0] == ClearPlayback()


def test_a_prompt_that_yields_to_speech_alone_plays_on_over_keys(line):
    line.saying(Say("Listen.", barge_in=BargeInPolicy.SPEECH))
    assert line.tell(DigitPressed("1")) == []
    assert line.hear(SPEECH, 2) == PAUSED


def test_noise_does_not_interrupt(line):
    line.saying()
    assert line.hear(NOISE, 140) == []


def test_a_prompt_has_its_grace():
    line = Line(grace_ms=500)
    line.saying()
    assert line.hear(SPEECH, 24) == []
    assert line.hear(SPEECH, 2)[:1] == PAUSED


# Edges.


def test_speech_before_the_first_audio_holds_the_prompt_back(line):
    line.perform_step(HELLO)
    assert line.hear(SPEECH, 2) == [], "there is nothing to clear"
    assert line.tell(SpeechArrived("u1", Audio(AUDIO))) == []
    assert payloads(line.hear(QUIET, 10))[:100] == AUDIO[:100]


def test_speech_that_began_before_the_prompt_did_is_heard_out(line):
    line.perform_step(HELLO)
    assert line.hear(SPEECH, 30) == []
    assert line.tell(SpeechArrived("u1", Audio(AUDIO))) == []
    assert line.hear(SPEECH, 30) == []
    assert payloads(line.hear(QUIET, 10))[:100] == AUDIO[:100]


def test_a_prompt_that_begins_while_the_caller_speaks_waits_for_them(line):
    """They talked while typing their answer: the next prompt is not lost to that."""
    [mark] = line.saying(Collect(Say("Your number?"), DigitRules(max_digits=1)))
    line.hear(QUIET, 150)
    line.tell(MarkReturned(mark))
    line.hear(SPEECH, 60)
    line.tell(DigitPressed("1"))
    line.saying(NEXT)
    assert payloads(line.sent) == b""
    assert line.hear(SPEECH, 60) == []
    assert payloads(line.hear(QUIET, 10)) == AUDIO
    assert len(line.said) == 1


def test_speech_after_the_last_byte_was_sent_but_not_heard(line):
    line.saying()
    line.hear(QUIET, 140)
    assert line.hear(SPEECH, 2) == PAUSED
    again = payloads(line.hear(QUIET, 10))
    assert again == AUDIO[len(AUDIO) - len(again) :] != b""


def test_speech_after_all_was_heard_but_the_mark_is_on_its_way(line):
    [mark] = line.saying()
    line.hear(QUIET, 150)
    assert line.hear(SPEECH, 2) == PAUSED
    assert line.tell(MarkReturned(mark)) == [], "the clear flushed it"
    effects = line.hear(QUIET, 10)
    assert payloads(effects) == b"" or len(payloads(effects)) <= 1100 * 8, "at most the last word again"
    assert outcome(line.tell(MarkReturned(effects[-1].name))).interruption is None


def test_two_coughs_in_a_row_lose_nothing(line):
    line.saying()
    line.hear(QUIET, 50)
    line.hear(SPEECH, 2)
    line.hear(QUIET, 10)
    line.hear(SPEECH, 2)
    again = payloads(line.hear(QUIET, 10))
    assert again == AUDIO[len(AUDIO) - len(again) :]
    assert 840 <= (len(AUDIO) - len(again)) / 8 <= 900, "the same word once more"
    assert line.said == []


def test_a_second_interruption_in_what_is_said_again_tells_all_that_was_heard(line):
    line.saying()
    line.hear(QUIET, 91)
    line.hear(SPEECH, 2)  # 1860 ms: inside "there"
    line.hear(QUIET, 10)
    effects = line.hear(SPEECH, 20)
    assert outcome(effects).interruption.heard_ms == pytest.approx(1860)


def test_a_key_during_a_pause_commits_at_once(line):
    line.saying()
    line.hear(SPEECH, 2)
    effects = line.tell(DigitPressed("5"))
    assert effects[0] == ClearSpeech("u1")
    assert outcome(effects).interruption.cause is BargeInCause.KEY


def test_an_api_clear_during_a_pause_commits_at_once(line):
    line.saying()
    line.hear(SPEECH, 2)
    assert outcome(line.clear()).interruption.cause is BargeInCause.API


def test_hanging_up_during_a_pause_ends_everything(line):
    line.saying()
    line.hear(QUIET, 50)
    line.hear(SPEECH, 2)
    line.tell(StreamStopped())
    line.tell(CallOver("completed"))
    assert line.said[0].interruption.cause is BargeInCause.HANG_UP
    assert line.said[0].interruption.heard_ms == pytest.approx(1040)


@fault(
    "Rime fails while the prompt is paused for a cough.",
    caller="What had come of the prompt, then what follows a failure.",
    operator="The error in the record.",
    kept="What was already there to be heard.",
)
def test_speech_that_fails_during_a_pause_is_told_after_it(line):
    line.perform_step(HELLO)
    line.tell(SpeechArrived("u1", Audio(AUDIO)))
    line.hear(SPEECH, 2)
    error = SpeechUnavailable("gone")
    assert line.tell(SpeechFailed("u1", error)) == []
    effects = line.hear(QUIET, 10)
    assert payloads(effects)[-100:] == AUDIO[-100:]
    assert outcome(line.tell(MarkReturned(effects[-1].name))) is error


@fault(
    "The stream breaks while the prompt is paused for a cough.",
    caller="The prompt from the word that was cut.",
    operator="One utterance in the record.",
    kept="The rest of the prompt.",
)
def test_a_stream_lost_during_a_pause_says_the_prompt_again(line):
    line.saying()
    line.hear(SPEECH, 2)
    assert StartSpeech("u2", Say(HELLO.text)) in line.tell(StreamLost())
    line.tell(SpeechArrived("u2", Audio(AUDIO)))
    assert payloads(line.tell(StreamStarted("MZ2", "CA1", "AC1", {})))[:100] == AUDIO[:100]


def test_a_stream_that_comes_back_is_listened_to_from_its_own_beginning(line):
    line.saying()
    line.hear(SPEECH, 100)
    line.tell(StreamLost())
    line.frames = 0
    line.tell(StreamStarted("MZ2", "CA1", "AC1", {}))
    line.saying(NEXT)
    assert line.hear(QUIET, 20) == []
    assert line.hear(SPEECH, 2) == PAUSED
    assert outcome(line.hear(SPEECH, 20)).interruption.stop_ms == pytest.approx(40)


# What follows.


def test_the_next_prompt_waits_until_the_caller_has_finished(line):
    line.saying()
    line.hear(SPEECH, 20)
    line.saying(NEXT)
    assert payloads(line.sent) == b""
    assert line.hear(SPEECH, 50) == []
    assert payloads(line.hear(QUIET, 10)) == AUDIO
    assert line.said[-1].interruption is not None
    assert len(line.said) == 1, "one stretch of speech interrupts one prompt"


@fault(
    "Somebody talks without end before a prompt.",
    caller="The prompt, after a bounded wait.",
    operator="Nothing unusual.",
    kept="The flow: it goes on.",
)
def test_the_next_prompt_does_not_wait_for_ever():
    line = Line(longest_wait_ms=2000)
    line.saying()
    line.hear(SPEECH, 20)
    line.saying(NEXT)
    assert payloads(line.hear(SPEECH, 95)) == b""
    assert payloads(line.hear(SPEECH, 10)) == AUDIO


def test_a_prompt_that_yields_to_nothing_does_not_wait(line):
    line.saying()
    line.hear(SPEECH, 20)
    line.saying(Say("Goodbye.", barge_in=BargeInPolicy.NONE))
    assert payloads(line.sent) == AUDIO


def test_the_silence_after_a_question_begins_when_the_caller_is_silent(line):
    question = Collect(Say("Your number?"), DigitRules(no_input_seconds=3.0))
    line.saying(question)
    line.hear(SPEECH, 200)  # interrupts, and goes on for 4 s
    assert line.wait(3.1) == []
    assert outcome(line.wait(0.2)) == Gathered("", Ending.NO_INPUT)


def test_a_caller_who_thinks_aloud_is_given_time(line):
    [mark] = line.saying(Collect(Say("Your number?"), DigitRules(no_input_seconds=3.0)))
    line.hear(QUIET, 150)
    line.tell(MarkReturned(mark))
    assert line.wait(2.5) == []
    line.hear(SPEECH, 100)
    assert line.wait(2.9) == []
    assert outcome(line.wait(0.5)) == Gathered("", Ending.NO_INPUT)


def test_whoever_listens_next_hears_the_caller_from_before_the_first_syllable(line):
    line.saying()
    before, syllable = bytes([0xF0]) * 160, SPEECH
    line.hear(QUIET, 40)
    line.hear(before, 10)
    line.hear(syllable, 20)
    [handed] = line.forward_audio(wanted=True)
    kept = handed.payload
    assert kept.endswith(syllable * 20)
    assert kept[: -20 * 160].endswith(before * 10), "300 ms of pre-roll"
    assert len(kept) == (300 + 20 * 20) * 8
    assert line.hear(syllable) == [ForwardAudio(syllable)]
    assert line.forward_audio(wanted=True) == [ForwardAudio(b"")], "nothing is handed on twice"
    line.forward_audio(wanted=False)
    assert line.hear(syllable) == []
