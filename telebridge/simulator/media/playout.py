"""Twilio's playback buffer of a bidirectional stream: it queues audio, plays 8000 bytes a second, and returns marks.

Follows Twilio's WebSocket messages, "Send a media / mark / clear message", and the ten-minute limit of warning 31931.

One rule: this class decides what a caller heard; positions are whole samples (one byte each), never seconds.
"""

from collections import deque
from dataclasses import dataclass
from math import floor
from typing import Protocol

# The playout is the independent reference for the bridge's ledger, so it shares no constant with the product's audio.
SAMPLES_PER_SECOND = 8000
CAPACITY_BYTES = 4_800_000
LONGEST_UNDERRUN_SECONDS = 1.0

# A thousandth of a sample (125 ns): more than a float of monotonic seconds loses, less than anything that is heard.
_SLACK_SAMPLES = 1e-3


@dataclass(frozen=True, slots=True)
class HeardAudio:
    """Audio that the caller heard without a gap, and when its first sample sounded (monotonic seconds)."""

    start_time: float
    audio: bytes

    @property
    def end_time(self) -> float:
        """When the last sample had sounded."""
        return self.start_time + len(self.audio) / SAMPLES_PER_SECOND


@dataclass(frozen=True, slots=True)
class Underrun:
    """The buffer ran dry and audio followed soon after: a listener hears a gap."""

    start_time: float
    seconds: float


@dataclass(slots=True)
class _Run:
    """Audio played back to back; its first sample is number `first` of all samples that were ever to be played."""

    start_time: float
    first: int
    audio: bytearray

    @property
    def end(self) -> int:
        return self.first + len(self.audio)

    def reached(self, now: float) -> int:
        """Return the number of the sample that sounds at `now`, at most `end`."""
        elapsed = floor((now - self.start_time) * SAMPLES_PER_SECOND + _SLACK_SAMPLES)
        return self.first + min(max(elapsed, 0), len(self.audio))

    def time_of(self, sample: int) -> float:
        return self.start_time + (sample - self.first) / SAMPLES_PER_SECOND


class PlayoutObserver(Protocol):
    """Is informed about what a buffer will play, so that nobody has to look again and again."""

    def queued(self, audio: bytes, *, starts_at: float) -> None:
        """Audio was queued; its first sample sounds at `starts_at` (monotonic seconds) unless a clear comes first."""
        ...

    def cleared(self, *, ends_at: float) -> None:
        """What would have sounded after `ends_at` was dropped."""
        ...


class PlayoutBuffer:
    """Plays queued audio in order and without gaps, and starts at once when idle.

    Marks come back when everything queued before them has sounded, or when a clear drops it; a name comes back as
    often as it was queued. Time must not run backwards between calls.

    Attributes:
        observer: Is informed about what is queued and dropped; None for nobody.
    """

    def __init__(self, *, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self.capacity_bytes = capacity_bytes
        self.discarded_bytes = 0
        self.underruns: list[Underrun] = []
        self.observer: PlayoutObserver | None = None
        self._runs: list[_Run] = []
        self._marks: deque[tuple[int, float, str]] = deque()  # sample after which, when that is, name
        self._cleared = False  # a clear came since, so a gap is meant

    def queue_audio(self, payload: bytes, *, now: float) -> int:
        """Append audio; returns how many of its bytes were queued; the rest did not fit and is discarded."""
        taken = payload[: self.capacity_bytes - self.queued_bytes(now=now)]
        self.discarded_bytes += len(payload) - len(taken)
        if taken:
            run = self._run_at(now)
            run.audio.extend(taken)
            if self.observer is not None:
                self.observer.queued(taken, starts_at=run.time_of(run.end - len(taken)))
        return len(taken)

    def queue_mark(self, name: str, *, now: float) -> list[str]:
        """Append a mark; returns the names that come back at once: its own and any overdue, when nothing is queued."""
        if self._runs:
            run = self._runs[-1]
            self._marks.append((run.end, run.time_of(run.end), name))
        else:
            self._marks.append((0, now, name))
        return self.handle_timeout(now=now)

    def clear(self, *, now: float) -> list[str]:
        """Drop the audio that was not heard; returns the names of all waiting marks, in their order."""
        if self._runs:
            run = self._runs[-1]
            unheard = run.end - run.reached(now)
            del run.audio[len(run.audio) - unheard :]
            self._cleared = True
            if unheard and self.observer is not None:
                self.observer.cleared(ends_at=run.time_of(run.end))
        names = [name for _, _, name in self._marks]
        self._marks.clear()
        return names

    def waiting_marks(self) -> list[tuple[float, str]]:
        """Return the marks that wait for their audio, each with when that will have been heard."""
        return [(at, name) for _, at, name in self._marks]

    def next_deadline(self) -> float | None:
        """Return when the next mark is due, or None."""
        return self._marks[0][1] if self._marks else None

    def handle_timeout(self, *, now: float) -> list[str]:
        """Return the marks whose audio was heard by now."""
        reached = self.heard_bytes(now=now)
        names = []
        while self._marks and self._marks[0][0] <= reached:
            names.append(self._marks.popleft()[2])
        return names

    def queued_bytes(self, *, now: float) -> int:
        """Return how many bytes are queued."""
        return self._runs[-1].end - self._runs[-1].reached(now) if self._runs else 0

    def ends_at(self) -> float | None:
        """Return when the last queued sample ends, or ended; None when nothing was ever queued."""
        return self._runs[-1].time_of(self._runs[-1].end) if self._runs else None

    def heard_bytes(self, *, now: float) -> int:
        """Return how many bytes were heard so far."""
        return self._runs[-1].reached(now) if self._runs else 0

    def heard(self, *, now: float) -> list[HeardAudio]:
        """Return everything that was heard so far, as pieces without a gap."""
        heard = [HeardAudio(run.start_time, bytes(run.audio[: run.reached(now) - run.first])) for run in self._runs]
        return [stretch for stretch in heard if stretch.audio]

    def heard_between(self, start: float, end: float) -> bytes:
        """Return the audio heard from `start` to `end`, without silences; `end` must not lie in the future."""
        pieces = []
        for run in reversed(self._runs):
            if run.time_of(run.end) <= start:
                break
            pieces.append(bytes(run.audio[run.reached(start) - run.first : run.reached(end) - run.first]))
        return b"".join(reversed(pieces))

    def _run_at(self, now: float) -> _Run:
        """Return the run that continues at `now`, or a new one when the last has ended."""
        if not self._runs:
            self._runs.append(_Run(now, 0, bytearray()))
            return self._runs[-1]
        last = self._runs[-1]
        gap = now - last.time_of(last.end)
        if not self._cleared and floor(gap * SAMPLES_PER_SECOND + _SLACK_SAMPLES) <= 0:
            return last
        if not self._cleared and gap <= LONGEST_UNDERRUN_SECONDS:
            self.underruns.append(Underrun(last.time_of(last.end), gap))
        self._cleared = False
        self._runs.append(_Run(now, last.end, bytearray()))
        return self._runs[-1]
