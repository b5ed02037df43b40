"""The API's doors to calls as a whole: list them, tell one, place one.

One rule: a request to place a call that may have rung a telephone is never made twice for one `Idempotency-Key`.

Calls as the API tells them: of this process, live and remembered, and those of the past.

One rule: the newest stands first, and a cursor names the last call that was told, so that calls that begin meanwhile
move nothing.

The calls of the database, as the API tells them.
"""

import asyncio
import heapq
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from aiohttp import web
from typing_extensions import override

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.record import CallRecord
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.session.stream_phase import Phase
from telebridge.call.store.store import CallStore
from telebridge.errors import ConfigurationError, TwilioAPIError
from telebridge.logs import logger
from telebridge.server.api.models import (
    CallPlaced,
    CallsQuery,
    CallsTold,
    CallTold,
    PhaseName,
    PlaceCall,
)
from telebridge.server.api.ports import CallOrder, PastCalls, Placer, Position
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import answer
from telebridge.server.http.idempotency import IdempotencyKeys, Seen, is_key
from telebridge.server.http.problems import FieldProblem, Problem, shown
from telebridge.twilio.signed_urls import VariablesTooLong

PHASE_NAMES: dict[Phase, PhaseName] = {
    Phase.WAITING: "waiting",
    Phase.LIVE: "live",
    Phase.AWAY: "transferring",
    Phase.CLOSING: "closing",
    Phase.OVER: "over",
}


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
    return {**record.as_json(), "phase": PHASE_NAMES[phase], "saying": saying}


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
    return {"phase": PHASE_NAMES[Phase.OVER], "saying": None, **past}


class StoredCalls(PastCalls):
    """Looks calls up that are over, or live in another process."""

    def __init__(self, store: CallStore) -> None:
        self._store = store

    @override
    async def find(self, call_sid: str) -> dict[str, Any] | None:
        kept = await self._store.find(call_sid)
        return None if kept is None else kept.as_json()

    @override
    async def recent(self, limit: int, before: Position | None) -> list[dict[str, Any]]:
        after = None if before is None else (before.started_at, before.call_sid)
        return [kept.as_json() for kept in await self._store.recent(limit, before=after)]


log = logger(__name__)

KEY_HEADER = "Idempotency-Key"
UNKNOWN_OUTCOME = 504
WRONG_FIELDS = {21211: "to", 21214: "to", 21217: "to", 21210: "from", 21212: "from", 21606: "from"}
"""Twilio's errors (https://www.twilio.com/docs/api/errors) that blame one of the two numbers."""


class CallsDoor:
    """Answers `/api/calls` and `GET /api/calls/{sid}`.

    Args:
        calls: Finds calls.
        flows: Where a call's flow is looked up before anybody is rung.
        placer: Places calls.
    """

    def __init__(self, calls: CallList, flows: FlowCatalogue, placer: Placer) -> None:
        self._calls = calls
        self._flows = flows
        self._placer = placer
        self._keys = IdempotencyKeys()
        self._placing: dict[str, asyncio.Task[str]] = {}

    async def list_calls(self, _request: web.Request, query: CallsQuery, _body: Nothing) -> web.Response:
        """The newest calls."""
        before = None if query.cursor is None else read_cursor(query.cursor)
        found = await self._calls.page(query.state, query.limit + 1, before)
        page = found[: query.limit]
        after = cursor(position_of(page[-1])) if len(found) > len(page) else None
        return answer(CallsTold(calls=[CallTold.model_validate(call) for call in page], next=after))

    async def tell_call(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """One call."""
        call_sid = request.match_info["sid"]
        found = await self._calls.find(call_sid)
        if found is None:
            raise unknown_call(call_sid)
        return answer(CallTold.model_validate(found))

    async def place_call(self, request: web.Request, _query: Nothing, body: PlaceCall) -> web.Response:
        """Ask Twilio for a call."""
        key = request.headers.get(KEY_HEADER)
        if key is None:
            call_sid = await self._place(body)
        elif is_key(key):
            call_sid = await self._place_once(key, body)
        else:
            raise Problem(400, f"'{KEY_HEADER}' takes 1 to 255 printable ASCII characters.", kind="invalid-key")
        return answer(CallPlaced(call_sid=call_sid), 201, {"Location": f"/api/calls/{call_sid}"})

    async def _place_once(self, key: str, body: PlaceCall) -> str:
        """Place a call, or take the answer to the first request with that key, which may still be under way."""
        seen = self._keys.begin(key, body.model_dump_json().encode(), now=asyncio.get_running_loop().time())
        if seen is Seen.OTHER:
            raise Problem(422, f"This '{KEY_HEADER}' came with another body before; take a new one.", kind="key-reused")
        if seen is Seen.DONE:
            return self._first_answer(key)
        if seen is Seen.NEVER:
            self._placing[key] = asyncio.create_task(self._place(body))
            self._placing[key].add_done_callback(lambda task: self._placed(key, task))
        return await asyncio.shield(self._placing[key])  # whoever goes away takes nobody's answer along

    def _placed(self, key: str, task: asyncio.Task[str]) -> None:
        del self._placing[key]
        if task.cancelled() or (error := task.exception()) is None:
            self._keys.finish(key, "" if task.cancelled() else task.result())
        elif isinstance(error, Problem) and error.status != UNKNOWN_OUTCOME:
            self._keys.forget(key)
        else:
            self._keys.finish(key, "")

    def _first_answer(self, key: str) -> str:
        call_sid = self._keys.answer(key)
        if not call_sid:
            raise _unknown_outcome("")
        return call_sid

    async def _place(self, body: PlaceCall) -> str:
        """Place a call.

        Raises:
            Problem: It was not placed; with status 504 nobody knows.
        """
        if body.flow is not None:
            self._check_flow(body.flow)
        try:
            return await self._placer.place(_order(body))
        except VariablesTooLong as error:
            raise Problem(413, f"The variables are too long: {error}.", kind="variables-too-long") from error
        except ConfigurationError as error:
            raise Problem(503, f"This bridge cannot place calls: {error}.", kind="cannot-place") from error
        except TwilioAPIError as error:
            log.warning("call not placed", to=body.to, error=str(error))
            raise _refused(error) from error

    def _check_flow(self, name: str) -> None:
        try:
            self._flows.find(name)
        except ConfigurationError as error:
            wrong = FieldProblem("flow", f"{error.where} {error.problem}", error.hint)
            detail = f"{shown(error.where)} {error.problem}; {error.hint}."
            raise Problem(422, detail, kind="invalid-fields", errors=[wrong]) from error


def unknown_call(call_sid: str) -> Problem:
    """Nobody knows that call."""
    return Problem(404, f"There is no call '{shown(call_sid)}'; GET /api/calls lists them.", kind="unknown-call")


def _order(body: PlaceCall) -> CallOrder:
    return CallOrder(
        body.to,
        body.from_,
        flow=body.flow or "",
        variables=body.variables,
        ring_seconds=body.timeout,
        machine_detection=body.machine_detection or "",
    )


def _refused(error: TwilioAPIError) -> Problem:
    """What Twilio's refusal means to whoever asked for the call."""
    if error.status == 0 or error.status >= 500:
        return _unknown_outcome(f"{error}. ")
    if error.retryable:
        return Problem(
            503, f"{error}. Nothing was placed; try again.", kind="twilio-busy", headers={"Retry-After": "1"}
        )
    if error.code in WRONG_FIELDS:
        wrong = FieldProblem(WRONG_FIELDS[error.code], error.message)
        return Problem(422, f"{error}.", kind="invalid-fields", errors=[wrong])
    return Problem(502, f"{error}. Nothing was placed.", kind="twilio-refused")


def _unknown_outcome(why: str) -> Problem:
    detail = f"{why}The call may have been placed: look for it in GET /api/calls before you ask again."
    return Problem(UNKNOWN_OUTCOME, detail, kind="outcome-unknown")
