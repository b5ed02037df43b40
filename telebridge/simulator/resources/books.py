"""All resources of one account."""

from collections.abc import Iterable

from telebridge.simulator.resources.calls import CallBook
from telebridge.simulator.resources.conferences import ConferenceBook
from telebridge.simulator.resources.messages import MessageBook
from telebridge.simulator.resources.notifications import NotificationBook
from telebridge.simulator.resources.numbers import NumberBook
from telebridge.simulator.resources.queues import QueueBook
from telebridge.simulator.resources.recordings import RecordingBook


class AccountBooks:
    """The lists of an account, one for each kind of resource.

    Args:
        account_sid: The account.
        numbers: The numbers that it owns.
    """

    def __init__(self, account_sid: str, numbers: Iterable[str]) -> None:
        self.calls = CallBook(account_sid)
        self.conferences = ConferenceBook(account_sid)
        self.messages = MessageBook(account_sid)
        self.notifications = NotificationBook(account_sid)
        self.numbers = NumberBook(account_sid, numbers)
        self.queues = QueueBook(account_sid)
        self.recordings = RecordingBook(account_sid)
