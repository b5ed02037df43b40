"""The API's doors to calls as a whole: list them, tell one, place one.

One rule: a request to place a call that may have rung a telephone is never made twice for one `Idempotency-Key`.
"""

import asyncio

from aiohttp import web

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.errors import ConfigurationError, TwilioAPIError
from telebridge.logs import logger
from telebridge.server.api_models import CallPlaced, CallsQuery, CallsTold, CallTold, Nothing, PlaceCall
from telebridge.server.api_route import answer
from telebridge.server.call_list import CallList, cursor, position_of, read_cursor
from telebridge.server.control import CallOrder, Placer
from telebridge.server.idempotency import IdempotencyKeys, Seen, is_key
from telebridge.server.problems import FieldProblem, Problem, shown
from telebridge.twilio.signed_urls import VariablesTooLong

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
