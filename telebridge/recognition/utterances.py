"""Which utterance a stretch of a connection's audio belongs to, and what was heard of each so far.

One rule: an utterance has one final transcript. A result that comes after it is dropped.
"""

from dataclasses import dataclass, field

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.recognition.source import FinalTranscript, RecognizedWord

MOST_REPEATED_BYTES = 30_000 * BYTES_PER_MS
"""So much audio of an utterance is kept, to be sent once more over another connection or to another recognizer."""


@dataclass(slots=True)
class HeardPiece:
    """A piece of a transcript that will not change any more."""

    text: str
    confidence: float | None = None
    words: tuple[RecognizedWord, ...] = ()


@dataclass(slots=True)
class HeardUtterance:
    """An utterance whose final transcript has not come yet.

    Args:
        number: Its number in the recognition.
        begins_ms: Where it begins in the audio of the connection.
        ends_ms: Where it ends; None while the caller speaks.
        pieces: What will not change any more.
        partial: What may still change after these.
    """

    number: int
    begins_ms: float
    ends_ms: float | None = None
    pieces: list[HeardPiece] = field(default_factory=list)
    partial: str = ""

    @property
    def text(self) -> str:
        """All that was heard so far."""
        return joined([*(piece.text for piece in self.pieces), self.partial])


class UtteranceLog:
    """The utterances of one connection."""

    def __init__(self) -> None:
        self._sent_ms = 0.0
        self._open: list[HeardUtterance] = []

    def begin(self, number: int) -> None:
        """An utterance begins where the audio is now."""
        self._open.append(HeardUtterance(number, self._sent_ms))

    def feed(self, mulaw: bytes) -> None:
        """Audio of it was sent."""
        self._sent_ms += len(mulaw) / BYTES_PER_MS

    def end(self) -> HeardUtterance | None:
        """The utterance in progress is over; returns it, or None when none is."""
        current = self.current
        if current is not None:
            current.ends_ms = self._sent_ms
        return current

    @property
    def current(self) -> HeardUtterance | None:
        """The utterance in progress."""
        return next((each for each in self._open if each.ends_ms is None), None)

    @property
    def pending(self) -> HeardUtterance | None:
        """The first utterance that is over and has no final transcript."""
        return next((each for each in self._open if each.ends_ms is not None), None)

    def find(self, number: int) -> HeardUtterance | None:
        """The utterance of this number; None once it has its final transcript."""
        return next((each for each in self._open if each.number == number), None)

    def at(self, position_ms: float) -> HeardUtterance | None:
        """The utterance that the audio at this position of the connection belongs to; None when it is done with."""
        for each in self._open:
            if each.begins_ms <= position_ms and (each.ends_ms is None or position_ms <= each.ends_ms):
                return each
        return None

    def before(self, position_ms: float) -> HeardUtterance | None:
        """The last utterance that begins before this position; None when it is done with."""
        return next((each for each in reversed(self._open) if each.begins_ms < position_ms), None)

    def finish(self, utterance: HeardUtterance) -> FinalTranscript:
        """Make the final transcript of an utterance out of what was heard; it is forgotten."""
        if utterance in self._open:
            self._open.remove(utterance)
        known = [piece.confidence for piece in utterance.pieces if piece.confidence is not None]
        words = tuple(word for piece in utterance.pieces for word in piece.words)
        return FinalTranscript(utterance.number, utterance.text, min(known, default=None), words)

    def give_up(self, number: int) -> FinalTranscript:
        """Make the final transcript of an utterance that was waited for too long; one without words has a failure."""
        utterance = self.find(number)
        final = FinalTranscript(number, "") if utterance is None else self.finish(utterance)
        if final.text:
            return final
        return FinalTranscript(number, "", failure="no answer in time")


def joined(texts: list[str]) -> str:
    """Texts one after the other, a blank between them."""
    return " ".join(text for each in texts if (text := each.strip()))
