"""The live calls that other processes lead, as far as the database knows them: who, which flow, at which node.

One rule: the database is asked once in some seconds, however many watch, and not while nobody does.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.store.table import StoredCall
from telebridge.timing.epoch import wallclock_now

FRESH_SECONDS = 2.0
MOST_CALLS = 1000
LONGEST = timedelta(days=1)
"""Calls that began earlier are left out: their process has died, and nobody has taken them over."""
PHASE = "elsewhere"


class StoredLiveCalls(Protocol):
    """The live calls of all processes in the database."""

    async def live(self, limit: int, *, since: Any) -> list[StoredCall]:
        """Those that began after an instant, the longest first."""
        ...


@dataclass(frozen=True, slots=True)
class CallElsewhere:
    """A live call of another process.

    Args:
        call_sid: The call.
        who: The number of the person.
        direction: Twilio's `Direction`.
        flow: Its flow.
        node: Where its flow stood at the last checkpoint; empty when there is none yet.
        since: When it began, as an ISO instant.
    """

    call_sid: str
    who: str
    direction: str
    flow: str
    node: str
    since: str


class CallsElsewhere:
    """Knows the live calls of other processes.

    Args:
        calls: Those of this process.
        store: The database.
    """

    def __init__(self, calls: LiveCalls, store: StoredLiveCalls) -> None:
        self._calls = calls
        self._store = store
        self._until = 0.0
        self._found: list[CallElsewhere] = []

    async def all(self) -> list[CallElsewhere]:
        """All of them, the longest first; none while the database is away."""
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            self._until = now + FRESH_SECONDS  # before the question: others do not ask it as well
            try:
                stored = await self._store.live(MOST_CALLS, since=wallclock_now() - LONGEST)
            except (SQLAlchemyError, OSError):
                stored = []
            self._found = [_elsewhere(call) for call in stored]
        return [call for call in self._found if not self._is_known(call.call_sid)]

    def _is_known(self, call_sid: str) -> bool:
        """Whether a call is one of this process, also when its end is not written yet."""
        return self._calls.find(call_sid) is not None or self._calls.record(call_sid) is not None


def _elsewhere(call: StoredCall) -> CallElsewhere:
    begun, standing = call.begun, call.resume_point().standing
    return CallElsewhere(
        begun.call_sid,
        begun.ends[0] or "unknown",
        begun.direction,
        begun.flow,
        standing.path[-1] if standing is not None and standing.path else "",
        begun.started_at.isoformat(timespec="seconds"),
    )
