"""The Calls resource of one account: finding, listing and paging calls, and the queue of outbound calls.

Follows Twilio's Call resource ("Read multiple Call resources") and its article on calls per second: creates above the
rate are accepted and wait, at most 24 hours.

One rule: nothing here dials; `handle_timeout` returns the calls that are due, in the order they were created.
"""

from collections import deque
from collections.abc import Callable, Mapping

from telebridge.simulator.resources.call import API_VERSION, CallResource, word_in_resource
from telebridge.simulator.resources.pages import page_of, time_filter
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.twilio.calls import CallStatus

LONGEST_WAIT_SECONDS = 86_400.0
FILTERS = (
    "To",
    "From",
    "ParentCallSid",
    "Status",
    "StartTime",
    "StartTime<",
    "StartTime>",
    "EndTime",
    "EndTime<",
    "EndTime>",
)


class DialQueue:
    """The queue of outbound calls, dialed at a rate of calls per second. Times are monotonic seconds."""

    def __init__(self, calls_per_second: float = 1.0) -> None:
        self.calls_per_second = calls_per_second
        self._waiting: deque[tuple[str, float]] = deque()
        self._free_at = 0.0

    def add(self, sid: str, *, now: float) -> int:
        """Queue a call; returns the expected wait in milliseconds."""
        free_at = max(self._free_at, now) + len(self._waiting) / self.calls_per_second
        self._waiting.append((sid, now))
        return round((free_at - now) * 1000)

    def remove(self, sid: str) -> None:
        """Remove a call, if it is still queued."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] != sid)

    def next_deadline(self) -> float | None:
        """Return when the next call may be dialed, or None."""
        return max(self._free_at, self._waiting[0][1]) if self._waiting else None

    def handle_timeout(self, *, now: float) -> list[str]:
        """Return the call that is due, or nothing; call again while `next_deadline` has passed."""
        if not self._waiting or self._free_at > now:
            return []
        self._free_at = max(self._free_at, now) + 1 / self.calls_per_second
        return [self._waiting.popleft()[0]]

    def expired(self, *, now: float) -> list[str]:
        """Remove and return the calls that waited a day, which Twilio cancels."""
        expired = []
        while self._waiting and now - self._waiting[0][1] >= LONGEST_WAIT_SECONDS:
            expired.append(self._waiting.popleft()[0])
        return expired


class CallBook:
    """All calls of an account, newest last."""

    def __init__(self, account_sid: str) -> None:
        self.account_sid = account_sid
        self._records: dict[str, CallResource] = {}

    def add(self, record: CallResource) -> None:
        """Add a new call."""
        self._records[record.sid] = record

    def all(self) -> list[CallResource]:
        """Return all calls, newest last."""
        return list(self._records.values())

    def find(self, sid: str) -> CallResource:
        """Return the call of this sid.

        Raises:
            ApiProblem: 404, 20404.
        """
        record = self._records.get(sid)
        if record is None:
            raise ApiProblem(404, 20404, f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{sid}.json")
        return record

    def delete(self, sid: str) -> None:
        """Delete an ended call.

        Raises:
            ApiProblem: There is no such call, or it is not over.
        """
        if not self.find(sid).status.is_final:
            raise ApiProblem(409, 20009, sid)
        del self._records[sid]

    def page(self, query: Mapping[str, str]) -> dict[str, object]:
        """Return a page of the list as JSON, newest call first.

        Raises:
            ApiProblem: A filter or a number is not valid.
        """
        keeps = [_filter(name, query[name]) for name in FILTERS if query.get(name)]
        found = [record for record in reversed(self._records.values()) if all(keep(record) for keep in keeps)]
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Calls.json"
        return page_of(found, "calls", uri, query, filters=FILTERS)


def _filter(name: str, wanted: str) -> Callable[[CallResource], bool]:
    match name:
        case "To":
            return lambda record: record.to == wanted
        case "From":
            return lambda record: record.from_ == wanted
        case "ParentCallSid":
            return lambda record: record.parent_call_sid == wanted
        case "Status":
            if wanted not in {word_in_resource(status) for status in CallStatus}:
                raise ApiProblem(400, 20422, name)
            return lambda record: word_in_resource(record.status) == wanted
        case _:
            keeps = time_filter(name, wanted)
            if name.startswith("Start"):
                return lambda record: keeps(record.answered_at or record.started_at)
            return lambda record: keeps(record.ended_at)
