"""Speech audio into messages for Twilio: re-cut to whole frames, gathered, marked, and entered in the ledger.

Twilio plays in real time from a buffer of minutes, so everything is forwarded as it arrives; no timer paces it. The
first message of a silence goes out with its first whole frame, because the caller waits for it. While enough is
playing, chunks are gathered, because many tiny messages cost both sides and sound choppy.

One rule: the bytes that go out are the bytes that came in, in order; only a cut between messages is ours.
"""

from dataclasses import dataclass

from telebridge.audio.frames import FRAME_BYTES
from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.playback.ledger import PlaybackLedger


@dataclass(frozen=True, slots=True)
class SendAudio:
    """Send this payload to Twilio as one `media` message."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class SendMark:
    """Send Twilio a `mark` with this name."""

    name: str


@dataclass(frozen=True, slots=True)
class PlaybackOptions:
    """How audio is cut into messages.

    Args:
        message_ms: What a message is gathered to while at least as much is still playing; 20 to 200.
        mark_interval_ms: How much audio of an utterance may pass without a mark.
    """

    message_ms: int = 200
    mark_interval_ms: int = 1000


class PlaybackWriter:
    """Cuts the audio of one utterance after another into messages and marks."""

    def __init__(self, ledger: PlaybackLedger, options: PlaybackOptions) -> None:
        self._ledger = ledger
        self._message_bytes = options.message_ms * BYTES_PER_MS
        self._message_ms = options.message_ms
        self._mark_bytes = options.mark_interval_ms * BYTES_PER_MS
        self._gathered = bytearray()
        self._unmarked = 0  # bytes of the utterance sent since its last mark

    def write(self, utterance: str, data: bytes, *, now: float) -> list[SendAudio | SendMark]:
        """What to send now that `data` arrived; what is not sent yet is kept for the next call."""
        self._gathered += data
        sent: list[SendAudio | SendMark] = []
        while len(self._gathered) >= self._wanted_bytes(now):
            whole = len(self._gathered) - len(self._gathered) % FRAME_BYTES
            sent += self._send(utterance, min(whole, self._message_bytes), now)
        return sent

    def end(self, utterance: str, *, now: float) -> list[SendAudio | SendMark]:
        """What is left of the utterance, down to a broken last frame, and its final mark."""
        sent: list[SendAudio | SendMark] = []
        while self._gathered:
            sent += self._send(utterance, min(len(self._gathered), self._message_bytes), now)
        self._unmarked = 0
        sent.append(SendMark(self._ledger.mark_sent(utterance, final=True, now=now)))
        return sent

    def drop(self) -> None:
        """Forget what was gathered: the utterance was interrupted."""
        self._gathered.clear()
        self._unmarked = 0

    def _wanted_bytes(self, now: float) -> int:
        """How much must be gathered before it is worth a message: a frame when the line may fall silent."""
        return self._message_bytes if self._ledger.lead_ms(now=now) >= self._message_ms else FRAME_BYTES

    def _send(self, utterance: str, size: int, now: float) -> list[SendAudio | SendMark]:
        payload = bytes(self._gathered[:size])
        del self._gathered[:size]
        self._ledger.audio_sent(utterance, size, now=now)
        self._unmarked += size
        if self._unmarked < self._mark_bytes:
            return [SendAudio(payload)]
        self._unmarked = 0
        return [SendAudio(payload), SendMark(self._ledger.mark_sent(utterance, final=False, now=now))]
