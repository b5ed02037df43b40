"""The endpoints of calls as a whole: list them, get one, originate one.

One rule: a request for a call that may have rung a telephone is never made twice for one `Idempotency-Key`.
"""

import asyncio
import json

from aiohttp import hdrs, web
from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.errors import ConfigurationError, TwilioAPIError
from telebridge.logs import logger
from telebridge.server.api.call_lookup import CallLookup, cursor, position_of, read_cursor, response_of
from telebridge.server.api.models import (
    CallResponse,
    CallsQuery,
    CallsResponse,
    OriginateRequest,
    OriginateResponse,
)
from telebridge.server.api.ports import CallOriginator, OutboundCall
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import Header, endpoint, respond
from telebridge.server.http.idempotency import IdempotencyKeys, KeyVerdict, StoredResponse, fingerprint_of, is_key
from telebridge.server.http.problems import FieldProblem, Problem, shown
from telebridge.tasks import Tasks
from telebridge.twilio.signed_urls import VariablesTooLong

log = logger(__name__)

KEY_HEADER = "Idempotency-Key"
KEY_SCOPE = "originate_call"
UNKNOWN_OUTCOME = 504
UNKNOWN_CALL = {404: "Nobody knows that call."}
IDEMPOTENCY = Header(
    KEY_HEADER,
    "The same key with the same body within 24 hours is the same call, placed once.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
)
WRONG_FIELDS = {21211: "to", 21214: "to", 21217: "to", 21210: "from", 21212: "from", 21606: "from"}
"""Twilio's errors (https://www.twilio.com/docs/api/errors) that blame one of the two numbers."""


class CallEndpoints:
    """Answers `/api/calls` and `GET /api/calls/{sid}`.

    Args:
        calls: Finds calls.
        flows: Where a call's flow is looked up before anybody is rung.
        originator: Asks Twilio for calls.
        keys: The keys that requests came with.
    """

    def __init__(
        self, calls: CallLookup, flows: FlowCatalogue, originator: CallOriginator, keys: IdempotencyKeys
    ) -> None:
        self._calls = calls
        self._flows = flows
        self._originator = originator
        self._keys = keys
        self._tasks = Tasks("originate call")
        self._in_progress: dict[str, tuple[str, asyncio.Task[str]]] = {}

    @endpoint(
        hdrs.METH_GET,
        "/api/calls",
        "List calls, newest first: live ones, and those that are remembered.",
        {200: CallsResponse},
    )
    async def list_calls(self, _request: web.Request, query: CallsQuery, _body: Nothing) -> web.Response:
        """A page of calls."""
        before = None if query.cursor is None else read_cursor(query.cursor)
        found = await self._calls.page(query.state, query.limit + 1, before)
        page = found[: query.limit]
        after = cursor(position_of(page[-1])) if len(found) > len(page) else None

        def answer() -> web.Response:
            return respond(CallsResponse(calls=[response_of(call) for call in page], next=after))

        return await asyncio.to_thread(answer)  # a hundred records take long, and calls go on meanwhile

    @endpoint(
        hdrs.METH_POST,
        "/api/calls",
        "Place a call; a flow speaks when it is answered.",
        {201: OriginateResponse},
        problems={
            409: "A request with this key is in progress in another process.",
            413: "The body or the variables are too large.",
            502: "Twilio refused.",
            503: "This bridge cannot place calls, or Twilio is busy, or the database cannot keep the key.",
            504: "Nobody knows whether the call was placed.",
        },
        headers=(IDEMPOTENCY,),
        example={"to": "+15551230000", "from": "+15551230001", "flow": "front-desk", "variables": {"name": "Ada"}},
    )
    async def originate_call(self, request: web.Request, _query: Nothing, body: OriginateRequest) -> web.Response:
        """Ask Twilio for a call."""
        key = request.headers.get(KEY_HEADER)
        if key is None:
            call_sid = await self._originate(body)
        elif is_key(key):
            call_sid = await self._originate_once(key, body)
        else:
            raise Problem(400, f"'{KEY_HEADER}' takes 1 to 255 printable ASCII characters.", kind="invalid-key")
        return respond(OriginateResponse(call_sid=call_sid), 201, {"Location": f"/api/calls/{call_sid}"})

    @endpoint(
        hdrs.METH_GET,
        "/api/calls/{sid}",
        "Tell one call: what was said and heard, which keys, and what is being said.",
        {200: CallResponse},
        problems=UNKNOWN_CALL,
    )
    async def get_call(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """One call."""
        call_sid = request.match_info["sid"]
        found = await self._calls.find(call_sid)
        if found is None:
            raise unknown_call(call_sid)
        return respond(response_of(found))

    async def _originate_once(self, key: str, body: OriginateRequest) -> str:
        """The CallSid of the first request with that key; requests of this process wait for it together."""
        fingerprint = fingerprint_of(body.model_dump_json().encode())
        if (running := self._in_progress.get(key)) is None:
            task = self._tasks.start(self._first_or_stored(key, fingerprint, body))
            self._in_progress[key] = fingerprint, task
            task.add_done_callback(lambda done: self._finished(key, done))
        elif running[0] == fingerprint:
            task = running[1]
        else:
            raise _key_reused()
        return await asyncio.shield(task)  # a client that goes away cancels no other client's answer

    def _finished(self, key: str, task: "asyncio.Task[str]") -> None:
        del self._in_progress[key]
        if not task.cancelled():
            task.exception()  # retrieved here, because every client may be gone

    async def _first_or_stored(self, key: str, fingerprint: str, body: OriginateRequest) -> str:
        try:
            claim = await self._keys.claim(KEY_SCOPE, key, fingerprint)
        except (SQLAlchemyError, OSError) as error:
            log.error("an idempotency key cannot be kept: the database is unreachable", error=str(error))
            detail = "The database cannot keep the key. Nothing was placed; try again."
            raise Problem(503, detail, kind="cannot-place", headers={"Retry-After": "1"}) from error
        match claim.verdict:
            case KeyVerdict.FIRST:
                return await self._first(key, body)
            case KeyVerdict.ANSWERED if claim.response is not None and claim.response.status != UNKNOWN_OUTCOME:
                return str(json.loads(claim.response.body)["call_sid"])
            case KeyVerdict.ANSWERED | KeyVerdict.ABANDONED:
                raise _unknown_outcome("")
            case KeyVerdict.IN_PROGRESS:
                detail = "A request with this key is in progress. Ask again when it has been answered."
                raise Problem(409, detail, kind="request-in-progress", headers={"Retry-After": "1"})
            case KeyVerdict.MISMATCH:
                raise _key_reused()

    async def _first(self, key: str, body: OriginateRequest) -> str:
        """Originate a call, and keep what became of it."""
        try:
            call_sid = await self._originate(body)
        except Problem as problem:
            if problem.status == UNKNOWN_OUTCOME:
                await self._keep(key, StoredResponse(UNKNOWN_OUTCOME, json.dumps(problem.as_json())))
            else:
                await self._keep(key, None)
            raise
        await self._keep(key, StoredResponse(201, OriginateResponse(call_sid=call_sid).model_dump_json()))
        return call_sid

    async def _keep(self, key: str, response: StoredResponse | None) -> None:
        """Keep a response, or release the key. When that fails the key stays in progress, and then is abandoned."""
        try:
            if response is None:
                await self._keys.release(KEY_SCOPE, key)
            else:
                await self._keys.answered(KEY_SCOPE, key, response)
        except (SQLAlchemyError, OSError) as error:
            log.error("the response to an idempotency key cannot be kept", error=str(error))

    async def _originate(self, body: OriginateRequest) -> str:
        """Originate a call.

        Raises:
            Problem: It was not placed; with status 504 nobody knows.
        """
        if body.flow is not None:
            self._check_flow(body.flow)
        try:
            return await self._originator.originate(_outbound(body))
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
    """The problem for a CallSid that is unknown."""
    return Problem(404, f"There is no call '{shown(call_sid)}'; GET /api/calls lists them.", kind="unknown-call")


def _outbound(body: OriginateRequest) -> OutboundCall:
    return OutboundCall(
        body.to,
        body.from_,
        flow=body.flow or "",
        variables=body.variables,
        ring_seconds=body.timeout,
        machine_detection=body.machine_detection or "",
    )


def _key_reused() -> Problem:
    return Problem(422, f"This '{KEY_HEADER}' came with another body before; take a new one.", kind="key-reused")


def _refused(error: TwilioAPIError) -> Problem:
    """The problem for a refusal of Twilio."""
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
