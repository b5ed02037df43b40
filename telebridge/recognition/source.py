"""The Protocols of speech recognition, which are all that a call knows of it.

A `Recognizer` opens a `Recognition` for each question that words may answer. The call says itself when the caller
begins and stops to speak; audio is G.711 mu-law at 8000 Hz, one byte a sample.

One rule: a recognizer never delays or ends a call. No method here waits or raises, and each utterance that was ended
gets one final transcript, if need be one that says that nothing is known.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RecognizedWord:
    """A word and when it was spoken, in milliseconds of audio from the start of its utterance.

    Args:
        text: The word.
        start_ms: When it begins.
        end_ms: When it ends.
        confidence: How sure the recognizer is, from 0 to 1; None where it does not say.
    """

    text: str
    start_ms: float
    end_ms: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """What an utterance says as far as it is known; it replaces the partial transcript before it.

    Args:
        utterance: Which utterance of the recognition, counted from 1.
        text: Its words; empty where those before say nothing any more, because the caller speaks on.
    """

    utterance: int
    text: str


@dataclass(frozen=True, slots=True)
class FinalTranscript:
    """What an utterance says; nothing follows of it.

    Args:
        utterance: Which utterance of the recognition, counted from 1.
        text: Its words; empty when it holds none.
        confidence: How sure the recognizer is, from 0 to 1; None where it does not say.
        words: Word times; none where the recognizer does not measure them.
        failure: Why nothing is known; empty when the recognizer has answered.
    """

    utterance: int
    text: str
    confidence: float | None = None
    words: tuple[RecognizedWord, ...] = ()
    failure: str = ""


RecognitionResult = PartialTranscript | FinalTranscript


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """What is listened for.

    Args:
        language: The language that is spoken, such as "en" or "en-US"; empty for that of the settings.
        hints: Words and phrases that are likely; a recognizer may prefer them.
        grammar: The only phrases that answer, where nothing else does; a recognizer may be held to them.
        digits: Whether digits are expected.
        answers: The phrases of `grammar`, those that mean the same together.
        doubtful: Whether a doubtful phrase is better than none, because the caller is asked whether it was said.
    """

    language: str = ""
    hints: tuple[str, ...] = ()
    grammar: tuple[str, ...] = ()
    digits: bool = False
    answers: tuple[tuple[str, ...], ...] = ()
    doubtful: bool = False


class TranscriptSink(Protocol):
    """What takes the transcripts of one recognition. It may not wait."""

    def __call__(self, transcript: RecognitionResult) -> None:
        """Take the next transcript. It is never called inside a method of `Recognition`."""
        ...


class Recognition(Protocol):
    """The recognition of what one caller says in answer to one question."""

    def begin_speech(self) -> None:
        """The caller begins to speak: the audio that follows is the next utterance, counted from 1."""
        ...

    def feed(self, mulaw: bytes) -> None:
        """Take the next audio of the utterance: first what was heard just before the caller was noticed."""
        ...

    def end_speech(self) -> None:
        """The caller has stopped: the final transcript of the utterance is wanted now."""
        ...

    def close(self) -> None:
        """Nobody listens any more: no transcript follows. May be called again."""
        ...


class Recognizer(Protocol):
    """Hears words. Make it anywhere, use it on one event loop, close it there."""

    @property
    def available(self) -> bool:
        """Whether it is likely to hear something: prompts ask for words only then."""
        ...

    def listen(self, request: RecognitionRequest, sink: TranscriptSink) -> Recognition:
        """Open a recognition; connecting happens in the background. Call `begin_speech` on it next."""
        ...

    async def prepare(self) -> None:
        """Load what it needs, so that no caller waits for that; what fails is said when somebody listens."""
        return

    async def aclose(self) -> None:
        """Close what the recognizer holds open."""
        ...
