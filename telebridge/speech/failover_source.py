"""A speech source that fails over: where one provider is unreachable, stalls or breaks off, the next one goes on.

The shell over `Failover`, which decides for an utterance, and `ProviderHealth`, which remembers who was unreachable.

One rule: the caller hears the text, by whichever provider. The utterance fails only when every provider has failed.
"""

import asyncio
import random
from collections.abc import AsyncIterable, Sequence

from typing_extensions import override

from telebridge import metrics
from telebridge.errors import SpeechError, SpeechIncomplete, SpeechRejected, SpeechTextError
from telebridge.logs import logger
from telebridge.speech.failover import (
    EndUtterance,
    Failover,
    FailoverEffect,
    PassOn,
    Provider,
    ProviderFailed,
    ProviderHealth,
    ProviderStarted,
    SpeakingRate,
    UseProvider,
)
from telebridge.speech.source import Audio, SpeechEvent, SpeechSink, SpeechSource, SpeechStream, VoiceOverrides, Words
from telebridge.speech.streamed_text import ReplayBuffer
from telebridge.speech.utterance import Utterance
from telebridge.timing.running_time import running_time
from telebridge.timing.timer import DeadlineTimer
from telebridge.unicode_text import repaired

log = logger(__name__)

REFUSES_US = frozenset({401, 402, 403, 404, 429})
"""A refusal with one of these statuses is about the account or the rate, not the text: the next request fails too."""


class FailoverSpeech(SpeechSource):
    """Speaks each utterance through the first provider that can.

    Args:
        providers: The preferred one first; all are closed with this.

    Attributes:
        health: Of each provider, across utterances.
        rates: The speaking rate of each provider.
        buffers: The streamed texts being spoken.
        closed: Whether it was closed, after which no utterance goes on with another provider.
    """

    def __init__(self, providers: Sequence[Provider]) -> None:
        self.providers = tuple(providers)
        self.health = [ProviderHealth(random.random) for _ in providers]
        self.rates = [SpeakingRate() for _ in providers]
        self.buffers: set[ReplayBuffer] = set()
        self.closed = False

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> Utterance:
        return _FailoverUtterance(self, text, voice).utterance

    def order(self, *, now: float) -> list[int]:
        """The indexes of the providers in the order to use them: those available, as far as is known, first."""
        return sorted(range(len(self.providers)), key=lambda index: not self.health[index].is_available(now=now))

    def provider_failed(self, failed: ProviderFailed, *, now: float) -> None:
        """Count and log that a provider was given up; if it was unreachable, other utterances avoid it for a while.

        Where the text is at fault, or may be, nothing is held against the provider.
        """
        name, error = self.providers[failed.provider].name, failed.error
        if isinstance(error, SpeechTextError):
            log.warning("a text cannot be spoken", provider=name, error=str(error), mid_utterance=failed.started)
            return
        metrics.SPEECH_PROVIDERS.labels(name, "broke off" if failed.started else "failed").inc()
        seconds = None
        unreachable = error.retryable and not isinstance(error, SpeechIncomplete)
        if not failed.started and (unreachable or error.status in REFUSES_US):
            seconds = round(self.health[failed.provider].request_failed(now=now), 1)
        log.warning(
            "a speech provider failed",
            provider=name,
            error=str(error),
            mid_utterance=failed.started,
            skipped_seconds=seconds,
        )

    @override
    async def aclose(self) -> None:
        self.closed = True
        for buffer in self.buffers:
            buffer.stop()
        for provider in self.providers:
            await provider.source.aclose()


class _FailoverUtterance(SpeechSink):
    """Takes what the present provider sends of one utterance, and fills `utterance` with it."""

    def __init__(self, speech: FailoverSpeech, text: str | AsyncIterable[str], voice: VoiceOverrides | None) -> None:
        self.utterance = Utterance(self._stop)
        self._loop = asyncio.get_running_loop()
        self._clock = running_time()  # the deadlines of providers count nothing else
        self._speech = speech
        self._voice = voice
        self._text = repaired(text) if isinstance(text, str) else ""
        now = self._clock.time()
        self._failover = Failover(
            speech.providers, speech.rates, speech.order(now=now), self._text, complete=isinstance(text, str)
        )
        self._buffer = None if isinstance(text, str) else self._buffered(text)
        self._stream: SpeechStream | None = None
        self._started: list[int] = []  # the providers that spoke some of it
        self._unreported_bytes = 0  # of audio passed on, which the failover does not know of yet
        self._passed_at = 0.0  # when the last of them was
        self._timer = DeadlineTimer(self._loop)
        self._perform(self._failover.start(now=now))

    @override
    def put(self, event: SpeechEvent) -> None:
        now = self._loop.time() - self._clock.left_out
        if type(event) is Audio and self._failover.passes_audio:  # most of what comes
            self._unreported_bytes += len(event.data)
            self._passed_at = now
            self.utterance.put(event)
            return
        self._report_audio()
        effects = self._failover.receive(event, now=now)
        if type(event) is Words:  # passed on, or held; they put off no deadline
            for effect in effects:
                if type(effect) is PassOn:
                    self.utterance.put(effect.event)
            return
        self._perform(effects)

    @override
    def end(self, error: SpeechError | None = None) -> None:
        if self.utterance.over:
            return
        self._report_audio()
        if error is None:
            self._perform(self._failover.receive_end())
            return
        # When the text or its author is at fault, no other provider can do better.
        if self._buffer is not None and self._buffer.error is not None and not self._speech.closed:
            error = SpeechTextError(error.problem)
        final = self._speech.closed or isinstance(error, SpeechTextError)
        self._perform(self._failover.receive_failure(error, now=self._clock.time(), final=final))

    def _report_audio(self) -> None:
        """Enter in the failover what was passed on meanwhile; its next decision may depend on it."""
        if self._unreported_bytes:
            self._failover.audio_passed(self._unreported_bytes, now=self._passed_at)
            self._unreported_bytes = 0

    def _timer_fired(self) -> None:
        self._report_audio()
        now = self._clock.time()
        deadline = self._failover.next_deadline()
        timed_out = deadline is not None and deadline <= now
        self._perform(self._failover.handle_timeout(now=now) if timed_out else [])

    def _buffered(self, tokens: AsyncIterable[str]) -> ReplayBuffer:
        buffer = ReplayBuffer(tokens, on_token=self._failover.add_text, on_end=self._text_complete)
        self._speech.buffers.add(buffer)
        return buffer

    def _text_complete(self) -> None:
        if not self.utterance.over:
            self._report_audio()
            self._failover.text_complete(now=self._clock.time())
            self._perform([])

    def _perform(self, effects: list[FailoverEffect]) -> None:
        for effect in effects:
            match effect:
                case PassOn(event):
                    self.utterance.put(event)
                case ProviderStarted(provider):
                    self._provider_started(provider)
                case ProviderFailed():
                    if self._stream is not None:
                        self._stream.clear()
                    self._speech.provider_failed(effect, now=self._clock.time())
                case UseProvider(provider, start):
                    self._use_provider(provider, start)
                case EndUtterance(error):
                    if self._stream is not None and self._stream.substitute:
                        self.utterance.substitute = True
                    self._stop()
                    self.utterance.end(error)
        if not self.utterance.over:
            self._timer.set(self._clock.at(self._failover.next_deadline()), self._timer_fired)

    def _provider_started(self, provider: int) -> None:
        metrics.SPEECH_PROVIDERS.labels(self._speech.providers[provider].name, "spoke").inc()
        self._speech.health[provider].request_succeeded()
        self._started.append(provider)
        self.utterance.substitute = len(self._started) > 1 or not self._speech.providers[provider].same_voice

    def _use_provider(self, provider: int, start: int) -> None:
        self._speech.health[provider].request_started(now=self._clock.time())
        text = self._text[start:] if self._buffer is None else self._buffer.since(start)
        try:
            self._stream = self._speech.providers[provider].source.speak(text, voice=self._voice)
            self._stream.subscribe(self)
        except Exception as error:  # a fault of ours counts as the provider's: the caller hears the next one
            log.exception("a speech provider cannot be used")
            self._loop.call_soon(self.end, SpeechRejected(f"{type(error).__name__}: {error}"))

    def _stop(self) -> None:
        """Release what the utterance holds: it is complete, has failed, or was cleared."""
        self._timer.cancel()
        if self._buffer is not None:
            self._buffer.stop()
            self._speech.buffers.discard(self._buffer)
        if self._stream is not None:
            self._stream.clear()
