"""A prompt that is paused and resumed again and again is heard whole: `Speaking` against the playout that knows."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.call.session.audio.continuation import REWOUND_MS, SNAP_MS
from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.effects import ClearPlayback
from telebridge.call.session.events import SpeechArrived, SpeechEnded
from telebridge.flows.steps import Say
from telebridge.playback.writer import PlaybackOptions, SendAudio, SendMark
from telebridge.simulator.media.playout import PlayoutBuffer
from telebridge.speech.source import Audio, Word, Words
from telebridge.turns.barge_in import BargeInCause

WORD_MS = 350
STEP = st.one_of(
    st.tuples(st.just("audio"), st.integers(min_value=1, max_value=6000)),
    st.tuples(st.just("wait"), st.floats(min_value=0.001, max_value=0.7)),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
)


class Prompt:
    """One prompt of 4 s whose every 8 bytes are unique, and everything on the way to the caller's ear."""

    def __init__(self, *, timed):
        chance = random.Random(7)
        self.audio = bytes(chance.choice(range(1, 250)) for _ in range(32_000))
        self.speaking, self.playout = Speaking(PlaybackOptions()), PlayoutBuffer()
        self.now, self.arrived, self.over = 0.0, 0, False
        self.speaking.begin(Say("One two three."))
        self.speaking.stream_opened(now=0.0)
        self.cuts = []
        if timed:
            words = tuple(Word(f"w{at}", at, at + WORD_MS) for at in range(0, 4000, WORD_MS))
            self.speaking.receive(SpeechArrived("u1", Words(words)), now=0.0)

    def perform(self, effects):
        for effect in effects:
            match effect:
                case SendAudio(payload):
                    self.playout.queue_audio(payload, now=self.now)
                case SendMark(name):
                    self.returned(self.playout.queue_mark(name, now=self.now))
                case ClearPlayback():
                    self.returned(self.playout.clear(now=self.now))

    def returned(self, names):
        for name in names:
            if self.speaking.mark_returned(name, now=self.now) is not None:
                self.over = True

    def take(self, kind, value):
        match kind:
            case "audio":
                piece = self.audio[self.arrived : self.arrived + value]
                self.arrived += len(piece)
                if piece:
                    self.perform(self.speaking.receive(SpeechArrived("u1", Audio(piece)), now=self.now))
            case "wait":
                end = self.now + value
                while (due := self.playout.next_deadline()) is not None and due <= end:
                    self.now = max(self.now, due)
                    self.returned(self.playout.handle_timeout(now=self.now))
                self.now = end
            case "pause":
                paused = self.speaking.paused
                self.perform(self.speaking.pause(now=self.now))
                if not paused and self.speaking.paused:
                    self.cuts.append(len(self.heard()))
            case "resume":
                self.perform(self.speaking.resume(now=self.now))

    def finish(self):
        self.take("resume", 0)
        self.take("audio", len(self.audio))
        self.perform(self.speaking.receive(SpeechEnded("u1"), now=self.now))
        self.take("wait", 6.0)

    def heard(self):
        return b"".join(stretch.audio for stretch in self.playout.heard(now=self.now))


def stretches(prompt):
    """The heard audio between cuts, as ranges of the prompt's own audio."""
    heard, ranges, start = prompt.heard(), [], 0
    for end in [*prompt.cuts, len(heard)]:
        piece = heard[start:end]
        if len(piece) >= 8:
            at = prompt.audio.find(piece[:8])
            assert prompt.audio[at : at + len(piece)] == piece, "a stretch is as it was made"
            ranges.append((at, at + len(piece)))
        start = end
    return ranges


@pytest.mark.slow
@given(steps=st.lists(STEP, max_size=40), timed=st.booleans())
def test_nothing_is_lost_and_no_more_said_again_than_the_word_that_was_cut(steps, timed):
    prompt = Prompt(timed=timed)
    for kind, value in steps:
        prompt.take(kind, value)
        if prompt.over:
            return
    prompt.finish()
    assert prompt.over
    reached = 0
    longest = (WORD_MS + SNAP_MS if timed else REWOUND_MS) * 8
    for start, end in stretches(prompt):
        assert start <= reached + 8, "nothing is lost"
        assert reached - start <= longest + 8, "nothing is said again but the word that was cut"
        reached = max(reached, end)
    assert reached >= len(prompt.audio) - 8


@pytest.mark.slow
@given(steps=st.lists(STEP, max_size=40))
def test_what_an_interruption_tells_is_what_was_heard(steps):
    prompt = Prompt(timed=True)
    for kind, value in steps:
        prompt.take(kind, value)
        if prompt.over:
            return
    truth = max((end for _, end in stretches(prompt)), default=0)
    _, spoken = prompt.speaking.interrupt(BargeInCause.KEY, now=prompt.now)
    assert abs(spoken.interruption.heard_ms * 8 - truth) <= 10
