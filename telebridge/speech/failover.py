"""One utterance on its way down a ladder of voices: when one has failed, which speaks on, and from which word.

Word times are handed on when all of their word's audio was: a word that broke off is spoken again by the next voice,
and must not have been told already. Where the times of a stretch never came, its words are estimated from how fast the
voice speaks, rather too few than too many: a word heard twice is understood, one left out is not.

One rule: with word times, every word is told exactly once.

When to ask a service again that could not be reached: not at once, and not by every caller.

One rule: while it is out of order, one caller at a time finds out whether it still is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.backoff import backoff_seconds
from telebridge.errors import SpeechError, SpeechUnavailable
from telebridge.speech.segmentation import end_of_share, end_of_words, is_inside_markup
from telebridge.speech.source import Audio, SpeechEvent, Word, Words

SLACK_MS = 20.0
"""A last word's time may end so much after the audio does."""
USUAL_MS_PER_CHARACTER = 65.0
LEARNT_FROM_CHARACTERS = 20


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a voice may be silent: before its first audio, and between two pieces."""

    name: str
    first_audio_seconds: float
    stall_seconds: float


@dataclass(frozen=True, slots=True)
class SpeakOn:
    """Ask this rung for the text from this character on."""

    rung: int
    start: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand this to the listener."""

    event: SpeechEvent


@dataclass(frozen=True, slots=True)
class Sounded:
    """This rung has given its first audio."""

    rung: int


@dataclass(frozen=True, slots=True)
class Left:
    """This rung is given up; let it go."""

    rung: int
    error: SpeechError
    sounded: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """There is no more."""

    error: SpeechError | None = None


Effect = SpeakOn | Deliver | Sounded | Left | Finish


class Pace:
    """How fast a voice speaks, learnt from what it spoke."""

    def __init__(self) -> None:
        self.ms_per_character = USUAL_MS_PER_CHARACTER

    def learn(self, characters: int, ms: float) -> None:
        """It took so long for so many; a short text tells nothing."""
        if characters >= LEARNT_FROM_CHARACTERS and ms > 0:
            self.ms_per_character += 0.2 * (ms / characters - self.ms_per_character)


class Climb:
    """Decides for one utterance. Time is `now` in monotonic seconds.

    Args:
        rungs: How patient to be with each.
        paces: How fast each speaks.
        order: The rungs to ask, first to last; at least one.
        text: The whole text, or what of it is known.
        complete: Whether that is all. As long as it is not, silence may be its author's, and no deadline runs.
    """

    def __init__(
        self, rungs: Sequence[Patience], paces: Sequence[Pace], order: Sequence[int], text: str, *, complete: bool
    ) -> None:
        self._rungs = rungs
        self._paces = paces
        self._order = list(order)
        self._text = text
        self._complete = complete
        self._start = 0  # where the text of the present rung begins
        self._delivered_bytes = 0
        self._began_bytes = 0  # what was delivered when the present rung began
        self._words: list[Word] = []  # of the present rung, told
        self._held: list[Word] = []  # of the present rung, whose audio has not come yet
        self._deadline: float | None = None
        self._error: SpeechError | None = None

    def start(self, *, now: float) -> list[Effect]:
        """The first rung speaks."""
        return self._speak_on(0, now)

    def add_text(self, token: str) -> None:
        """The author wrote more."""
        self._text += token

    def text_complete(self, *, now: float) -> None:
        """The author is done: from now on whoever speaks is to be in time."""
        self._complete = True
        self._be_patient(now)

    def next_deadline(self) -> float | None:
        """When the present rung is given up unless it gives something."""
        return self._deadline

    def handle_timeout(self, *, now: float) -> list[Effect]:
        """The deadline has passed."""
        rung = self._rungs[self._order[0]]
        seconds = rung.stall_seconds if self._sounded else rung.first_audio_seconds
        return self.receive_failure(SpeechUnavailable(f"{rung.name} gave no audio for {seconds:g} s"), now=now)

    def receive(self, event: SpeechEvent, *, now: float) -> list[Effect]:
        """The present rung gave something."""
        effects: list[Effect] = []
        match event:
            case Audio(data):
                if not self._sounded:
                    effects.append(Sounded(self._order[0]))
                self._delivered_bytes += len(data)
                effects.append(Deliver(event))
            case Words(words):
                began = self._began_bytes / BYTES_PER_MS
                self._held += (Word(word.text, began + word.start_ms, began + word.end_ms) for word in words)
        if self._sounded:
            self._be_patient(now)
        return effects + self._tell(self._delivered_bytes / BYTES_PER_MS + SLACK_MS)

    def receive_end(self) -> list[Effect]:
        """The present rung has spoken all."""
        self._deadline = None
        ms = (self._delivered_bytes - self._began_bytes) / BYTES_PER_MS
        self._paces[self._order[0]].learn(len(self._text) - self._start, ms)
        return [*self._tell(None), Finish()]

    def receive_failure(self, error: SpeechError, *, now: float, final: bool = False) -> list[Effect]:
        """The present rung failed; `final` when no other can help."""
        self._deadline = None
        self._error = self._error or error
        rung = self._order.pop(0)
        left = Left(rung, error, self._sounded)
        if final:
            return [left, Finish(error)]
        start = self._outside_markup(self._unspoken(rung))
        if self._complete and not any(character.isalnum() for character in self._text[start:]):
            return [left, Finish()]
        if not self._order:
            return [left, Finish(self._error)]
        return [left, *self._speak_on(start, now)]

    @property
    def _sounded(self) -> bool:
        """Whether the present rung has given audio."""
        return self._delivered_bytes > self._began_bytes

    def _speak_on(self, start: int, now: float) -> list[Effect]:
        self._start = start
        self._began_bytes = self._delivered_bytes
        self._words, self._held = [], []
        self._be_patient(now)
        return [SpeakOn(self._order[0], start)]

    def _be_patient(self, now: float) -> None:
        if self._complete and self._order:
            rung = self._rungs[self._order[0]]
            self._deadline = now + (rung.stall_seconds if self._sounded else rung.first_audio_seconds)

    def _tell(self, until_ms: float | None) -> list[Effect]:
        """Tell the words whose audio has come, or all of them."""
        count = len(self._held)
        if until_ms is not None:
            count = next((n for n, word in enumerate(self._held) if word.end_ms > until_ms), count)
        if not count:
            return []
        told, self._held = tuple(self._held[:count]), self._held[count:]
        self._words += told
        return [Deliver(Words(told))]

    def _unspoken(self, rung: int) -> int:
        """Where in the text the first word is whose audio has not come."""
        if not self._sounded:
            return self._start
        told = end_of_words(self._text, (word.text for word in self._words), self._start)
        if self._held:
            return told  # the word that broke off is known
        began_ms = self._words[-1].end_ms if self._words else self._began_bytes / BYTES_PER_MS
        rest_ms = self._delivered_bytes / BYTES_PER_MS - began_ms
        return self._estimated(told, rest_ms / self._paces[rung].ms_per_character)

    def _outside_markup(self, position: int) -> int:
        """There, or before the markup that it is within: half of it would be spoken literally."""
        while position > self._start and is_inside_markup(self._text[self._start : position]):
            position = self._start + end_of_share(self._text[self._start : position], position - self._start - 2)
        return position

    def _estimated(self, start: int, characters: float) -> int:
        """So many characters on, at a boundary between words; of a text that broke off, a last word is left to say."""
        position = start + end_of_share(self._text[start:], max(0.0, characters))
        if self._complete and characters >= 1 and not self._text[position:].strip():
            return max(start, self._text.rstrip().rfind(" ") + 1)
        return position


FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 60.0


class Circuit:
    """Whether one service is worth asking. Time is `now` in monotonic seconds.

    Args:
        jitter: Gives a number from 0 to 1; each delay is stretched by up to its half, lest many try at once.
    """

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._failures = 0
        self._not_before = 0.0

    def ready(self, *, now: float) -> bool:
        """Whether to ask it."""
        return not self._failures or now >= self._not_before

    def asked(self, *, now: float) -> None:
        """It is being asked; where it was out of order, others wait for the answer."""
        if self._failures:
            self._put_off(now)

    def worked(self) -> None:
        """It answered."""
        self._failures = 0

    def failed(self, *, now: float) -> float:
        """It could not be reached; gives the seconds until it is asked again."""
        self._failures += 1
        return self._put_off(now)

    def _put_off(self, now: float) -> float:
        delay = backoff_seconds(
            self._failures, first=FIRST_DELAY_SECONDS, longest=LONGEST_DELAY_SECONDS, jitter=self._jitter()
        )
        self._not_before = now + delay
        return delay
