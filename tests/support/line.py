"""A call's session led step by step, as the network, the flow and the voice lead it; time is what the test says."""

from datetime import UTC, datetime

import yaml

from support.callers import felt
from telebridge.call.record import CallRecord
from telebridge.call.session.announcements import Announcement
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import ReportOutcome, SaveCheckpoint, SaveProgress, StartSpeech
from telebridge.call.session.events import CallOver, SpeechArrived, SpeechEnded
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.steps import Say
from telebridge.playback.writer import SendAudio, SendMark
from telebridge.speech.source import Audio, Word, Words
from telebridge.twilio.media_stream import AudioReceived, MarkReturned, StreamStarted, StreamStopped

HELLO = Say("Hello there.")
SECOND_OF_AUDIO = bytes(8000)
WORD_MS = 250


def flow_of(text):
    """A flow from YAML."""
    return Flow.model_validate(yaml.safe_load(text))


class Commands:
    """The commands of `session` at `now`, each some seconds `after` it; `_felt` takes the effects."""

    def _command(self, name, *arguments, after=0.0, timed=True, **options):
        self.now += after
        if timed:
            options["now"] = self.now
        self.effects = self._felt(getattr(self.session, name)(*arguments, **options))
        return self.effects

    def perform_step(self, step, after=0.0):
        return self._command("perform_step", step, after=after)

    def cancel_step(self, after=0.0):
        return self._command("cancel_step", after=after)

    def announce(self, number, step, after=0.0):
        return self._command("announce", Announcement(number, step), after=after)

    def clear(self, after=0.0):
        return self._command("clear", after=after)

    def transfer(self, transfer, after=0.0, **options):
        return self._command("transfer", transfer, after=after, **options)

    def hang_up(self, goodbye=None, after=0.0):
        return self._command("hang_up", goodbye, after=after)

    def jump(self, node, after=0.0):
        return self._command("jump", node, after=after)

    def opt_out(self, after=0.0):
        return self._command("opt_out", after=after, timed=False)

    def call_back(self, call_back, after=0.0):
        return self._command("call_back", call_back, after=after, timed=False)

    def checkpoint(self, name, variables, after=0.0):
        return self._command("checkpoint", name, variables, after=after)

    def forward_audio(self, *, wanted, after=0.0):
        return self._command("forward_audio", wanted=wanted, after=after)


class Line(Commands):
    """One session. Without a flow it is led as a Python flow leads it, by `perform_step`.

    `kept` is the last checkpoint.
    """

    def __init__(self, flow=None, *, checkpoint=None, listening=None):
        record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
        interpreter = None if flow is None else FlowInterpreter(flow_of(flow), {"from": "+1555", "to": "+1666"})
        options = SessionOptions() if listening is None else SessionOptions(listening=listening)
        self.session = CallSession(interpreter, record, options)
        self.now = 0.0
        self.kept = None
        self.effects = self._felt(self.session.start(now=0.0, checkpoint=checkpoint))

    def _felt(self, effects):
        for effect in effects:
            if isinstance(effect, SaveCheckpoint):
                self.kept = Checkpoint.decode(effect.checkpoint)
            elif isinstance(effect, SaveProgress):
                self.kept = Checkpoint.decode(self.session.progress(now=self.now))
        return felt(effects)

    def tell(self, event, after=0.0):
        """Deliver an event `after` seconds, and answer with the effects."""
        self.now += after
        self.effects = self._felt(self.session.handle(event, now=self.now))
        return self.effects

    def hung_up(self, after=0.0):
        """The caller hangs up: Twilio stops the stream, and reports the end of the call. Gives all that follows."""
        return self.tell(StreamStopped(), after=after) + self.tell(CallOver("completed"))

    def wait(self, seconds):
        """Let time pass, ringing each deadline on the way."""
        end, effects = self.now + seconds, []
        while (deadline := self.session.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            effects += self._felt(self.session.handle_timeout(now=self.now))
        self.now = end
        return effects

    def alive(self, seconds):
        """Let time pass on a stream on which frames keep coming."""
        effects = []
        for _ in range(round(seconds)):
            self.tell(AudioReceived(b"", 0))
            effects += self.wait(1.0)
        return effects

    def started(self):
        self.tell(StreamStarted("MZ1", "CA1", "AC1", {}))
        return self

    def saying(self, say=HELLO, audio=SECOND_OF_AUDIO):
        """Ask for a prompt and let all its audio arrive."""
        [start] = self.perform_step(say)
        return start.utterance, self.spoken(start, audio)

    def spoken(self, start, audio=SECOND_OF_AUDIO):
        """Let all the audio of what was begun arrive; gives its last mark."""
        sent = self.tell(SpeechArrived(start.utterance, Audio(audio))) + self.tell(SpeechEnded(start.utterance))
        return [effect.name for effect in sent if isinstance(effect, SendMark)][-1]

    def worded(self, start):
        """The same, with a time for each word."""
        words = start.say.text.split()
        timed = tuple(Word(word, n * WORD_MS, (n + 1) * WORD_MS) for n, word in enumerate(words))
        self.tell(SpeechArrived(start.utterance, Words(timed)))
        return self.spoken(start, bytes(WORD_MS * 8 * len(words)))

    def heard(self, start, after=1.0):
        """Let what was begun be spoken and heard to its end; gives what follows."""
        return self.tell(MarkReturned(self.spoken(start)), after=after)


def payloads(effects):
    """The audio that goes out."""
    return b"".join(effect.payload for effect in effects if isinstance(effect, SendAudio))


def reported(effects):
    """What a Python flow is told."""
    return [effect.outcome for effect in effects if isinstance(effect, ReportOutcome)]


def begun(effects):
    """What begins to be spoken, of which there must be one."""
    [start] = [effect for effect in effects if isinstance(effect, StartSpeech)]
    return start
