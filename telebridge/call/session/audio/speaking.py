"""The bridge's half of a call's audio: the utterance in progress, from its text to the caller's ear.

It joins the writer (audio into messages), the ledger (what was heard) and the transcript (which words that was), one
utterance at a time.

One rule: once an utterance is interrupted or lost, nothing that still arrives of it goes anywhere; while it is paused,
nothing of it is lost.
"""

from dataclasses import dataclass, field, replace

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.call.record import PlaybackPause, SpokenUtterance
from telebridge.call.session.audio.continuation import REWOUND_MS, Cut, rest, rest_begins
from telebridge.call.session.effects import (
    CallEffect,
    ClearPlayback,
    ClearSpeech,
    StartSpeech,
)
from telebridge.call.session.events import (
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    TextTaken,
)
from telebridge.errors import LocalProtocolError, SpeechError
from telebridge.flows.steps import Play, Say
from telebridge.playback.ledger import PlaybackLedger
from telebridge.playback.transcript import HeardText, Transcript
from telebridge.playback.writer import PlaybackOptions, PlaybackWriter
from telebridge.speech.source import Audio, Words
from telebridge.speech.words import count_words
from telebridge.turns.barge_in import BargeIn, BargeInCause

SpeechResult = SpeechArrived | SpeechEnded | SpeechFailed

ECHO_SECONDS = 0.5

NOTHING_HEARD = HeardText("", exact=False)


@dataclass(frozen=True, slots=True)
class FinishedUtterance:
    """An utterance that is over, and why it was not spoken to its end, if it was not."""

    utterance: SpokenUtterance
    error: SpeechError | None = None


@dataclass(frozen=True, slots=True)
class _Before:
    """What became of an utterance over a stream that was lost.

    Args:
        text: Its text before the word that it goes on at.
        heard: What was heard of it.
        heard_ms: How much that was.
        began_at: When it began.
        pauses: Its pauses.
    """

    text: str = ""
    heard: HeardText = NOTHING_HEARD
    heard_ms: float = 0.0
    began_at: float | None = None
    pauses: tuple[PlaybackPause, ...] = ()


FIRST_STREAM = _Before()


@dataclass(slots=True)
class _InProgress:
    """The utterance that is being made, sent or heard."""

    name: str
    say: Say
    transcript: Transcript
    error: SpeechError | None = None
    began_at: float | None = None
    cut: Cut | None = None
    went_on_at_ms: float = 0.0  # where it went on after it was last paused
    pauses: list[PlaybackPause] = field(default_factory=list)
    play: Play | None = None  # what is played, where nobody makes it
    requested: bool = True  # whether the speech source was asked for it
    before: _Before = FIRST_STREAM

    @property
    def text(self) -> str:
        """All of its text, as far as it is known."""
        return self.before.text + self.transcript.text

    def heard(self, heard_ms: float) -> HeardText:
        """What was heard of it over all streams, after so much of its audio on this one."""
        heard = self.transcript.heard(heard_ms)
        if heard.text or not self.before.heard.text:
            return replace(heard, text=self.before.text + heard.text)
        return self.before.heard


class Speaking:
    """Speaks one utterance after another into a stream that may not be there yet.

    Attributes:
        stream_open: Whether it is there.
    """

    __slots__ = ("_begun", "_current", "_held", "_ledger", "_writer", "stream_open")

    def __init__(self, options: PlaybackOptions) -> None:
        self._ledger = PlaybackLedger()
        self._writer = PlaybackWriter(self._ledger, options)
        self._current: _InProgress | None = None
        self.stream_open = False
        self._held: list[SpeechResult] = []  # arrived before the stream did
        self._begun = 0

    @property
    def in_progress(self) -> Say | None:
        """What is being said, until the caller has heard it."""
        return None if self._current is None else self._current.say

    @property
    def text(self) -> str | None:
        """The text of the utterance in progress, as far as it is known."""
        return None if self._current is None else self._current.text

    @property
    def paused(self) -> bool:
        """Whether the utterance in progress is silent until it is resumed."""
        return self._current is not None and self._current.cut is not None

    def begin(self, say: Say) -> list[CallEffect]:
        """Begin an utterance; the one before it must be over.

        Raises:
            LocalProtocolError: Something is still being said.
        """
        return [StartSpeech(self._open(say).name, say)]

    def play(self, play: Play, *, now: float) -> list[CallEffect]:
        """Play audio that is there already; the utterance before it must be over.

        Raises:
            LocalProtocolError: Something is still being said.
        """
        current = self._open(Say(play.name, barge_in=play.barge_in))
        current.play = play
        events = (SpeechArrived(current.name, Audio(play.audio)), SpeechEnded(current.name))
        return [effect for event in events for effect in self.receive(event, now)]

    def receive(self, event: SpeechResult, now: float) -> list[CallEffect]:
        """Take what the speech source made; before there is a stream it is kept."""
        current = self._current
        if current is None or current.name != event.utterance:
            return []
        if not self.stream_open:
            self._held.append(event)
            return []
        if type(event) is SpeechArrived:  # `match` takes three times as long, for each chunk
            arrived = event.event
            if type(arrived) is Audio:
                current.transcript.audio_ms += len(arrived.data) / BYTES_PER_MS
                sent = self._writer.write(current.name, arrived.data, now)
                if sent and current.began_at is None:
                    current.began_at = now
                return [*sent]
            if type(arrived) is Words:
                current.transcript.add_words(arrived.words)
            return []
        if isinstance(event, SpeechFailed):
            current.error = event.error
        current.transcript.complete()
        return [*self._writer.end(event.utterance, now=now)]

    def receive_text(self, event: TextTaken) -> None:
        """Take the next token of a streamed text, for the transcript."""
        if self._current is not None and self._current.name == event.utterance:
            self._current.transcript.add_text(event.token)

    def stream_opened(self, *, now: float) -> list[CallEffect]:
        """The stream is there: send what was kept for it."""
        self.stream_open = True
        held, self._held = self._held, []
        sent = [effect for event in held for effect in self.receive(event, now)]
        return [*self.request_speech(), *sent]

    def request_speech(self) -> list[CallEffect]:
        """Request the speech of the utterance in progress, unless it was requested already."""
        current = self._current
        if current is None or current.requested:
            return []
        current.requested = True
        return [StartSpeech(current.name, current.say)]

    def stream_lost(self, *, now: float, request: bool = True) -> list[CallEffect]:
        """The stream is gone, and with it what was not played yet: say it again from the last word heard.

        Args:
            now: Monotonic seconds.
            request: Whether to request the speech now; otherwise `request_speech` does, or the next stream.
        """
        self.stream_open = False
        current = self._current
        heard_ms = self.heard_ms(now=now)
        self._silence(now)
        if current is None:
            return []
        if current.play is not None:
            return self.play(current.play, now=now)
        taken = current.transcript.text
        heard = count_words(current.transcript.heard(heard_ms).text)
        begun = self._open(replace(current.say, text=rest(current.say.text, taken, heard)))
        begun.requested = False
        begun.before = _Before(
            current.before.text + taken[: rest_begins(current.say.text, taken, heard)],
            current.heard(heard_ms),
            current.before.heard_ms + heard_ms,
            current.before.began_at or current.began_at,
            (*current.before.pauses, *current.pauses),
        )
        cleared: list[CallEffect] = [ClearSpeech(current.name)] if current.requested else []
        return [*cleared, *self.request_speech()] if request else cleared

    def mark_returned(self, name: str, *, now: float) -> FinishedUtterance | None:
        """Take a mark that came back; returns the utterance that has now been heard to its end, if one has."""
        return self._finished(self._ledger.mark_returned(name, now=now), now)

    # Barge-in.

    def pause(self, *, now: float) -> list[CallEffect]:
        """Silence the line at once, and keep what was not heard. Nothing follows when nothing is being said."""
        current = self._current
        if current is None or current.cut is not None:
            return []
        position_ms = self._writer.pause(current.name, now=now)
        tail_ms = min(REWOUND_MS, max(0.0, position_ms - current.went_on_at_ms))
        current.cut = Cut(now, position_ms, self._ledger.sent.tail(round(tail_ms * BYTES_PER_MS)))
        return [ClearPlayback()] if current.began_at is not None else []

    def resume(self, *, now: float, reason: str = "") -> list[CallEffect]:
        """Go on with what was paused, at the start of the word that was cut; `reason` says why, for the record."""
        current = self._current
        if current is None or current.cut is None:
            return []
        cut, current.cut = current.cut, None
        rewound = cut.rewound(current.transcript)
        current.went_on_at_ms = cut.position_ms - len(rewound) / BYTES_PER_MS
        if current.began_at is not None:
            current.pauses.append(PlaybackPause(cut.at, now, reason))
        sent = self._writer.resume(current.name, rewound, now=now)
        if sent and current.began_at is None:
            current.began_at = now
        return [*sent]

    def interrupt(
        self, cause: BargeInCause, *, now: float, stop_ms: float = 0.0, reason: str = ""
    ) -> tuple[list[CallEffect], SpokenUtterance]:
        """End the utterance at once; the line falls silent, unless it is so already.

        Raises:
            LocalProtocolError: Nothing is being said.
        """
        current = self._current
        if current is None:
            raise LocalProtocolError("there is nothing to interrupt")
        heard_ms = self.heard_ms(now=now)
        heard = current.heard(heard_ms)
        interruption = BargeIn(cause, heard.text, current.before.heard_ms + heard_ms, heard.exact, stop_ms, reason)
        effects: list[CallEffect] = [ClearSpeech(current.name)] if current.requested else []
        if current.cut is None:
            effects.insert(0, ClearPlayback())
        self._silence(now)
        return effects, _spoken(current, interruption, now)

    def heard_ms(self, *, now: float) -> float:
        """How much of the utterance in progress the caller has heard."""
        return 0.0 if self._current is None else self._ledger.heard(self._current.name, now=now).estimate_ms

    def words_heard(self, *, now: float) -> int:
        """How many words of the utterance in progress the caller has heard."""
        current = self._current
        if current is None or current.play is not None:
            return 0
        return count_words(current.heard(self.heard_ms(now=now)).text)

    def sounds(self, *, now: float) -> bool:
        """Whether the caller's telephone plays something, or did just now, so that its echo may come back."""
        return self._ledger.sent.ends_at > now - ECHO_SECONDS

    def sounded(self, ms: float, *, now: float) -> bytes:
        """The last `ms` that the caller's telephone played."""
        return self._ledger.sent.sounded(ms, now=now)

    # Time.

    def next_deadline(self) -> float | None:
        """When the return of a final mark is overdue."""
        return self._ledger.next_deadline()

    def handle_timeout(self, *, now: float) -> FinishedUtterance | None:
        """Give up waiting for a mark that is overdue: its utterance counts as heard."""
        for name in self._ledger.handle_timeout(now=now):
            if (spoken := self._finished(name, now)) is not None:
                return spoken
        return None

    # Inside.

    def _open(self, say: Say) -> _InProgress:
        if self._current is not None:
            raise LocalProtocolError(f"{self._current.name} is still being said")
        self._begun += 1
        text = say.text if isinstance(say.text, str) else ""
        self._current = _InProgress(f"u{self._begun}", say, Transcript(text))
        return self._current

    def _finished(self, name: str | None, now: float) -> FinishedUtterance | None:
        current = self._current
        if current is None or current.name != name:
            return None
        self._current = None
        self._writer.drop(now=now)
        return FinishedUtterance(_spoken(current, None, now), current.error)

    def _silence(self, now: float) -> None:
        self._current = None
        self._held.clear()
        self._writer.drop(now=now)
        self._ledger.cleared()


def _spoken(current: _InProgress, interruption: BargeIn | None, now: float) -> SpokenUtterance:
    return SpokenUtterance(
        current.text,
        current.before.heard_ms + current.transcript.audio_ms,
        interruption,
        began_at=current.before.began_at or current.began_at,
        ended_at=now,
        pauses=(*current.before.pauses, *current.pauses),
    )
