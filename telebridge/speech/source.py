"""The Protocols of speech synthesis, which are all that a call knows of it.

A `SpeechSource` speaks utterances; each is returned as a `SpeechStream` of events. Audio is always G.711 mu-law without
a header, 8000 Hz, mono: one byte is one sample, eight bytes a millisecond.

One rule: after `clear()` a stream yields nothing more, whatever the service still sends.
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from telebridge.errors import SpeechError

VoiceOverrides = Mapping[str, str | int | float | bool]
"""Synthesis parameters that override a source's own, by their names in the settings: speaker, model, lang, …"""


class Audio(msgspec.Struct, frozen=True, gc=False):
    """The next bytes of an utterance, in order; any length from one byte up. A struct, which is made in less time."""

    data: bytes


class Word(msgspec.Struct, frozen=True, gc=False):
    """A word and when it is spoken, in milliseconds of audio from the start of the utterance."""

    text: str
    start_ms: float
    end_ms: float


class Words(msgspec.Struct, frozen=True, gc=False):
    """Word times of a stretch of audio. Stretches come in order, each before or after its audio."""

    words: tuple[Word, ...]


SpeechEvent = Audio | Words


@runtime_checkable
class Rereadable(Protocol):
    """A streamed text that can be read again from any character on; an asynchronous iterable of tokens."""

    def since(self, position: int) -> "Rereadable":
        """Return the same text from this character on, with what its author will still write."""
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
        substitute: Whether some of the utterance is not what was asked for, because another voice spoke it or there was
            too much of it; so it must not be cached. Final at its end.
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
    """Turns text into audio."""

    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> SpeechStream:
        """Start speaking `text`, whole or a stream of tokens that carry their own spaces. Must be called on the loop.

        Nothing is awaited and nothing is raised here: the request is sent in the background, and the stream ends with
        `SpeechError` where the text cannot be spoken. Subscribe to the stream, or iterate it, next.
        """
        ...

    async def aclose(self) -> None:
        """Close what the source holds open. Streams still running end with `SpeechUnavailable`."""
        ...
