"""Which events leave the next deadline of a session as it was, whatever state the session is in."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from support.callers import QUIET, SPEECH, ToldDetector
from support.line import HELLO, Line

from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.effects import StartSpeech
from telebridge.call.session.events import SpeechArrived, SpeechEnded, SpeechFailed, StreamLost, TransferBegun
from telebridge.call.session.session import KEEPS_DEADLINES
from telebridge.errors import LocalProtocolError, SpeechUnavailable
from telebridge.flows.steps import Collect, Say, Transfer, Wait
from telebridge.playback.writer import SendMark
from telebridge.speech.source import Audio, Word, Words
from telebridge.turns.digits import DigitRules
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MarkReturned, StreamStarted, StreamStopped

QUESTION = Collect(HELLO, DigitRules(max_digits=2))
CHUNKS = [Audio(bytes(100)), Audio(bytes(4000)), Words((Word("Hello", 0, 100),))]


class Call:
    """A session led by names of what happens, in any order."""

    def __init__(self):
        self.line = Line(listening=ListeningOptions(detector=ToldDetector))
        self.utterances, self.marks = ["none"], ["none"]

    def take(self, name):
        with suppress(LocalProtocolError):  # such as a second step at once: nothing has changed
            for effect in getattr(self, name)():
                if isinstance(effect, StartSpeech):
                    self.utterances.append(effect.utterance)
                elif isinstance(effect, SendMark):
                    self.marks.append(effect.name)

    def chunk(self, event, *, former=False):
        """Deliver what a source sends, of the last utterance or the one before it."""
        self.line.tell(SpeechArrived(self.utterances[-2 if former and len(self.utterances) > 1 else -1], event))

    def start(self):
        return self.line.tell(StreamStarted("MZ1", "CA1", "AC1", {}))

    def lose(self):
        return self.line.tell(StreamLost())

    def stop(self):
        return self.line.tell(StreamStopped())

    def say(self):
        return self.line.perform_step(HELLO)

    def ask(self):
        return self.line.perform_step(QUESTION)

    def pause(self):
        return self.line.perform_step(Wait(2.0))

    def announce(self):
        return self.line.announce(1, Say("News."))

    def cancel(self):
        return self.line.cancel_step()

    def clear(self):
        return self.line.clear()

    def transfer(self):
        return self.line.perform_step(Transfer("+1777"))

    def dialed(self):
        return self.line.tell(TransferBegun())

    def hang_up(self):
        return self.line.hang_up(HELLO)

    def audio(self):
        return self.line.tell(SpeechArrived(self.utterances[-1], CHUNKS[1]))

    def end(self):
        return self.line.tell(SpeechEnded(self.utterances[-1]))

    def fail(self):
        return self.line.tell(SpeechFailed(self.utterances[-1], SpeechUnavailable("gone")))

    def key(self):
        return self.line.tell(DigitPressed("1"), after=0.1)

    def mark(self):
        return self.line.tell(MarkReturned(self.marks[-1]), after=0.5)

    def speak(self):
        return self._frames(SPEECH)

    def fall_silent(self):
        return self._frames(QUIET)

    def wait(self):
        return self.line.wait(1.0)

    def _frames(self, frame):
        return [effect for at in range(10) for effect in self.line.tell(AudioReceived(frame, at * 20), after=0.02)]


HAPPENS = sorted(name for name in vars(Call) if not name.startswith("_") and name not in ("take", "chunk"))


@given(st.lists(st.sampled_from(HAPPENS), max_size=30), st.booleans())
def test_audio_and_word_times_that_arrive_move_no_deadline(names, started):
    assert {SpeechArrived} == KEEPS_DEADLINES, "each of them is delivered below"
    call = Call()
    for name in ["start"] * started + names:
        call.take(name)
        for chunk in CHUNKS:
            for former in (False, True):
                before = call.line.session.next_deadline()
                call.chunk(chunk, former=former)
                assert call.line.session.next_deadline() == before


def test_the_end_of_an_utterance_moves_the_deadline():
    line = Line().started()
    [start] = line.perform_step(HELLO)
    line.tell(SpeechArrived(start.utterance, Audio(bytes(800))))
    before = line.session.next_deadline()
    line.tell(SpeechEnded(start.utterance))
    assert line.session.next_deadline() < before
