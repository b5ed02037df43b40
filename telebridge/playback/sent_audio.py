"""The audio that was sent to Twilio: the part that was played lately, and the part that was not yet.

What was played may come back as an echo, and is where a prompt goes on that was cut inside a word. What was not played
is dropped at Twilio by a clear (Twilio, "WebSocket messages", *clear*), and sent again when the prompt goes on.

One rule: audio lies on the time axis on which it is played; where nothing was sent, there is silence.
"""

from telebridge.audio.mulaw import BYTES_PER_MS, BYTES_PER_SECOND, SILENCE_BYTE

KEPT_MS = 900
"""How much of what was played is kept."""
_BLOCK_BYTES = 600 * BYTES_PER_MS  # three whole messages
_KEPT_BYTES = KEPT_MS * BYTES_PER_MS
_SILENCE = bytes([SILENCE_BYTE])


class _Run:
    """Audio that is played without a gap until `ends_at`.

    It is stored in blocks of one size, so that what one call frees fits the next. The pieces it came in would share the
    heap with short-lived messages a third longer, and leave holes between those: a third more memory.
    """

    __slots__ = ("_blocks", "ends_at", "size")

    def __init__(self, starts_at: float) -> None:
        self.ends_at = starts_at
        self.size = 0
        self._blocks: list[bytearray] = []  # a deque takes more memory than these few ever do

    def add(self, piece: bytes) -> bool:
        """Enter what is sent. Returns whether it took another block."""
        self.ends_at += len(piece) / BYTES_PER_SECOND
        used = self.size % _BLOCK_BYTES
        if used and used + len(piece) <= _BLOCK_BYTES:  # two of three pieces do
            self._blocks[-1][used : used + len(piece)] = piece
            self.size += len(piece)
            return False
        rest = memoryview(piece)
        blocks = len(self._blocks)
        while rest:
            used = self.size % _BLOCK_BYTES
            if not used:
                self._blocks.append(bytearray(_BLOCK_BYTES))
            fits = rest[: _BLOCK_BYTES - used]
            self._blocks[-1][used : used + len(fits)] = fits
            self.size += len(fits)
            rest = rest[len(fits) :]
        return len(self._blocks) > blocks

    def unheard(self, now: float) -> int:
        """How many of its bytes have not been played."""
        return min(self.size, max(0, round((self.ends_at - now) * BYTES_PER_SECOND)))

    def before(self, skipped: int, count: int) -> bytes:
        """The `count` bytes before the last `skipped` ones, or as many as there are."""
        end = self.size - skipped
        begin = max(0, end - count)
        first = begin // _BLOCK_BYTES
        return b"".join(
            block[max(0, begin - at) : max(0, end - at)]
            for at, block in zip(range(first * _BLOCK_BYTES, end, _BLOCK_BYTES), self._blocks[first:], strict=False)
        )

    def cut(self, count: int, *, now: float) -> None:
        """Drop the last `count` bytes; what is left has been played."""
        self.size -= count
        while (len(self._blocks) - 1) * _BLOCK_BYTES >= self.size and self._blocks:
            self._blocks.pop()
        self.ends_at = now

    def forget(self, most: int) -> None:
        """Drop blocks from the beginning while more than `most` bytes are left."""
        while self.size - _BLOCK_BYTES >= max(most, 1):
            del self._blocks[0]
            self.size -= _BLOCK_BYTES


class SentAudio:
    """Bytes in the order they were sent; what was played more than a second or two ago is dropped.

    Times are `now` in monotonic seconds.
    """

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    @property
    def ends_at(self) -> float:
        """When the last byte has been played; 0 when none was sent."""
        return self._runs[-1].ends_at if self._runs else 0.0

    def add(self, data: bytes, *, now: float) -> None:
        """Enter what is sent."""
        if not self._runs or self._runs[-1].ends_at < now:
            self._runs.append(_Run(now))
        if self._runs[-1].add(data):
            self.forget(now=now)

    def forget(self, *, now: float) -> None:
        """Drop what was played more than `KEPT_MS` ago."""
        while self._runs and self._runs[0].ends_at < now - KEPT_MS / 1000:
            del self._runs[0]
        if self._runs:
            self._runs[0].forget(self._runs[0].unheard(now) + _KEPT_BYTES)

    def take_back(self, count: int, *, now: float) -> bytes:
        """Remove and return the last `count` bytes, which are not played because a clear is sent now."""
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
        """The last `ms` that were played, up to now; silence where nothing was."""
        wanted = int(ms * BYTES_PER_MS)
        pieces: list[bytes] = []
        until = now
        for run in reversed(self._runs):
            if wanted <= 0:
                break
            silent = min(wanted, max(0, round((until - run.ends_at) * BYTES_PER_SECOND)))
            unheard = run.unheard(now)
            heard = run.before(unheard, wanted - silent)
            pieces += [_SILENCE * silent, heard]
            wanted -= silent + len(heard)
            until = min(run.ends_at, now) - (run.size - unheard) / BYTES_PER_SECOND
        pieces.append(_SILENCE * max(0, wanted))
        return b"".join(reversed(pieces))
