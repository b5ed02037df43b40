"""The audio that went to Twilio: what has sounded lately, and what has not yet and could be taken back.

The part that sounded is what may come back as an echo, and where a prompt goes on that was cut inside a word. The part
that has not is what a clear drops at Twilio, and what is sent again when the interruption was none.

One rule: it lies on the time axis on which it sounds; where nothing was sent, there is silence.
"""

from telebridge.audio.mulaw import BYTES_PER_MS, SILENCE_BYTE

KEPT_MS = 1500
_KEPT_BYTES = KEPT_MS * BYTES_PER_MS
_SILENCE = bytes([SILENCE_BYTE])


class SentAudio:
    """Bytes in the order they were sent; those that sounded longer ago than 1.5 s are forgotten.

    Attributes:
        ends_at: When the last byte has sounded.
    """

    def __init__(self) -> None:
        self._audio = bytearray()
        self.ends_at = 0.0

    def add(self, data: bytes, *, now: float) -> None:
        """Enter what is sent."""
        gap = round((now - self.ends_at) * 1000) * BYTES_PER_MS
        if gap > 0:
            self._audio += _SILENCE * min(gap, _KEPT_BYTES)
            self.ends_at = now
        self._audio += data
        self.ends_at += len(data) / BYTES_PER_MS / 1000
        forgettable = self._sounded_bytes(now) - _KEPT_BYTES
        if forgettable > 0:
            del self._audio[:forgettable]

    def take_back(self, count: int, *, now: float) -> bytes:
        """Take out the last `count` bytes, which a clear sent now keeps from sounding."""
        cut = len(self._audio) - count
        unheard = bytes(self._audio[cut:])
        del self._audio[cut:]
        self.ends_at = min(self.ends_at, now)
        return unheard

    def sounded(self, ms: float, *, now: float) -> bytes:
        """The last `ms` that sounded, up to now; silence where nothing did."""
        wanted = int(ms * BYTES_PER_MS)
        silent = min(wanted, max(0, round((now - self.ends_at) * 1000 * BYTES_PER_MS)))
        end = self._sounded_bytes(now)
        heard = bytes(self._audio[max(0, end - (wanted - silent)) : end])
        return (heard + _SILENCE * silent).rjust(wanted, _SILENCE)

    def _sounded_bytes(self, now: float) -> int:
        unheard = max(0.0, self.ends_at - now) * 1000 * BYTES_PER_MS
        return max(0, len(self._audio) - round(unheard))
