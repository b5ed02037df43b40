"""Announcements: what is said outside the flow, one after another, and what waits for the end of the current one.

One rule: each announcement has one `ReportAnnouncement`, whatever becomes of the call.
"""

from collections import deque
from dataclasses import dataclass

from telebridge.call.record import SpokenUtterance
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.effects import CallEffect, ReportAnnouncement
from telebridge.call.session.events import WordsHeard
from telebridge.errors import LocalProtocolError, TelebridgeError
from telebridge.flows.steps import DialogueStep, Play, Say


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something to be said or played outside the flow, once nothing else is.

    Args:
        number: Identifies it in `ReportAnnouncement`; unique in its call.
        step: What is said or played.
    """

    number: int
    step: Say | Play


class AnnouncementQueue:
    """The queue of announcements of one call.

    Attributes:
        held: The step of the flow that waits for the end of an announcement.
        late_keys: Keys pressed during an announcement that does not yield to them.
        late_words: Words heard during an announcement.
    """

    __slots__ = ("_current", "_duplex", "_waiting", "held", "late_keys", "late_words")

    def __init__(self, duplex: FullDuplex) -> None:
        self._duplex = duplex
        self._waiting: deque[Announcement] = deque()
        self._current: int | None = None
        self.held: DialogueStep | None = None
        self.late_keys = ""
        self.late_words: list[WordsHeard] = []

    @property
    def in_progress(self) -> bool:
        """Whether what is being said is an announcement."""
        return self._current is not None

    @property
    def pending(self) -> bool:
        """Whether an announcement is being said, or waits to be."""
        return self._current is not None or bool(self._waiting)

    def announce(self, announcement: Announcement, *, now: float) -> list[CallEffect]:
        """Say or play something, once nothing else is being said or recorded."""
        self._waiting.append(announcement)
        return self.begin_next(now=now)

    def begin_next(self, *, now: float) -> list[CallEffect]:
        """Say the next that waits, unless something else is being said or recorded; a blank one is over at once."""
        reports: list[CallEffect] = []
        while self._waiting and self._current is None and self._duplex.idle:
            announcement = self._waiting.popleft()
            if isinstance(announcement.step, Say) and announcement.step.is_blank:
                reports.append(ReportAnnouncement(announcement.number, SpokenUtterance("", 0.0, None, ended_at=now)))
                continue
            self._current = announcement.number
            return [*reports, *self._begin(announcement.step, now)]
        return reports

    def _begin(self, step: Say | Play, now: float) -> list[CallEffect]:
        if isinstance(step, Play):
            return self._duplex.play(step, now=now)
        return self._duplex.say(step, now=now)

    def finish(self, outcome: SpokenUtterance | TelebridgeError) -> ReportAnnouncement:
        """Finish the one in progress.

        Raises:
            LocalProtocolError: None is in progress.
        """
        number, self._current = self._current, None
        if number is None:
            raise LocalProtocolError("no announcement is in progress")
        return ReportAnnouncement(number, outcome)

    def cancel_waiting(self, reason: TelebridgeError) -> list[CallEffect]:
        """Cancel those that wait; the one in progress is not among them."""
        unsaid = [ReportAnnouncement(announcement.number, reason) for announcement in self._waiting]
        self._waiting.clear()
        return [*unsaid]

    def pop_held(self) -> DialogueStep | None:
        """Return the step that waited, which may now begin, and forget it; None when there is none."""
        step, self.held = self.held, None
        return step

    def pop_late_keys(self) -> str:
        """Return the keys that waited, in the order they were pressed, and forget them."""
        keys, self.late_keys = self.late_keys, ""
        return keys

    def pop_late_words(self) -> list[WordsHeard]:
        """Return the words that waited, in the order they were heard, and forget them."""
        words, self.late_words = self.late_words, []
        return words
