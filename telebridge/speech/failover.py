"""Failover of one utterance: which speech provider speaks it, and from which word the next one goes on.

A word's time is passed on once all of its audio was: the next provider speaks a word that broke off again, so its time
must not have been passed on already. Where the times of a stretch never came, the position is estimated from the
provider's speaking rate, rather too early than too late: a word spoken twice is understood, a word left out is not.

`Failover` decides for one utterance, `SpeakingRate` and `ProviderHealth` remember what utterances showed of a provider.

A provider that ended a text with too little audio for it is used once more, for what it left out. A provider stalls
when no audio comes, or less than would have been played meanwhile: a trickle is no speech.

One rule: with word times, every word is passed on exactly once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.errors import SpeechError, SpeechIncomplete, SpeechUnavailable
from telebridge.speech.alignment import spoken_until
from telebridge.speech.segmentation import is_inside_markup
from telebridge.speech.source import Audio, SpeechEvent, SpeechSource, Word, Words
from telebridge.speech.words import end_of_share, last_boundary
from telebridge.timing.backoff import backoff_seconds
from telebridge.unicode_text import is_speakable

SLACK_MS = 20.0
"""The time of an utterance's last word may end this much after its audio does."""
USUAL_MS_PER_CHARACTER = 65.0
LEARNT_FROM_CHARACTERS = 20
"""The speaking rate is not learnt from a shorter text, of which pauses are too large a part."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A speech source that failover may use.

    Args:
        name: For logs and metrics.
        source: Speaks.
        first_audio_seconds: Time-out from the request to the first audio.
        stall_seconds: Time-out between two chunks of audio after that; and how much less audio than would have been
            played may come in all.
        same_voice: Whether it sounds as the first provider does.
    """

    name: str
    source: SpeechSource
    first_audio_seconds: float
    stall_seconds: float
    same_voice: bool = True


@dataclass(frozen=True, slots=True)
class UseProvider:
    """Request the text from character `start` on from this provider, by its index."""

    provider: int
    start: int


@dataclass(frozen=True, slots=True)
class PassOn:
    """Pass an event on to the listener."""

    event: SpeechEvent


@dataclass(frozen=True, slots=True)
class ProviderStarted:
    """A provider has sent its first audio."""

    provider: int


@dataclass(frozen=True, slots=True)
class ProviderFailed:
    """A provider is given up; clear its stream.

    Args:
        provider: Its index.
        error: Why.
        started: Whether it had sent audio.
    """

    provider: int
    error: SpeechError
    started: bool


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """End the utterance, with an error when no provider could complete it."""

    error: SpeechError | None = None


FailoverEffect = UseProvider | PassOn | ProviderStarted | ProviderFailed | EndUtterance


class SpeakingRate:
    """How fast a provider speaks, as a moving average over its utterances.

    Attributes:
        ms_per_character: Milliseconds of audio for a character of text.
    """

    def __init__(self) -> None:
        self.ms_per_character = USUAL_MS_PER_CHARACTER

    def learn(self, characters: int, ms: float) -> None:
        """Enter an utterance of so many characters that lasted `ms`. Short ones are ignored."""
        if characters >= LEARNT_FROM_CHARACTERS and ms > 0:
            self.ms_per_character += 0.2 * (ms / characters - self.ms_per_character)


class Failover:
    """Decides for one utterance. Times are `now` in monotonic seconds; methods return the effects to perform, in order.

    Call `start` first, then `receive`, `receive_end` or `receive_failure` for what the present provider sends, and
    `handle_timeout` at `next_deadline`. While `passes_audio`, audio may be passed on without `receive`: enter how much
    it was with `audio_passed`, before any other method is called.

    Attributes:
        passes_audio: Whether audio that comes next is passed on and nothing else follows: the present provider has sent
            some already, and no word waits for its audio.

    Args:
        providers: All there are.
        rates: The speaking rate of each.
        order: The indexes of the providers to use, first to last; at least one.
        text: The whole text, or what of it is known.
        complete: Whether the text is whole. While it is not, its author may be the one who is slow: no deadline runs.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        rates: Sequence[SpeakingRate],
        order: Sequence[int],
        text: str,
        *,
        complete: bool,
    ) -> None:
        self.passes_audio = False
        self._providers = providers
        self._rates = rates
        self._order = list(order)  # the present provider, then those to use after it
        self._text = text
        self._complete = complete
        self._start = 0  # where in the text the present provider began
        self._passed_bytes = 0  # of audio passed on
        self._began_bytes = 0  # of audio passed on before the present provider began
        self._last_audio = 0.0  # when the last of it was passed on
        self._words: list[Word] = []  # of the present provider, passed on
        self._held: list[Word] = []  # of the present provider, whose audio has not come yet
        self._deadline: float | None = None
        self._playback_began = 0.0  # when the present provider's audio began to be played, were it played at once
        self._retried: set[int] = set()  # the providers that were used again for what they had left out
        self._error: SpeechError | None = None

    def start(self, *, now: float) -> list[FailoverEffect]:
        """Use the first provider."""
        return self._use_provider(0, now)

    def add_text(self, token: str) -> None:
        """Append what the author of an incomplete text wrote."""
        self._text += token

    def text_complete(self, *, now: float) -> None:
        """The author has finished; from now on the provider's deadlines run."""
        self._complete = True
        self._playback_began = max(self._playback_began, now - self._audio_seconds)
        self._restart_deadline(now)

    def next_deadline(self) -> float | None:
        """When to call `handle_timeout`, unless the present provider sends audio before; None for never."""
        return self._deadline

    def handle_timeout(self, *, now: float) -> list[FailoverEffect]:
        """The deadline has passed: the present provider has failed."""
        provider = self._providers[self._order[0]]
        problem = f"{provider.name} gave no audio for {provider.first_audio_seconds:g} s"
        if self._started:
            elapsed = now - self._playback_began
            problem = f"{provider.name} gave no audio for {provider.stall_seconds:g} s"
            if now < self._last_audio + provider.stall_seconds:
                problem = f"{provider.name} stalls: {self._audio_seconds:.1f} s of audio came in {elapsed:.1f} s"
        return self.receive_failure(SpeechUnavailable(problem), now=now)

    def receive(self, event: SpeechEvent, *, now: float) -> list[FailoverEffect]:
        """The present provider sent an event."""
        effects: list[FailoverEffect] = []
        match event:
            case Audio(data):
                if data and not self._started:
                    effects.append(ProviderStarted(self._order[0]))
                    self._playback_began = now
                effects.append(PassOn(event))
                if data:
                    self.audio_passed(len(data), now=now)
            case Words(words) if not self._began_bytes:
                self._held += words
            case Words(words):
                began = self._began_bytes / BYTES_PER_MS
                self._held += (Word(word.text, began + word.start_ms, began + word.end_ms) for word in words)
        if self._held:
            effects += self._pass_words(self._passed_bytes / BYTES_PER_MS + SLACK_MS)
        self.passes_audio = self._started and not self._held
        return effects

    def audio_passed(self, size: int, *, now: float) -> None:
        """Enter that `size` bytes of the present provider's audio were passed on, the last of them at `now`."""
        self._passed_bytes += size
        self._last_audio = now
        self._restart_deadline(now)

    def receive_end(self) -> list[FailoverEffect]:
        """The present provider has spoken all."""
        self._deadline = None
        ms = (self._passed_bytes - self._began_bytes) / BYTES_PER_MS
        self._rates[self._order[0]].learn(len(self._text) - self._start, ms)
        return [*self._pass_words(None), EndUtterance()]

    def receive_failure(self, error: SpeechError, *, now: float, final: bool = False) -> list[FailoverEffect]:
        """The present provider failed; `final` when no other provider could do better."""
        self._deadline = None
        self._error = self._error or error
        provider = self._order[0]
        failed = ProviderFailed(provider, error, self._started)
        if isinstance(error, SpeechIncomplete) and not error.retried and provider not in self._retried:
            self._retried.add(provider)
        else:
            _ = self._order.pop(0)
        if final:
            return [failed, EndUtterance(error)]
        start = self._outside_markup(self._unspoken(provider))
        if self._complete and not is_speakable(self._text[start:]):
            return [failed, EndUtterance()]
        if not self._order:
            return [failed, EndUtterance(self._error)]
        return [failed, *self._use_provider(start, now)]

    @property
    def _started(self) -> bool:
        """Whether the present provider has sent audio."""
        return self._passed_bytes > self._began_bytes

    @property
    def _audio_seconds(self) -> float:
        """How much audio the present provider has sent."""
        return (self._passed_bytes - self._began_bytes) / BYTES_PER_MS / 1000

    def _use_provider(self, start: int, now: float) -> list[FailoverEffect]:
        self.passes_audio = False
        self._start = start
        self._began_bytes = self._passed_bytes
        self._words, self._held = [], []
        self._restart_deadline(now)
        return [UseProvider(self._order[0], start)]

    def _restart_deadline(self, now: float) -> None:
        if self._complete and self._order:
            provider = self._providers[self._order[0]]
            if self._started:
                played = self._playback_began + self._audio_seconds
                self._deadline = min(now, played) + provider.stall_seconds
            else:
                self._deadline = now + provider.first_audio_seconds

    def _pass_words(self, until_ms: float | None) -> list[FailoverEffect]:
        """Pass on the held words that end by then, or all of them."""
        count = len(self._held)
        if until_ms is not None:
            count = next((n for n, word in enumerate(self._held) if word.end_ms > until_ms), count)
        if not count:
            return []
        passed, self._held = tuple(self._held[:count]), self._held[count:]
        self._words += passed
        return [PassOn(Words(passed))]

    def _unspoken(self, provider: int) -> int:
        """Where in the text the first word stands whose audio has not come."""
        if not self._started:
            return self._start
        spoken = spoken_until(self._text, [*self._words, *self._held], len(self._words), self._start)
        if self._held or not spoken.exact:
            return spoken.position  # the word that broke off is known, or is one that the text spells otherwise
        began_ms = self._words[-1].end_ms if self._words else self._began_bytes / BYTES_PER_MS
        rest_ms = self._passed_bytes / BYTES_PER_MS - began_ms
        return self._estimated(spoken.position, rest_ms / self._rates[provider].ms_per_character)

    def _outside_markup(self, position: int) -> int:
        """The position, or the one before the markup that it lies in: half of it would be spoken literally."""
        while position > self._start and is_inside_markup(self._text[self._start : position]):
            position = self._start + end_of_share(self._text[self._start : position], position - self._start - 2)
        return position

    def _estimated(self, start: int, characters: float) -> int:
        """The word boundary so many characters on; a text that broke off keeps at least its last word to be spoken."""
        position = start + end_of_share(self._text[start:], max(0.0, characters))
        if self._complete and characters >= 1 and not self._text[position:].strip():
            return max(start, last_boundary(self._text, len(self._text.rstrip()) - 1))
        return position


FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 60.0


class ProviderHealth:
    """Whether a provider is worth a request: a circuit breaker with back-off. Times are `now` in monotonic seconds.

    While the provider is failing, one request at a time tests it.

    Args:
        jitter: Returns a number from 0 to 1, by which delays are spread to avoid a thundering herd.
    """

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._failures = 0
        self._retry_at = 0.0

    def is_available(self, *, now: float) -> bool:
        """Whether to use the provider before others."""
        return not self._failures or now >= self._retry_at

    def request_started(self, *, now: float) -> None:
        """A request goes out; if the provider was failing, other requests avoid it until this one has shown more."""
        if self._failures:
            self._back_off(now)

    def request_succeeded(self) -> None:
        """The provider answered: it is healthy."""
        self._failures = 0

    def request_failed(self, *, now: float) -> float:
        """The provider could not be reached. Returns the seconds until it is available again."""
        self._failures += 1
        return self._back_off(now)

    def _back_off(self, now: float) -> float:
        delay = backoff_seconds(
            self._failures, first=FIRST_DELAY_SECONDS, longest=LONGEST_DELAY_SECONDS, jitter=self._jitter()
        )
        self._retry_at = now + delay
        return delay
