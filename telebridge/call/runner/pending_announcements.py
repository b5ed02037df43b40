"""Those who announced something in a call, and wait to be told how it went.

One rule: nobody waits for ever, and nobody has to wait.
"""

import asyncio

from telebridge.call.record import SpokenUtterance
from telebridge.call.session.announcements import Announcement
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import Play, Say


class PendingAnnouncements:
    """The announcements of one call, as those know them who asked for them."""

    __slots__ = ("_asked", "_waiting")

    def __init__(self) -> None:
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[SpokenUtterance]] = {}

    def ask(self, step: Say | Play) -> tuple[Announcement, "asyncio.Future[SpokenUtterance]"]:
        """A new announcement.

        Returns:
            The announcement for `CallSession.announce`, and how it was heard, once it was.
        """
        self._asked += 1
        waiting: asyncio.Future[SpokenUtterance] = asyncio.get_running_loop().create_future()
        self._waiting[self._asked] = waiting
        return Announcement(self._asked, step), waiting

    def over(self, number: int, outcome: SpokenUtterance | TelebridgeError) -> None:
        """Tell who waits for it how it went."""
        waiting = self._waiting.pop(number)
        if waiting.done():  # nobody waits any more
            return
        if isinstance(outcome, TelebridgeError):
            waiting.set_exception(outcome)
            waiting.exception()  # whoever did not wait for it need not be told
        else:
            waiting.set_result(outcome)

    def refuse(self, reason: TelebridgeError) -> None:
        """Tell all who wait that nothing comes of it."""
        for number in list(self._waiting):
            self.over(number, reason)
