"""The announcements of a call whose outcome somebody may await.

One rule: every future is completed once, whatever becomes of the call; nobody has to await it.
"""

import asyncio

from telebridge.call.record import SpokenUtterance
from telebridge.call.session.announcements import Announcement
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import Play, Say


class PendingAnnouncements:
    """The futures of one call's announcements, by number."""

    __slots__ = ("_opened", "_waiting")

    def __init__(self) -> None:
        self._opened = 0
        self._waiting: dict[int, asyncio.Future[SpokenUtterance]] = {}

    def open(self, step: Say | Play) -> tuple[Announcement, "asyncio.Future[SpokenUtterance]"]:
        """Number a new announcement.

        Returns:
            The announcement for `CallSession.announce`, and how it was heard, once it was.
        """
        self._opened += 1
        waiting: asyncio.Future[SpokenUtterance] = asyncio.get_running_loop().create_future()
        self._waiting[self._opened] = waiting
        return Announcement(self._opened, step), waiting

    def finish(self, number: int, outcome: SpokenUtterance | TelebridgeError) -> None:
        """Complete the future of an announcement with its outcome."""
        waiting = self._waiting.pop(number)
        if waiting.done():  # cancelled by who awaited it
            return
        if isinstance(outcome, TelebridgeError):
            waiting.set_exception(outcome)
            waiting.exception()  # marks it as seen: nobody has to await it
        else:
            waiting.set_result(outcome)

    def fail_all(self, reason: TelebridgeError) -> None:
        """Complete all futures with the reason why nothing was announced."""
        for number in list(self._waiting):
            self.finish(number, reason)
