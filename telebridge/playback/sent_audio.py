"""The audio that went to Twilio: what has sounded lately, and what has not yet and could be taken back.

The part that sounded is what may come back as an echo, and where a prompt goes on that was cut inside a word. The part
that has not is what a clear drops at Twilio, and what is sent again when the interruption was none.

One rule: it lies on the time axis on which it sounds; where nothing was sent, there is silence.
"""

from collections import deque
from dataclasses import dataclass

from telebridge.audio.mulaw import BYTES_PER_MS, SILENCE_BYTE

KEPT_MS = 1500
_BYTES_PER_SECOND = BYTES_PER_MS * 1000
_KEPT_BYTES = KEPT_MS * BYTES_PER_MS
_SILENCE = bytes([SILENCE_BYTE])


@dataclass(slots=True)
class _Run:
    """Audio that sounds without a gap, until `ends_at`."""

    audio: bytearray
    ends_at: float

    def sounded(self, now: float) -> int:
        """How many of its bytes have sounded."""
        return len(self.audio) - min(len(self.audio), max(0, round((self.ends_at - now) * _BYTES_PER_SECOND)))


class SentAudio:
    """Bytes in the order they were sent; those that sounded longer ago than some seconds are forgotten."""

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque()

    @property
    def ends_at(self) -> float:
        """When the last byte has sounded; 0 when none was sent."""
        return self._runs[-1].ends_at if self._runs else 0.0

    def add(self, data: bytes, *, now: float) -> None:
        """Enter what is sent."""
        if not self._runs or self._runs[-1].ends_at < now:
            self._runs.append(_Run(bytearray(), now))
        last = self._runs[-1]
        last.audio += data
        last.ends_at += len(data) / _BYTES_PER_SECOND
        self.forget(now=now)

    def forget(self, *, now: float) -> None:
        """Drop what sounded too long ago to be asked for."""
        while self._runs and self._runs[0].ends_at < now - KEPT_MS / 1000:
            self._runs.popleft()
        if self._runs and (forgettable := self._runs[0].sounded(now) - 2 * _KEPT_BYTES) > 0:
            del self._runs[0].audio[:forgettable]

    def take_back(self, count: int, *, now: float) -> bytes:
        """Take out the last `count` bytes, which a clear sent now keeps from sounding."""
        if not count:
            return b""
        last = self._runs[-1]
        cut = len(last.audio) - count
        unheard = bytes(last.audio[cut:])
        del last.audio[cut:]
        last.ends_at = now
        return unheard

    def tail(self, count: int) -> bytes:
        """The last `count` bytes, or as many as are kept, without the silences between them."""
        pieces: list[bytes] = []
        for run in reversed(self._runs):
            if count <= 0:
                break
            pieces.append(bytes(run.audio[-count:]))
            count -= len(pieces[-1])
        return b"".join(reversed(pieces))

    def sounded(self, ms: float, *, now: float) -> bytes:
        """The last `ms` that sounded, up to now; silence where nothing did."""
        wanted = int(ms * BYTES_PER_MS)
        pieces: list[bytes] = []
        until = now
        for run in reversed(self._runs):
            if wanted <= 0:
                break
            silent = min(wanted, max(0, round((until - run.ends_at) * _BYTES_PER_SECOND)))
            end = run.sounded(now)
            heard = bytes(run.audio[max(0, end - (wanted - silent)) : end])
            pieces += [_SILENCE * silent, heard]
            wanted -= silent + len(heard)
            until = min(run.ends_at, now) - end / _BYTES_PER_SECOND
        pieces.append(_SILENCE * max(0, wanted))
        return b"".join(reversed(pieces))
