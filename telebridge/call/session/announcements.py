"""What is said beside the flow: announcements, one after another, and what waits for the end of the one being heard.

One rule: whoever announced something is told how it went, once, whatever becomes of the call.
"""

from collections import deque

from telebridge.call.record import SpokenUtterance
from telebridge.call.session.effects import Effect, ReportAnnouncement
from telebridge.call.session.events import AnnouncementAsked
from telebridge.call.session.full_duplex import Duplex
from telebridge.errors import LocalProtocolError, TelebridgeError
from telebridge.flows.steps import DialogueStep, Play, Say


class Announcements:
    """The announcements of one call.

    Attributes:
        held: A step of the flow that waits for the end of an announcement.
        late_keys: Keys pressed during an announcement that does not yield to them.
    """

    __slots__ = ("_current", "_duplex", "_waiting", "held", "late_keys")

    def __init__(self, duplex: Duplex) -> None:
        self._duplex = duplex
        self._waiting: deque[AnnouncementAsked] = deque()
        self._current: int | None = None
        self.held: DialogueStep | None = None
        self.late_keys = ""

    @property
    def in_progress(self) -> bool:
        """Whether what is being said is an announcement."""
        return self._current is not None

    def announce(self, asked: AnnouncementAsked, *, now: float) -> list[Effect]:
        """Say or play something, once nothing else is being said or recorded."""
        self._waiting.append(asked)
        return self.begin_next(now=now)

    def begin_next(self, *, now: float) -> list[Effect]:
        """Say the next that waits, unless something else is being said or recorded; a blank one is over at once."""
        reports: list[Effect] = []
        while self._waiting and self._current is None and self._duplex.idle:
            asked = self._waiting.popleft()
            if isinstance(asked.step, Say) and asked.step.is_blank:
                reports.append(ReportAnnouncement(asked.number, SpokenUtterance("", 0.0, None, ended_at=now)))
                continue
            self._current = asked.number
            return [*reports, *self._begin(asked.step, now)]
        return reports

    def _begin(self, step: Say | Play, now: float) -> list[Effect]:
        if isinstance(step, Play):
            return self._duplex.speaking.play(step, now=now)
        return self._duplex.say(step, now=now)

    def over(self, outcome: SpokenUtterance | TelebridgeError) -> ReportAnnouncement:
        """The one in progress is over.

        Raises:
            LocalProtocolError: None is in progress.
        """
        number, self._current = self._current, None
        if number is None:
            raise LocalProtocolError("no announcement is in progress")
        return ReportAnnouncement(number, outcome)

    def refuse(self, reason: TelebridgeError) -> list[Effect]:
        """None of those that wait will be said any more."""
        unsaid = [ReportAnnouncement(asked.number, reason) for asked in self._waiting]
        self._waiting.clear()
        return [*unsaid]

    def take_held(self) -> DialogueStep | None:
        """The step that waited, which may now begin; None when there is none."""
        step, self.held = self.held, None
        return step

    def take_late_keys(self) -> str:
        """The keys that waited, in the order they were pressed."""
        keys, self.late_keys = self.late_keys, ""
        return keys
