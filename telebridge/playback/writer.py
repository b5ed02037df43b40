"""Cuts the audio of utterances into messages for Twilio, with marks between them, and enters both in the ledger.

Twilio plays in real time from a buffer of minutes, so audio is forwarded as it arrives; no timer paces it. The first
message after silence is sent with the first whole frame, because the caller waits for it. While enough is being played,
chunks are gathered, because many tiny messages cost both sides and sound choppy.

One rule: the bytes that go out are the bytes that came in, in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from telebridge.audio.mulaw import BYTES_PER_MS, FRAME_BYTES
from telebridge.playback.ledger import AudioPiece, PlaybackLedger


class SendAudio(msgspec.Struct, frozen=True, gc=False):
    """Send this payload to Twilio as one `media` message. A struct, because one is made for each chunk."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class SendMark:
    """Send Twilio a `mark` with this name."""

    name: str


@dataclass(frozen=True, slots=True)
class PlaybackOptions:
    """How audio is cut into messages.

    Args:
        message_ms: The length of a message while at least as much has not been played; 20 to 200.
        mark_interval_ms: The most audio of an utterance between two marks.
    """

    message_ms: int = 200
    mark_interval_ms: int = 1000


class AudioQueue:
    """Audio that waits to be sent, in the pieces in which it came.

    A prompt that pauses has minutes of audio before it. As one block it would be copied when it pauses and when it goes
    on, and be kept whole until its last byte is played; of pieces each is dropped once it was heard. A piece is copied
    only where a message does not end with it.

    Attributes:
        size: How many bytes wait.
    """

    __slots__ = ("_at", "_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[AudioPiece] = []
        self._at = 0  # where in the first piece
        self.size = 0

    def append(self, piece: AudioPiece) -> None:
        """Add a piece behind all others."""
        if piece:
            self._pieces.append(piece)
            self.size += len(piece)

    def prepend(self, pieces: Sequence[AudioPiece]) -> None:
        """Put pieces, which are in order, before all others."""
        filled = [piece for piece in pieces if piece]
        if self._at:
            self._pieces[0] = self._pieces[0][self._at :]
            self._at = 0
        self._pieces[:0] = filled
        self.size += sum(map(len, filled))

    def take(self, count: int) -> AudioPiece:
        """Remove and return the first `count` bytes; at least one, and no more than wait.

        Returns:
            A piece as it came, or a view of one; a copy of what does not lie in one piece.
        """
        self.size -= count
        if len(self._pieces[0]) - self._at >= count:
            return self._from_first(count)
        taken: list[AudioPiece] = []
        while count:
            taken.append(self._from_first(min(count, len(self._pieces[0]) - self._at)))
            count -= len(taken[-1])
        return b"".join(taken)

    def clear(self) -> None:
        """Drop all."""
        self._pieces.clear()
        self._at = self.size = 0

    def _from_first(self, count: int) -> AudioPiece:
        first, at = self._pieces[0], self._at
        self._at = end = at + count
        if end < len(first):
            return memoryview(first)[at:end]
        del self._pieces[0]
        self._at = 0
        return memoryview(first)[at:] if at else first


class PlaybackWriter:
    """Writes one utterance after another; each may be paused. Times are `now` in monotonic seconds."""

    __slots__ = (
        "_complete",
        "_gathered",
        "_ledger",
        "_mark_bytes",
        "_message_bytes",
        "_message_ms",
        "_paused",
        "_unmarked",
    )

    def __init__(self, ledger: PlaybackLedger, options: PlaybackOptions) -> None:
        self._ledger = ledger
        self._message_bytes = options.message_ms * BYTES_PER_MS
        self._message_ms = options.message_ms
        self._mark_bytes = options.mark_interval_ms * BYTES_PER_MS
        self._gathered = AudioQueue()
        self._unmarked = 0  # bytes of the utterance sent since its last mark
        self._paused = False
        self._complete = False  # whether the end of the utterance is gathered or sent

    def write(self, utterance: str, data: bytes, now: float) -> list[SendAudio | SendMark]:
        """Add audio that arrived. Returns the messages to send now; the rest is kept for the next call."""
        if self._paused:
            self._gathered.append(data)
            return []
        if len(data) == self._message_bytes and not self._gathered.size:  # as most chunks are
            sent: list[SendAudio | SendMark] = []
            self._send(utterance, data, now, sent)
            return sent
        self._gathered.append(data)
        return self._send_ready(utterance, now)

    def end(self, utterance: str, *, now: float) -> list[SendAudio | SendMark]:
        """The utterance is complete. Returns the rest of it, down to a broken last frame, and its final mark."""
        self._complete = True
        return [] if self._paused else self._send_rest(utterance, now)

    def pause(self, utterance: str, *, now: float) -> float:
        """A clear is sent: take back what was not played, and send nothing until `resume`.

        Returns:
            Where the utterance was cut, in milliseconds of its audio.
        """
        self._gathered.prepend(self._ledger.take_back(now=now))
        self._unmarked = 0
        self._paused = True
        return self._ledger.paused(utterance, now=now)

    def resume(self, utterance: str, rewound: bytes, *, now: float) -> list[SendAudio | SendMark]:
        """The utterance goes on. Returns the messages to send now: `rewound`, which was heard, then what was not."""
        self._paused = False
        self._ledger.resumed(utterance, rewound_bytes=len(rewound))
        self._gathered.prepend([rewound])
        return self._send_rest(utterance, now) if self._complete else self._send_ready(utterance, now)

    def drop(self, *, now: float) -> None:
        """Drop what was gathered, and what was not played: the utterance is over, or a clear is sent."""
        self._ledger.take_back(now=now)
        self._unmarked = 0
        self._ledger.sent.forget(now=now)
        if self._gathered.size:
            self._gathered.clear()
        self._paused = self._complete = False

    def _wanted_bytes(self, now: float) -> int:
        """How many bytes to gather for a message: one frame when there may be a gap otherwise."""
        return self._message_bytes if self._ledger.lead_ms(now=now) >= self._message_ms else FRAME_BYTES

    def _send_ready(self, utterance: str, now: float) -> list[SendAudio | SendMark]:
        """Send what makes messages, and leave the rest."""
        sent: list[SendAudio | SendMark] = []
        gathered = self._gathered
        while gathered.size >= self._message_bytes or gathered.size >= self._wanted_bytes(now):
            size = min(gathered.size - gathered.size % FRAME_BYTES, self._message_bytes)
            self._send(utterance, gathered.take(size), now, sent)
        return sent

    def _send_rest(self, utterance: str, now: float) -> list[SendAudio | SendMark]:
        sent: list[SendAudio | SendMark] = []
        while self._gathered.size:
            audio = self._gathered.take(min(self._gathered.size, self._message_bytes))
            self._send(utterance, audio, now, sent)
        self._unmarked = 0
        sent.append(SendMark(self._ledger.mark_sent(utterance, final=True, now=now)))
        return sent

    def _send(self, utterance: str, audio: AudioPiece, now: float, sent: list[SendAudio | SendMark]) -> None:
        """Append the message with this audio, and the mark that may follow it, to what is sent."""
        self._ledger.audio_sent(utterance, audio, now)
        self._unmarked += len(audio)
        sent.append(SendAudio(bytes(audio)))  # bytes are not copied
        if self._unmarked >= self._mark_bytes:
            self._unmarked = 0
            sent.append(SendMark(self._ledger.mark_sent(utterance, final=False, now=now)))
