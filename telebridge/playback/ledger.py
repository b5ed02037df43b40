"""The ledger of a media stream: how much of each utterance was sent, and how much the caller has heard.

Twilio buffers what is sent and plays it in real time. Marks are the only report of its position: a mark comes back when
the audio before it has been played, or because a `clear` flushed it (Twilio, "WebSocket messages", *mark* and *clear*).
So the ledger has bounds, not one number: *at least* is what a mark proved, *at most* is what the clock allows.

One rule: a mark that was outstanding when a clear went out proves nothing, whenever it returns.
"""

from dataclasses import dataclass

from telebridge.audio.mulaw import BYTES_PER_MS, BYTES_PER_SECOND


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


class PlaybackLedger:
    """Bytes sent, bytes heard (at least, at most) and bytes flushed, for each utterance of one media stream.

    Times are `now` in monotonic seconds. Every method that enters something must be called when it happens.

    Args:
        clear_allowance_ms: How long a clear may take to reach Twilio; audio goes on playing meanwhile.
        mark_grace_seconds: How long after the end of its audio a final mark is overdue.
    """

    def __init__(self, *, clear_allowance_ms: float = 150.0, mark_grace_seconds: float = 5.0) -> None:
        self.clear_allowance_ms = clear_allowance_ms
        self.mark_grace_seconds = mark_grace_seconds
        self._entries: dict[str, _Entry] = {}
        self._marks: dict[str, _Mark] = {}
        self._marks_made = 0
        self._finals = 0  # final marks that are outstanding
        self._sent = 0  # position behind the last byte sent
        self._proven = 0  # position up to which a mark proved that all was heard
        self._played_out_at = 0.0  # when all that was sent has been played, if the network takes no time

    # Sending.

    def audio_sent(self, utterance: str, size: int, *, now: float) -> None:
        """Enter that `size` bytes of `utterance` were sent."""
        entry = self._entry(utterance)
        self._sent += size
        entry.end = self._sent
        self._played_out_at = max(self._played_out_at, now) + size / BYTES_PER_SECOND

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

    def mark_returned(self, name: str) -> str | None:
        """Enter the return of a mark.

        Returns:
            The utterance that has now been heard to its end; None for a mark inside an utterance, one that a clear
            flushed, and one that was never sent.
        """
        mark = self._marks.pop(name, None)
        if mark is None:
            return None
        self._finals -= mark.final
        self._proven = max(self._proven, mark.position)
        if not mark.final:
            return None
        del self._entries[mark.utterance]
        return mark.utterance

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
        return [utterance for name in overdue if (utterance := self.mark_returned(name)) is not None]

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
