"""Calls as the API tells them: of this process, live and remembered, and those of the past.

One rule: the newest stands first, and a cursor names the last call that was told, so that calls that begin meanwhile
move nothing.
"""

import heapq
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from telebridge.call.record import CallRecord
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.session.stream_phase import Phase
from telebridge.server.control import PastCalls, Position
from telebridge.server.problems import Problem

PHASES = {Phase.WAITING: "waiting", Phase.LIVE: "live", Phase.CLOSING: "closing", Phase.OVER: "over"}


class CallList:
    """Finds calls.

    Args:
        calls: Those of this process.
        past: Those of a database; None when there is none.
    """

    def __init__(self, calls: LiveCalls, past: PastCalls | None) -> None:
        self._calls = calls
        self._past = past

    async def find(self, call_sid: str) -> dict[str, Any] | None:
        """One call; None when nobody knows it."""
        if (runner := self._calls.find(call_sid)) is not None:
            session = runner.session
            return told(session.record, phase=session.phase, saying=session.saying)
        if (record := self._calls.record(call_sid)) is not None:
            return told(record)
        past = None if self._past is None else await self._past.find(call_sid)
        return None if past is None else _over(past)

    async def page(self, state: str | None, limit: int, before: Position | None) -> list[dict[str, Any]]:
        """The newest calls after `before`, newest first.

        Args:
            state: "live" or "ended"; None for both.
            limit: How many at the most.
            before: The last call that was told; None to begin.
        """
        own = [record for record in self._own(state) if before is None or _position(record) < before]
        newest = heapq.nlargest(limit, own, key=_position)
        found = {record.call_sid: await self.find(record.call_sid) for record in newest}
        if self._past is not None and state != "live":
            for past in await self._past.recent(limit, before):
                found.setdefault(past["call_sid"], _over(past))
        ordered = sorted((call for call in found.values() if call is not None), key=position_of, reverse=True)
        return ordered[:limit]

    def _own(self, state: str | None) -> Iterator[CallRecord]:
        if state != "ended":
            yield from self._calls.live_records()
        if state != "live":
            yield from self._calls.ended_records()


def told(record: CallRecord, *, phase: Phase = Phase.OVER, saying: str | None = None) -> dict[str, Any]:
    """A call of this process."""
    return {**record.as_json(), "phase": PHASES[phase], "saying": saying}


def position_of(call: dict[str, Any]) -> Position:
    """Where a call stands in the list."""
    return Position(datetime.fromisoformat(call["started_at"]), call["call_sid"])


def cursor(position: Position) -> str:
    """A position as a client keeps it."""
    text = json.dumps([position.started_at.isoformat(), position.call_sid])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> Position:
    """Read what `cursor` wrote.

    Raises:
        Problem: Somebody else wrote it.
    """
    try:
        started_at, call_sid = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        position = Position(datetime.fromisoformat(started_at), str(call_sid))
        if position.started_at.tzinfo is None:
            raise ValueError
    except (ValueError, TypeError) as error:
        raise Problem(
            422, "'cursor' is none of ours: take 'next' of an answer as it is, or leave it away.", kind="invalid-fields"
        ) from error
    return position


def _position(record: CallRecord) -> Position:
    return Position(record.started_at, record.call_sid)


def _over(past: dict[str, Any]) -> dict[str, Any]:
    return {"phase": PHASES[Phase.OVER], "saying": None, **past}
