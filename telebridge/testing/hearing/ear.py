"""What came out of the caller's telephone, in words, with the time at which each sounded.

The ear knows the audio that is queued for the caller, and recognizes in it the speech of `KnownSpeeches`. So it also
knows what will be heard, unless it is cleared before.

One rule: what was sent and not played was not heard.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from typing_extensions import override

from telebridge.audio.mulaw import BYTES_PER_SECOND
from telebridge.simulator.caller.sounds import is_audible
from telebridge.simulator.media.playout import PlayoutObserver
from telebridge.testing.hearing.voice import IDENTIFYING_BYTES, KnownSpeech, KnownSpeeches

SLACK_SECONDS = 1e-6


@dataclass(slots=True)
class SoundPiece:
    """Audio that sounds without a gap: a part of one speech, or a sound that is not known.

    Args:
        speech: What is said; None for a sound that is not known.
        first: The byte of the speech at which it begins.
        size: How many bytes of it sound.
        start_time: When it begins (monotonic seconds).
        cut: Whether the rest was cleared.
        audible: Whether there is anything to be heard.
    """

    speech: KnownSpeech | None
    first: int
    size: int
    start_time: float
    cut: bool = False
    audible: bool = True

    @property
    def end_time(self) -> float:
        """When its last sample has sounded."""
        return self.start_time + self.size / BYTES_PER_SECOND

    @property
    def sound_ends(self) -> float:
        """When the last of it that is no silence has sounded."""
        words = () if self.speech is None else self.speech.words
        size = self.size if self.speech is None else min(self.size, (words[-1].end if words else 0) - self.first)
        return self.start_time + size / BYTES_PER_SECOND

    def heard_by(self, now: float) -> str:
        """The words of it that were heard to their ends by then."""
        if self.speech is None:
            return ""
        end = self.first + min(self.size, int((now - self.start_time) * BYTES_PER_SECOND + 1e-3))
        return " ".join(word.text for word in self.speech.words if word.start >= self.first and word.end <= end)

    def complete_by(self, now: float) -> bool:
        """Whether the speech was heard to the end of its last word by then."""
        if self.speech is None:
            return False
        end = self.first + min(self.size, int((now - self.start_time) * BYTES_PER_SECOND + 1e-3))
        return not self.speech.words or end >= self.speech.words[-1].end


@dataclass(frozen=True, slots=True)
class ClearedSound:
    """What was queued was dropped.

    Args:
        at: When the last of what was heard ended (monotonic seconds).
        last: What was heard last; None when nothing was.
        dropped: The speeches that were not heard to their ends, or not at all.
    """

    at: float
    last: SoundPiece | None
    dropped: tuple[KnownSpeech | None, ...]


@dataclass(frozen=True, slots=True)
class SoundedWord:
    """A word that the caller hears to its end.

    Args:
        text: The word as it was written.
        start_time: When it begins (monotonic seconds).
        end_time: When it has been heard.
        piece: Of what it is a part.
    """

    text: str
    start_time: float
    end_time: float
    piece: SoundPiece


class CallerEar(PlayoutObserver):
    """The ear of one caller.

    Args:
        speeches: What can be recognized.

    Attributes:
        pieces: What sounded and will sound, in order.
        clears: What was dropped, in order.
        changed: Set whenever more is queued or something is cleared; who waits for it clears it first.
    """

    def __init__(self, speeches: KnownSpeeches) -> None:
        self.pieces: list[SoundPiece] = []
        self.clears: list[ClearedSound] = []
        self.changed = asyncio.Event()
        self._speeches = speeches
        self._unknown = b""  # the end of audio that is not recognized yet

    @override
    def queued(self, audio: bytes, *, starts_at: float) -> None:
        last = self.pieces[-1] if self.pieces else None
        if last is not None and abs(last.end_time - starts_at) > SLACK_SECONDS:
            self._unknown = b""
            last = None
        audio, starts_at = self._continue(last, audio, starts_at)
        while audio:
            audio, starts_at = self._begin(audio, starts_at)
        self.changed.set()

    @override
    def cleared(self, *, ends_at: float) -> None:
        self._unknown = b""
        cut = [piece for piece in self.pieces if piece.end_time > ends_at + SLACK_SECONDS]
        for piece in cut:
            piece.size = max(0, round((ends_at - piece.start_time) * BYTES_PER_SECOND))
            piece.cut = True
        if cut:
            last = next((piece for piece in reversed(self.pieces) if piece.size), None)
            self.clears.append(ClearedSound(ends_at, last, tuple(piece.speech for piece in cut)))
        self.changed.set()

    def words(self, *, after: float = 0.0) -> Iterator[SoundedWord]:
        """The words that are heard to their ends, in order; what a prompt repeats after a pause is one word.

        Args:
            after: Leave out those that were heard by then (monotonic seconds).
        """
        heard: tuple[KnownSpeech | None, int] = (None, 0)  # up to which byte of the last speech words were heard
        for piece in self.pieces:
            if piece.speech is None:
                continue
            resumes = heard[0] is piece.speech and piece.first > 0
            reached = heard[1] if resumes else piece.first
            for word in piece.speech.words if piece.end_time > after else ():
                end = word.end - piece.first
                if word.end <= reached or end > piece.size:
                    continue
                start = max(0, word.start - piece.first)
                yield SoundedWord(
                    word.text,
                    piece.start_time + start / BYTES_PER_SECOND,
                    piece.start_time + end / BYTES_PER_SECOND,
                    piece,
                )
            heard = (piece.speech, max(reached, piece.first + piece.size))

    def sounds_between(self, start: float, end: float) -> list[SoundPiece]:
        """What is audible in a stretch of time."""
        return [
            piece
            for piece in self.pieces
            if piece.audible and piece.size and piece.start_time < end and piece.sound_ends > start + SLACK_SECONDS
        ]

    def _continue(self, last: SoundPiece | None, audio: bytes, starts_at: float) -> tuple[bytes, float]:
        """Let the last piece go on as far as the audio is the rest of its speech; returns what is left."""
        if last is None or last.cut or last.speech is None:
            return audio, starts_at
        at = last.first + last.size
        same = _same_bytes(last.speech.audio[at : at + len(audio)], audio)
        last.size += same
        return audio[same:], starts_at + same / BYTES_PER_SECOND

    def _begin(self, audio: bytes, starts_at: float) -> tuple[bytes, float]:
        """Begin a piece with the audio; returns what is left of it."""
        joined = self._unknown + audio
        found = self._speeches.find(joined)
        if found is None:
            self._extend_unknown(audio, starts_at)
            self._unknown = joined[-IDENTIFYING_BYTES:] if len(joined) < IDENTIFYING_BYTES else b""
            return b"", starts_at
        if self._unknown:  # its beginning was taken for a sound that is not known
            starts_at -= len(self._unknown) / BYTES_PER_SECOND
            self._shorten_last(len(self._unknown))
            self._unknown = b""
        speech, first = found
        size = max(1, _same_bytes(speech.audio[first : first + len(joined)], joined))
        self.pieces.append(SoundPiece(speech, first, size, starts_at))
        return joined[size:], starts_at + size / BYTES_PER_SECOND

    def _extend_unknown(self, audio: bytes, starts_at: float) -> None:
        last = self.pieces[-1] if self.pieces else None
        audible = is_audible(audio)
        goes_on = last is not None and last.speech is None and not last.cut and last.audible == audible
        if last is not None and goes_on and abs(last.end_time - starts_at) <= SLACK_SECONDS:
            last.size += len(audio)
        else:
            self.pieces.append(SoundPiece(None, 0, len(audio), starts_at, audible=audible))

    def _shorten_last(self, size: int) -> None:
        last = self.pieces[-1]
        last.size -= size
        if last.size <= 0:
            self.pieces.pop()


def _same_bytes(one: bytes, other: bytes) -> int:
    """How many bytes both have in common at their beginnings."""
    size = min(len(one), len(other))
    if one[:size] == other[:size]:
        return size
    low, high = 0, size  # the first difference lies at `low` or after it, and before `high`
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
