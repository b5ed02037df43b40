"""Finds calls for the API: those of this process, live and ended, and those in the database.

One rule: the newest comes first, and a cursor names the last call of a page, so that calls that begin meanwhile move no
later page.
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
from telebridge.logs import logger
from telebridge.server.api.models import CallResponse, PhaseName
from telebridge.server.api.ports import PastCalls, Position
from telebridge.server.http.problems import Problem
from telebridge.unicode_text import repaired, repaired_values

log = logger(__name__)

PHASE_NAMES: dict[Phase, PhaseName] = {
    Phase.WAITING: "waiting",
    Phase.LIVE: "live",
    Phase.HELD: "held",
    Phase.AWAY: "transferring",
    Phase.CLOSING: "closing",
    Phase.OVER: "over",
}


class CallLookup:
    """Finds calls.

    Args:
        calls: The calls of this process.
        past: The calls in the database; None when there is none.
    """

    def __init__(self, calls: LiveCalls, past: PastCalls | None) -> None:
        self._calls = calls
        self._past = past

    async def find(self, call_sid: str) -> dict[str, Any] | None:
        """One call as plain values; None when it is unknown."""
        if (runner := self._calls.find(call_sid)) is not None:
            session = runner.session
            return call_values(session.record, phase=session.phase, saying=session.saying)
        if (record := self._calls.record(call_sid)) is not None:
            return call_values(record)
        if self._past is None or not call_sid.isprintable():  # PostgreSQL takes no NUL in a text
            return None
        past = await self._past.find(call_sid)
        return None if past is None else _past_values(past.as_json())

    async def page(self, state: str | None, limit: int, before: Position | None) -> list[dict[str, Any]]:
        """A page of calls as plain values, newest first.

        Args:
            state: "live" or "ended"; None for both.
            limit: How many at the most.
            before: The last call of the page before; None for the first page.
        """
        own = [record for record in self._own(state) if before is None or _position(record) < before]
        newest = heapq.nlargest(limit, own, key=_position)
        found = {record.call_sid: await self.find(record.call_sid) for record in newest}
        if self._past is not None and state != "live":
            for past in await self._past.recent(limit, before=before):
                values = past.as_json()
                found.setdefault(values["call_sid"], _past_values(values))
        ordered = sorted((call for call in found.values() if call is not None), key=position_of, reverse=True)
        return ordered[:limit]

    def _own(self, state: str | None) -> Iterator[CallRecord]:
        if state != "ended":
            yield from self._calls.live_records()
        if state != "live":
            yield from self._calls.ended_records()


def call_values(record: CallRecord, *, phase: Phase = Phase.OVER, saying: str | None = None) -> dict[str, Any]:
    """A call of this process as plain values."""
    return {**record.as_json(), "phase": PHASE_NAMES[phase], "saying": saying}


def position_of(call: dict[str, Any]) -> Position:
    """The position of a call in the list."""
    return Position(datetime.fromisoformat(call["started_at"]), call["call_sid"])


def cursor(position: Position) -> str:
    """A position as a client keeps it: base64url of JSON."""
    text = json.dumps([position.started_at.isoformat(), position.call_sid])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> Position:
    """Read what `cursor` made.

    Raises:
        Problem: `cursor` did not make it.
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


def _past_values(values: dict[str, Any]) -> dict[str, Any]:
    return {"phase": PHASE_NAMES[Phase.OVER], "saying": None, **values}


def response_of(call: dict[str, Any]) -> CallResponse:
    """The response for a call; of one whose record cannot be answered what is certain, so that it breaks no list."""
    try:
        answered = CallResponse.model_validate(repaired_values(call))
        answered.model_dump_json()
    except (ValueError, RecursionError) as error:
        log.error("a call's record cannot be answered", call_sid=call.get("call_sid"), error=str(error))
        names = ("call_sid", "flow", "from", "to", "direction")
        call_sid, flow, from_number, to_number, direction = (repaired(str(call.get(name) or "")) for name in names)
        started_at = datetime.fromisoformat(call["started_at"])
        record = CallRecord(call_sid, flow, from_number, to_number, direction, started_at)
        phase = call.get("phase") if call.get("phase") in PHASE_NAMES.values() else PHASE_NAMES[Phase.OVER]
        answered = CallResponse.model_validate({**record.as_json(), "phase": phase, "saying": None})
    return answered
