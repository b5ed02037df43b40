"""Text into audio, whoever does it: the one Protocol that a call knows of speech.

A `SpeechSource` speaks utterances; each comes back as a `SpeechStream` of events. Audio is always headerless G.711
mu-law, 8000 Hz, mono: one byte is one sample, eight bytes a millisecond.

One rule: after `clear()` a stream yields nothing more, whatever the service still sends.
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from telebridge.errors import SpeechError

VoiceOverrides = Mapping[str, str | int | float | bool]
"""Synthesis parameters that override a source's own, by their names in the settings: speaker, model, lang, …"""


@dataclass(frozen=True, slots=True)
class Audio:
    """The next bytes of an utterance, in order; any length from one byte up."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word and when it sounds, in milliseconds of audio since the start of the utterance."""

    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class Words:
    """Timings of the words of a stretch of audio; stretches come in order, before or after their audio."""

    words: tuple[Word, ...]


SpeechEvent = Audio | Words


@runtime_checkable
class Rereadable(Protocol):
    """A text that is still being written, and can be read again; an asynchronous iterable of tokens."""

    def since(self, position: int) -> "Rereadable":
        """The same text from this character on, for as long as its author writes."""
        ...

    def __aiter__(self) -> AsyncIterator[str]:
        """The tokens from here on."""
        ...


class SpeechSink(Protocol):
    """What takes the events of one utterance. Neither method may wait; each returns before the next event comes."""

    def put(self, event: SpeechEvent) -> None:
        """Take the next event. After `end`, events are ignored."""
        ...

    def end(self, error: SpeechError | None = None) -> None:
        """Take the end, once: the utterance is complete, or with an error cannot be; the events before it are good."""
        ...


class SpeechStream(Protocol):
    """The events of one utterance as they come, for one listener. It either iterates or subscribes.

    Iterating ends when the utterance is complete or was cleared, and raises `SpeechError` when it cannot be completed.

    Attributes:
        substitute: Whether another voice spoke some of the utterance, so that it must not be cached; final at its end.
    """

    substitute: bool

    def subscribe(self, sink: SpeechSink) -> None:
        """Pass every event and the end on to `sink`, until the stream is cleared.

        `sink` is never called before this returns: what has come already is passed on in the next turn of the event
        loop. Later events are passed on within the source's own call.
        """
        ...

    def __aiter__(self) -> "SpeechStream":
        """The stream itself; it can be iterated once."""
        ...

    async def __anext__(self) -> SpeechEvent:
        """The next event.

        Raises:
            StopAsyncIteration: The utterance is complete, or was cleared.
            SpeechError: It cannot be completed; what came before is good.
        """
        ...

    def clear(self) -> None:
        """Drop the rest, at once and without waiting: no event and no end follows. May be called again at any time."""
        ...


class SpeechSource(Protocol):
    """Whoever turns text into audio."""

    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> SpeechStream:
        """Start speaking `text`, a whole or a stream of tokens that carry their own spaces.

        Nothing is awaited here: the request goes out in the background, and troubles surface while iterating.
        """
        ...

    async def aclose(self) -> None:
        """Close what the source holds open. Streams still running end with `SpeechUnavailable`."""
        ...
