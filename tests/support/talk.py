"""People who talk at a level of the test's choice, over a prompt, with a detector that takes everything for speech."""

from functools import cache

from telebridge.audio.mulaw import from_samples
from telebridge.call.session.audio.listening import Listening, ListeningOptions, PlayingPrompt
from telebridge.turns.barge_in import BargeInOptions, Decision
from telebridge.turns.voice_activity import SpeechDetector

FRAME_MS = 20


class Credulous(SpeechDetector):
    """Takes everything for speech, and is sure of it: only the level says whose."""

    window_ms = 20.0
    sure_by = 0.2
    onset_windows = 2
    onset_of = 2

    def likelihoods(self, mulaw, goes_on=False):
        return [1.0] * (len(mulaw) // 160)

    def reset(self):
        pass


class Prompt(PlayingPrompt):
    """A prompt that sounds in silence: of its echo nothing is heard."""

    played_ms = 0.0

    def heard_ms(self, *, now):
        return self.played_ms

    def sounds(self, *, now):
        return False

    def sounded(self, ms, *, now):
        return b""


@cache
def talk_frame(dbfs):
    """A frame of a voice at this level."""
    amplitude = 32768 * 10 ** (dbfs / 20)
    return from_samples([amplitude * (-1) ** (at // 8) for at in range(160)])


class Listener:
    """Somebody who talks, and a prompt that begins when `begin` is called."""

    def __init__(self, **options):
        self.prompt = Prompt()
        self.listening = Listening(
            ListeningOptions(detector=Credulous, barge_in=BargeInOptions(**options)), self.prompt
        )
        self.frames = 0
        self.playing = self.paused = False
        self.decisions = []
        """Each with the media time, and how much of the prompt had sounded."""

    def begin(self):
        """Begin a prompt that yields to speech."""
        self.playing, self.paused = True, False
        self.prompt.played_ms = 0.0
        self.listening.attend(attentive=True)
        if self.listening.speaking:
            self.listening.prompt_waits()
            self.paused = True

    def hear(self, *levels):
        """Frames at these levels in dBFS; returns what was decided on them."""
        decided = []
        for level in levels:
            payload = self.listening.pre_roll.append(talk_frame(level), self.frames * FRAME_MS)
            self.frames += 1
            if self.playing and not self.paused:
                self.prompt.played_ms += FRAME_MS
            if not self.listening.attentive:
                continue
            judged = self.listening.judge(payload, yields=self.playing, now=self.frames * FRAME_MS / 1000)
            decision = None if judged is None else judged.decision
            if decision is not None:
                self.paused = decision is Decision.PAUSE
                self.playing = self.playing and decision is not Decision.COMMIT
                decided.append((self.frames * FRAME_MS, self.prompt.played_ms, decision))
        self.decisions += decided
        return [decision for _, _, decision in decided]
