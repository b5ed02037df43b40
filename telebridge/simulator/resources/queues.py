"""The Queue and Member resources: callers who wait, in the order in which they came.

Follows Twilio's `<Enqueue>`, `<Dial><Queue>`, and its Queue and Member resources.

One rule: nothing here waits; whoever takes a caller out of the queue calls the `taken` of the member.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from telebridge.simulator.media.room import AudioRoom
from telebridge.simulator.resources.call import API_VERSION, rfc2822
from telebridge.simulator.resources.pages import ResourceBook
from telebridge.simulator.twiml.verbs import QueueNoun


@dataclass(frozen=True, slots=True)
class Dequeued:
    """How a caller leaves a queue.

    Args:
        room: Where they meet who has dialed the queue.
        noun: What is played to them before that.
        base_url: The document that dialed the queue, to which the address in `noun` is relative.
        call_sid: The call that dialed the queue.
    """

    room: AudioRoom
    noun: QueueNoun
    base_url: str
    call_sid: str


@dataclass(slots=True)
class QueueMember:
    """A caller who waits; `taken` is called once with how they leave."""

    queue: "QueueResource"
    call_sid: str
    entered_at: datetime
    taken: Callable[[Dequeued], None]

    @property
    def sid(self) -> str:
        """What names it in its list: the sid of the call."""
        return self.call_sid

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        return {
            "queue_sid": self.queue.sid,
            "call_sid": self.call_sid,
            "date_enqueued": rfc2822(self.entered_at),
            "position": self.queue.members.index(self) + 1 if self in self.queue.members else 0,
            "uri": f"{self.queue.path}/Members/{self.call_sid}.json",
            "wait_time": 0,
        }


@dataclass(slots=True)
class QueueResource:
    """One queue; instants are aware UTC datetimes.

    Args:
        members: Who waits, first come first.
        waiting: Called when somebody enters; for those who have dialed the queue while it was empty.
        waits: How long those who left have waited, in seconds.
    """

    sid: str
    account_sid: str
    name: str
    created_at: datetime
    max_size: int = 1000
    members: list[QueueMember] = field(default_factory=list)
    waiting: list[Callable[[], None]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The path of the resource on the API's host, without `.json`."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Queues/{self.sid}"

    @property
    def average_wait(self) -> int:
        """How long a caller has waited on the average, in seconds."""
        return round(sum(self.waits) / len(self.waits)) if self.waits else 0

    def add(self, member: QueueMember) -> None:
        """Add a caller behind the others, and wake who waits for one."""
        self.members.append(member)
        for wake in list(self.waiting):
            wake()

    def leave(self, member: QueueMember, *, at: datetime) -> None:
        """Take a caller out; one who has left already is no mistake."""
        if member in self.members:
            self.members.remove(member)
            self.waits.append((at - member.entered_at).total_seconds())

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        return {
            "account_sid": self.account_sid,
            "average_wait_time": self.average_wait,
            "current_size": len(self.members),
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.created_at),
            "friendly_name": self.name,
            "max_size": self.max_size,
            "sid": self.sid,
            "uri": f"{self.path}.json",
            "subresource_uris": {"members": f"{self.path}/Members.json"},
        }


class QueueBook(ResourceBook[QueueResource]):
    """The queues of an account, oldest first."""

    def __init__(self, account_sid: str) -> None:
        super().__init__(account_sid, "Queues", "queues", newest_first=False)

    def of(self, name: str) -> QueueResource | None:
        """Return the queue of this name."""
        return next((each for each in self._resources.values() if each.name == name), None)
