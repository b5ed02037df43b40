"""A call that was placed, without an event loop: a scripted telephone at the other end, and a recognizer that knows it.

The session is the product's; the telephone is the local Twilio's scripted caller. The recognizer knows each word 250 ms
after it was spoken, and its final transcript 300 ms after the end of an utterance.
"""

from datetime import UTC, datetime

from support.line import flow_of
from support.recognition_wire import WiredRecognition
from telebridge.answering.plan import AnswerPlan
from telebridge.audio.mulaw import FRAME_BYTES, SILENCE_BYTE
from telebridge.call.record import CallRecord
from telebridge.call.session.answering.watched_call import WatchedCallSession
from telebridge.call.session.effects import (
    ClearPlayback,
    CloseStream,
    PublishEvent,
    RecognizeAudio,
    StartRecognition,
    StartSpeech,
    StopRecognition,
)
from telebridge.call.session.events import SpeechArrived, SpeechEnded, WordsHeard
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.call.session.words.options import WordOptions
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.playback.writer import SendAudio, SendMark
from telebridge.recognition.source import FinalTranscript, PartialTranscript
from telebridge.simulator.caller.caller import Caller, Speak
from telebridge.simulator.caller.script import parse_script
from telebridge.speech.source import Audio
from telebridge.twilio.media_stream import AudioReceived, MarkReturned, StreamStarted

PARTIAL_S, FINAL_S = 0.25, 0.3
QUIET = bytes([SILENCE_BYTE]) * FRAME_BYTES
OURS_PER_CHARACTER = 60 * 8


class Heard:
    """One recognition: what was said while it got audio."""

    def __init__(self):
        self.utterance = 0
        self.intervals = {}
        self.reported = {}

    def take(self, effect, now):
        if effect.begins:
            self.utterance += 1
            self.intervals[self.utterance] = [now - len(effect.payload) / 8000, None]
        if effect.ends:
            self.intervals[self.utterance][1] = now

    def results(self, words, now):
        for number, (begin, end) in list(self.intervals.items()):
            until = now - PARTIAL_S if end is None else end
            text = " ".join(word for at, word in words if begin < at <= until)
            if end is not None and now >= end + FINAL_S:
                del self.intervals[number]
                yield FinalTranscript(number, text, 0.9)
            elif end is None and text != self.reported.get(number, ""):
                self.reported[number] = text
                yield PartialTranscript(number, text)


class AnsweredCall:
    """One call, from the answer on. `log` is what we said, with the seconds at which its first sound was heard."""

    def __init__(self, flow, script, plan=None, *, hears=True, provider=None):
        self.now = 0.0
        self.provider = provider  # whose protocol is spoken with the recognizer; None for none
        self.record = CallRecord("CA1", "test", "+1555", "+1666", "outbound-api", datetime.now(UTC))
        options = SessionOptions(words=WordOptions(available=lambda: hears))
        interpreter = FlowInterpreter(flow_of(flow), {})
        if plan is None:
            self.session = CallSession(interpreter, self.record, options)
        else:
            self.session = WatchedCallSession(interpreter, self.record, options, plan)
        self.caller = Caller(parse_script(script))
        self.queue = []  # audio frames and marks
        self.log, self.spoken, self.beeps = [], [], []
        self.words = []  # of the other end, with the time at which each was spoken
        self.recognitions = {}
        self.frames = 0
        self.closed_at = None
        self.published = []  # who answered
        self.perform(self.session.start(now=0.0))
        self.tell(StreamStarted("MZ1", "CA1", "AC1", {}))

    def tell(self, event):
        self.perform(self.session.handle(event, self.now))

    def perform(self, effects):  # noqa: C901 - a line for each kind
        for effect in effects or []:
            match effect:
                case StartSpeech(name, say):
                    self.spoken.append(say.text)
                    self.tell(SpeechArrived(name, Audio(bytes([0x20]) * (OURS_PER_CHARACTER * len(say.text)))))
                    self.tell(SpeechEnded(name))
                case SendAudio(payload):
                    self.queue += [payload[at : at + FRAME_BYTES] for at in range(0, len(payload), FRAME_BYTES)]
                case SendMark(name):
                    self.queue.append(name)
                case ClearPlayback():
                    marks = [each for each in self.queue if isinstance(each, str)]
                    self.queue = []
                    self.log += [(text, None) for text in self.spoken[len(self.log) :]]
                    for mark in marks:
                        self.tell(MarkReturned(mark))
                case StartRecognition(number, request):
                    self.recognitions[number] = self._recognition(request)
                case RecognizeAudio(number):
                    self.recognitions[number].take(effect, self.now)
                case StopRecognition(number):
                    self.recognitions.pop(number, None)
                case PublishEvent("answered-by", data):
                    self.published.append(data)
                case CloseStream():
                    self.closed_at = self.closed_at or self.now

    def _recognition(self, request):
        if self.provider is None:
            return Heard()
        return WiredRecognition(self.provider, request, partial_seconds=PARTIAL_S, final_seconds=FINAL_S)

    def frame(self):
        while self.queue and isinstance(self.queue[0], str):
            self.tell(MarkReturned(self.queue.pop(0)))
        ours = self.queue.pop(0) if self.queue else b""
        if ours and (len(self.log) < len(self.spoken)):
            self.log += [(text, round(self.now, 2)) for text in self.spoken[len(self.log) :]]
        turn = self.caller.frame(ours)
        if isinstance(turn.began, Speak):
            self._begins(turn.began)
        self.now += 0.02
        self.frames += 1
        media = AudioReceived(turn.audio.ljust(FRAME_BYTES, bytes([SILENCE_BYTE])), self.frames * 20 - 20)
        self.perform(self.session.receive_media(media, self.now))
        for number, heard in list(self.recognitions.items()):
            for result in heard.results(self.words, self.now):
                self.tell(WordsHeard(number, result))
        while (due := self.session.next_deadline()) is not None and due <= self.now:
            self.perform(self.session.handle_timeout(now=self.now))

    def _begins(self, speak):
        if speak.words == "beep":
            self.beeps.append(self.now + len(speak.mulaw) / 8000)
            return
        words = speak.words.split()
        step = len(speak.mulaw) / 8000 / max(1, len(words))
        self.words += [(self.now + (at + 1) * step, word) for at, word in enumerate(words)]

    def run(self, seconds):
        """Go on for so long, or until the call is over."""
        end = self.now + seconds
        while self.now < end and self.closed_at is None and not self.session.phase.is_over:
            self.frame()
        return self

    def said_at(self, text):
        """When the first sound of that was heard at the other end; None when it was not."""
        return next((at for said, at in self.log if said.startswith(text) and at is not None), None)


__all__ = ["AnswerPlan", "AnsweredCall"]
