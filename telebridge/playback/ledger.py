"""The ledger of a media stream: what was sent, how much of it the caller has heard, and the audio that is not played.

Twilio buffers what is sent and plays it in real time. Marks are the only report of its position: a mark comes back when
the audio before it has been played, or because a `clear` flushed it (Twilio, "WebSocket messages", *mark* and *clear*).
So the ledger has bounds, not one number: *at least* is what a mark proved, *at most* is what the clock allows.

`SentAudio` has the bytes: what was played lately may come back as an echo, and is where a prompt goes on that was cut
inside a word; what was not played is dropped at Twilio by a clear, and sent again when the prompt goes on.

One rule: a mark that was outstanding when a clear went out proves nothing, whenever it returns.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from telebridge.audio.mulaw import BYTES_PER_MS, BYTES_PER_SECOND, SILENCE_BYTE

AudioPiece = bytes | memoryview
"""A piece of audio; it never changes, and may be shared with whoever made or caches it."""

KEPT_MS = 900
"""How much of what was played is kept."""
_FORGET_BYTES = 600 * BYTES_PER_MS  # three whole messages
"""What is old is forgotten each time that so much was sent."""
_KEPT_BYTES = KEPT_MS * BYTES_PER_MS
_SILENCE = bytes([SILENCE_BYTE])


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of an utterance the caller has heard, in milliseconds of its audio.

    Args:
        at_least_ms: What a returned mark proves.
        at_most_ms: Sent, and not more than could have been played by the time a clear sent now arrives.
        estimate_ms: Between the two: what had been played if the network is as slow one way as the other.
    """

    at_least_ms: float
    at_most_ms: float
    estimate_ms: float


NOTHING = Heard(0.0, 0.0, 0.0)


@dataclass(slots=True)
class _Entry:
    """One utterance: where its audio lies among all bytes of the stream.

    After a pause it is where the utterance goes on, `base` bytes into it; `before` was heard until then.
    """

    start: int
    end: int
    complete: bool = False
    base: int = 0
    before: Heard = NOTHING


@dataclass(frozen=True, slots=True)
class _Mark:
    """An outstanding mark: the position it stands at, and when its return is overdue."""

    utterance: str
    position: int
    final: bool
    overdue_at: float


class _Run:
    """Audio that is played without a gap until `ends_at`.

    The pieces are kept as they came, and not copied: a chunk that is a whole message, or a view of a clip, is held by
    whoever makes or caches it too.
    """

    __slots__ = ("_begin", "_end", "_ends", "_pieces", "ends_at")

    def __init__(self, starts_at: float) -> None:
        self.ends_at = starts_at
        self._begin = 0  # position of the first byte that is kept
        self._end = 0
        self._pieces: list[AudioPiece] = []
        self._ends: list[int] = []  # position behind each

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._end - self._begin

    def add(self, piece: AudioPiece) -> bool:
        """Enter what is sent. Returns whether so much was that what is old should be forgotten."""
        size = len(piece)
        before = self._end
        self._end = end = before + size
        self.ends_at += size / BYTES_PER_SECOND
        self._pieces.append(piece)
        self._ends.append(end)
        return before // _FORGET_BYTES != end // _FORGET_BYTES

    def unheard(self, now: float) -> int:
        """How many of its bytes have not been played."""
        return min(self.size, max(0, round((self.ends_at - now) * BYTES_PER_SECOND)))

    def before(self, skipped: int, count: int) -> list[AudioPiece]:
        """The `count` bytes before the last `skipped` ones, or as many as there are, in the pieces that are kept."""
        end = self._end - skipped
        begin = max(self._begin, end - count)
        if begin >= end:
            return []
        first, last = bisect_right(self._ends, begin), bisect_left(self._ends, end)
        starts = (self._ends[index] - len(self._pieces[index]) for index in range(first, last + 1))
        return [
            piece[max(0, begin - at) : end - at]
            for at, piece in zip(starts, self._pieces[first : last + 1], strict=True)
        ]

    def cut(self, count: int, *, now: float) -> None:
        """Drop the last `count` bytes; what is left has been played."""
        self._end -= count
        kept = bisect_left(self._ends, self._end) + (self._end > self._begin)
        del self._pieces[kept:], self._ends[kept:]
        if kept and self._ends[-1] > self._end:
            self._pieces[-1] = self._pieces[-1][: self._end - self._ends[-1]]
            self._ends[-1] = self._end
        self.ends_at = now

    def forget(self, most: int) -> None:
        """Drop pieces from the beginning while at least `most` bytes are left."""
        gone = bisect_right(self._ends, self._end - max(most, 1))
        if gone:
            self._begin = self._ends[gone - 1]
            del self._pieces[:gone], self._ends[:gone]


class SentAudio:
    """Bytes in the order they were sent; what was played more than a second or two ago is dropped.

    They lie on the time axis on which they are played; where nothing was sent, there is silence. Times are `now` in
    monotonic seconds.
    """

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    @property
    def ends_at(self) -> float:
        """When the last byte has been played; 0 when none was sent."""
        return self._runs[-1].ends_at if self._runs else 0.0

    def add(self, data: AudioPiece, now: float) -> None:
        """Enter what is sent. It is kept and not copied: it must not change."""
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

    def take_back(self, count: int, *, now: float) -> list[AudioPiece]:
        """Remove and return the last `count` bytes, which are not played because a clear is sent now."""
        if not count:
            return []
        unheard = self._runs[-1].before(0, count)
        self._runs[-1].cut(count, now=now)
        return unheard

    def tail(self, count: int) -> bytes:
        """The last `count` bytes, or as many as are kept, without the silences between them."""
        runs: list[bytes] = []
        for run in reversed(self._runs):
            runs.append(b"".join(run.before(0, count)))
            count -= len(runs[-1])
        return b"".join(reversed(runs))

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
            heard = b"".join(run.before(unheard, wanted - silent))
            pieces += [_SILENCE * silent, heard]
            wanted -= silent + len(heard)
            until = min(run.ends_at, now) - (run.size - unheard) / BYTES_PER_SECOND
        pieces.append(_SILENCE * max(0, wanted))
        return b"".join(reversed(pieces))


class PlaybackLedger:
    """Bytes sent, bytes heard (at least, at most) and bytes flushed, for each utterance of one media stream.

    Times are `now` in monotonic seconds. Every method that enters something must be called when it happens.

    Attributes:
        sent: The audio that was sent lately, of whichever utterance.

    Args:
        clear_allowance_ms: How long a clear may take to reach Twilio; audio goes on playing meanwhile.
        mark_grace_seconds: How long after the end of its audio a final mark is overdue.
    """

    def __init__(self, *, clear_allowance_ms: float = 150.0, mark_grace_seconds: float = 5.0) -> None:
        self.clear_allowance_ms = clear_allowance_ms
        self.mark_grace_seconds = mark_grace_seconds
        self.sent = SentAudio()
        self._entries: dict[str, _Entry] = {}
        self._marks: dict[str, _Mark] = {}
        self._marks_made = 0
        self._finals = 0  # final marks that are outstanding
        self._sent = 0  # position behind the last byte sent
        self._proven = 0  # position up to which a mark proved that all was heard
        self._played_out_at = 0.0  # when all that was sent has been played, if the network takes no time

    # Sending.

    def audio_sent(self, utterance: str, data: AudioPiece, now: float) -> None:
        """Enter that the next bytes of `utterance` were sent. They are kept and not copied: they must not change."""
        entry = self._entries.get(utterance) or self._entry(utterance)
        size = len(data)
        self._sent += size
        entry.end = self._sent
        self._played_out_at = max(self._played_out_at, now) + size / BYTES_PER_SECOND
        self.sent.add(data, now)

    def mark_sent(self, utterance: str, *, final: bool, now: float) -> str:
        """Enter a mark after what was sent.

        A final mark closes the utterance: when it returns, all of it has been heard.

        Returns:
            The name to send it by, unique in the stream.
        """
        entry = self._entry(utterance)
        self._marks_made += 1
        name = f"{utterance}-{self._marks_made}"
        overdue_at = max(self._played_out_at, now) + self.mark_grace_seconds
        self._marks[name] = _Mark(utterance, self._sent, final, overdue_at)
        self._finals += final
        entry.complete = entry.complete or final
        return name

    # Hearing.

    def mark_returned(self, name: str, *, now: float) -> str | None:
        """Enter the return of a mark.

        What was played is forgotten here, too: a speech service sends faster than audio plays, so that most of a prompt
        is played after the last of it was sent.

        Returns:
            The utterance that has now been heard to its end; None for a mark inside an utterance, one that a clear
            flushed, and one that was never sent.
        """
        self.sent.forget(now=now)
        mark = self._marks.pop(name, None)
        if mark is None:
            return None
        self._finals -= mark.final
        self._proven = max(self._proven, mark.position)
        if not mark.final:
            return None
        del self._entries[mark.utterance]
        return mark.utterance

    def take_back(self, *, now: float) -> list[AudioPiece]:
        """Remove and return the audio that is not played because a clear is sent now; `paused` or `cleared` follows."""
        return self.sent.take_back(self.unheard_bytes(now=now), now=now)

    def paused(self, utterance: str, *, now: float) -> float:
        """Enter that a clear is sent, and that the utterance may go on later.

        Returns:
            Where it was cut, in milliseconds of its audio; less than what was heard when it was cut again in a part
            that is spoken for the second time.
        """
        heard = self.heard(utterance, now=now)
        entry = self._entry(utterance)
        cut = entry.base + entry.end - entry.start - min(self.unheard_bytes(now=now), entry.end - entry.start)
        self.cleared()
        self._entries[utterance] = _Entry(self._sent, self._sent, base=cut, before=heard)
        return cut / BYTES_PER_MS

    def resumed(self, utterance: str, *, rewound_bytes: int) -> None:
        """Enter that a paused utterance goes on, so many bytes before it was cut."""
        self._entries[utterance].base -= rewound_bytes

    def cleared(self) -> None:
        """Enter that a clear is sent, or that the stream is lost: nothing sent before it can be proven any more.

        Call `heard` first: what was sent is forgotten here.
        """
        self._marks.clear()
        self._finals = 0
        self._entries.clear()
        self._proven = self._sent
        self._played_out_at = 0.0

    def heard(self, utterance: str, *, now: float) -> Heard:
        """How much of an utterance has been heard if a clear is sent now; `NOTHING` for an unknown utterance."""
        entry = self._entries.get(utterance)
        if entry is None:
            return NOTHING
        proven = self._within(entry, self._proven)
        played = max(proven, self._within(entry, self._position_at(now)))
        latest = max(proven, self._within(entry, self._position_at(now + self.clear_allowance_ms / 1000)))
        return Heard(
            at_least_ms=_reached(entry, proven, entry.before.at_least_ms),
            at_most_ms=_reached(entry, latest, entry.before.at_most_ms),
            estimate_ms=_reached(entry, played, entry.before.estimate_ms),
        )

    def lead_ms(self, *, now: float) -> float:
        """How many milliseconds of audio have not been played: for so long nothing need be sent without a gap."""
        return max(0.0, self._played_out_at - now) * 1000

    def unheard_bytes(self, *, now: float) -> int:
        """How many bytes of what was sent are not played if a clear is sent now."""
        return self._sent - max(self._proven, self._position_at(now))

    # Time.

    def next_deadline(self) -> float | None:
        """When to call `handle_timeout`: when the first final mark is overdue; None when none is outstanding."""
        if self._finals == 0:  # while an utterance is being sent, the most frequent case
            return None
        return min(mark.overdue_at for mark in self._marks.values() if mark.final)

    def handle_timeout(self, *, now: float) -> list[str]:
        """Give up final marks that are overdue.

        Returns:
            The utterances that count as heard although no mark proved it, in the order they were sent.
        """
        overdue = [name for name, mark in self._marks.items() if mark.final and mark.overdue_at <= now]
        return [utterance for name in overdue if (utterance := self.mark_returned(name, now=now)) is not None]

    # Inside.

    def _entry(self, utterance: str) -> _Entry:
        entry = self._entries.get(utterance)
        if entry is None:
            entry = self._entries[utterance] = _Entry(start=self._sent, end=self._sent)
        return entry

    def _position_at(self, instant: float) -> int:
        unplayed = max(0.0, self._played_out_at - instant) * BYTES_PER_SECOND
        return self._sent - round(unplayed)

    @staticmethod
    def _within(entry: _Entry, position: int) -> int:
        return min(max(position, entry.start), entry.end) - entry.start


def _reached(entry: _Entry, count: int, before_ms: float) -> float:
    """The milliseconds of the utterance that are heard with `count` bytes after it began, or went on."""
    return max(before_ms, (entry.base + count) / BYTES_PER_MS) if count else before_ms
