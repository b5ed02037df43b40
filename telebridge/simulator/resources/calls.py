"""The Calls resource of one account: finding, listing and paging calls, and the queue of outbound calls.

Follows Twilio's Call resource ("Read multiple Call resources") and its article on calls per second: creates above the
rate are accepted and wait, at most 24 hours.

One rule: nothing here dials; `handle_timeout` returns the calls that are due, in the order they were created.
"""

from collections import deque
from collections.abc import Callable, Mapping

from typing_extensions import override

from telebridge.simulator.resources.call import CallResource, word_in_resource
from telebridge.simulator.resources.pages import Filter, ResourceBook, by_time, equal
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.twilio.calls import CallStatus

LONGEST_WAIT_SECONDS = 86_400.0


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


class CallBook(ResourceBook[CallResource]):
    """All calls of an account, newest last."""

    def __init__(self, account_sid: str) -> None:
        super().__init__(account_sid, "Calls", "calls", FILTERS)

    @override
    def delete(self, sid: str) -> None:
        if not self.find(sid).status.is_final:
            raise ApiProblem(409, 20009, sid)
        super().delete(sid)


def _has_status(wanted: str) -> Callable[[CallResource], bool]:
    if wanted not in {word_in_resource(status) for status in CallStatus}:
        raise ApiProblem(400, 20422, "Status")
    return lambda call: word_in_resource(call.status) == wanted


FILTERS: Mapping[str, Filter[CallResource]] = {
    "To": equal(lambda call: call.to),
    "From": equal(lambda call: call.from_),
    "ParentCallSid": equal(lambda call: call.parent_call_sid),
    "Status": _has_status,
    **by_time("StartTime", lambda call: call.answered_at or call.started_at),
    **by_time("EndTime", lambda call: call.ended_at),
}
