"""The audio that went to Twilio: what has sounded lately, and what has not yet and could be taken back.

The part that sounded is what may come back as an echo, and where a prompt goes on that was cut inside a word. The part
that has not is what a clear drops at Twilio, and what is sent again when the interruption was none.

One rule: it lies on the time axis on which it sounds; where nothing was sent, there is silence.
"""

from collections import deque

from telebridge.audio.mulaw import BYTES_PER_MS, SILENCE_BYTE

KEPT_MS = 1200
_BYTES_PER_SECOND = BYTES_PER_MS * 1000
_KEPT_BYTES = KEPT_MS * BYTES_PER_MS
_SILENCE = bytes([SILENCE_BYTE])


class _Run:
    """Audio that sounds without a gap until `ends_at`, in the pieces it was sent in, so that each is freed alone."""

    __slots__ = ("_pieces", "ends_at", "size")

    def __init__(self, starts_at: float) -> None:
        self.ends_at = starts_at
        self.size = 0
        self._pieces: deque[bytes] = deque()

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.size += len(piece)
        self.ends_at += len(piece) / _BYTES_PER_SECOND

    def unheard(self, now: float) -> int:
        """How many of its bytes have not sounded."""
        return min(self.size, max(0, round((self.ends_at - now) * _BYTES_PER_SECOND)))

    def before(self, skipped: int, count: int) -> bytes:
        """At most `count` bytes, those before the last `skipped`."""
        found: list[bytes] = []
        for piece in reversed(self._pieces):
            if count <= 0:
                break
            end = len(piece) - skipped
            if end > 0:
                found.append(piece[max(0, end - count) : end])
                count -= len(found[-1])
            skipped = max(0, skipped - len(piece))
        return b"".join(reversed(found))

    def cut(self, count: int, *, now: float) -> None:
        """Drop the last `count` bytes; what is left has sounded."""
        self.size -= count
        while count > 0:
            piece = self._pieces.pop()
            if len(piece) > count:
                self._pieces.append(piece[: len(piece) - count])
            count -= len(piece)
        self.ends_at = now

    def forget(self, most: int) -> None:
        """Drop pieces from the beginning while more than `most` bytes are left."""
        while self._pieces and self.size - len(self._pieces[0]) >= most:
            self.size -= len(self._pieces.popleft())


class SentAudio:
    """Bytes in the order they were sent; those that sounded longer ago than a second or two are forgotten."""

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque()

    @property
    def ends_at(self) -> float:
        """When the last byte has sounded; 0 when none was sent."""
        return self._runs[-1].ends_at if self._runs else 0.0

    def add(self, data: bytes, *, now: float) -> None:
        """Enter what is sent."""
        if not self._runs or self._runs[-1].ends_at < now:
            self._runs.append(_Run(now))
        self._runs[-1].add(data)
        self.forget(now=now)

    def forget(self, *, now: float) -> None:
        """Drop what sounded too long ago to be asked for."""
        while self._runs and self._runs[0].ends_at < now - KEPT_MS / 1000:
            self._runs.popleft()
        if self._runs:
            self._runs[0].forget(self._runs[0].unheard(now) + _KEPT_BYTES)

    def take_back(self, count: int, *, now: float) -> bytes:
        """Take out the last `count` bytes, which a clear sent now keeps from sounding."""
        if not count:
            return b""
        unheard = self._runs[-1].before(0, count)
        self._runs[-1].cut(count, now=now)
        return unheard

    def tail(self, count: int) -> bytes:
        """The last `count` bytes, or as many as are kept, without the silences between them."""
        pieces: list[bytes] = []
        for run in reversed(self._runs):
            pieces.append(run.before(0, count))
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
            unheard = run.unheard(now)
            heard = run.before(unheard, wanted - silent)
            pieces += [_SILENCE * silent, heard]
            wanted -= silent + len(heard)
            until = min(run.ends_at, now) - (run.size - unheard) / _BYTES_PER_SECOND
        pieces.append(_SILENCE * max(0, wanted))
        return b"".join(reversed(pieces))
