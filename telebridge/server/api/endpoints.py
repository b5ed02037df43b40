"""The control API: one table of routes, which registers, checks and documents them."""

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from aiohttp import hdrs, web

from telebridge.call.runner.live_calls import LiveCalls
from telebridge.errors import NotLive
from telebridge.server.api.calls import KEY_HEADER, CallsDoor
from telebridge.server.api.control import ControlDoor
from telebridge.server.api.events import EventsDoor
from telebridge.server.api.models import (
    Accepted,
    CallPlaced,
    CallsQuery,
    CallsTold,
    CallTold,
    Cleared,
    EventsQuery,
    HangUp,
    PlaceCall,
    SayText,
    SendDigits,
    Transfer,
    UtteranceHeard,
    UtteranceQueued,
)
from telebridge.server.api.ports import CallControl
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import (
    JSON,
    ApiRoute,
    Header,
    register,
)
from telebridge.server.http.openapi import document

ROUTES = web.AppKey("ROUTES", tuple[ApiRoute[Any, Any], ...])
"""The table, for whoever describes it."""

UNKNOWN = {404: "Nobody knows that call."}
NOT_LIVE = {**UNKNOWN, 409: "The call is over, or cannot do so now; `detail` says which."}
NOT_SAID = {**NOT_LIVE, 502: "The speech service failed."}
IDEMPOTENCY = Header(
    KEY_HEADER,
    "The same key with the same body within 24 hours is the same call, placed once. Each process remembers its own.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
)
LAST_EVENT = Header(
    "Last-Event-ID", "Go on after this event; `gap` comes first when some are lost.", {"type": "string"}
)


def live_control(calls: LiveCalls) -> Callable[[str], CallControl | None]:
    """Finds the live calls of this process that can be controlled."""

    def find(call_sid: str) -> CallControl | None:
        runner: object = calls.find(call_sid)
        if runner is None:
            return None
        if not isinstance(runner, CallControl):
            raise NotLive(call_sid, "cannot be controlled by this bridge yet")
        return runner

    return find


def add_api(app: web.Application, routes: Sequence[ApiRoute[Any, Any]]) -> None:
    """Put the API into an application; problems and access are its middlewares' business."""
    described = (*routes, _description(routes))
    app[ROUTES] = described
    register(app, described)


def _description(routes: Sequence[ApiRoute[Any, Any]]) -> ApiRoute[Nothing, Nothing]:
    """The route that describes all others and itself."""

    async def openapi(_request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        return web.json_response(described)

    route = ApiRoute(
        hdrs.METH_GET,
        "/api/openapi.json",
        "describe",
        "This description.",
        openapi,
        query=Nothing,
        body=Nothing,
        answers={200: JSON},
        problems={},
    )
    described = document([*routes, route], version=_version())
    return route


def call_routes(calls: CallsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    """Calls as a whole."""
    return (
        ApiRoute(
            hdrs.METH_GET,
            "/api/calls",
            "list_calls",
            "List calls, newest first: live ones, and those that are remembered.",
            calls.list_calls,
            query=CallsQuery,
            body=Nothing,
            answers={200: CallsTold},
            problems={},
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/calls",
            "place_call",
            "Place a call; a flow speaks when it is answered.",
            calls.place_call,
            query=Nothing,
            body=PlaceCall,
            answers={201: CallPlaced},
            problems={
                413: "The body or the variables are too large.",
                502: "Twilio refused.",
                503: "This bridge cannot place calls, or Twilio is busy.",
                504: "Nobody knows whether the call was placed.",
            },
            headers=(IDEMPOTENCY,),
            example={"to": "+15551230000", "from": "+15551230001", "flow": "front-desk", "variables": {"name": "Ada"}},
        ),
        ApiRoute(
            hdrs.METH_GET,
            "/api/calls/{sid}",
            "tell_call",
            "Tell one call: what was said and heard, which keys, and what is being said.",
            calls.tell_call,
            query=Nothing,
            body=Nothing,
            answers={200: CallTold},
            problems=UNKNOWN,
        ),
    )


def control_routes(control: ControlDoor) -> tuple[ApiRoute[Any, Any], ...]:
    """What may be done to a live call."""
    return (
        ApiRoute(
            hdrs.METH_POST,
            "/api/calls/{sid}/say",
            "say",
            "Say something as soon as nothing else is being said.",
            control.say,
            query=Nothing,
            body=SayText,
            answers={200: UtteranceHeard, 202: UtteranceQueued},
            problems=NOT_SAID,
            example={"text": "Your taxi is here.", "barge_in": "any", "wait": False},
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/calls/{sid}/clear",
            "clear",
            "Silence what is being said.",
            control.clear,
            query=Nothing,
            body=Nothing,
            answers={200: Cleared},
            problems=NOT_LIVE,
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/calls/{sid}/send-digits",
            "send_digits",
            "Press keys into the call.",
            control.send_digits,
            query=Nothing,
            body=SendDigits,
            answers={200: UtteranceHeard, 202: UtteranceQueued},
            problems=NOT_SAID,
            example={"digits": "1w234#", "wait": True},
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/calls/{sid}/transfer",
            "transfer",
            "Connect the caller with somebody else.",
            control.transfer,
            query=Nothing,
            body=Transfer,
            answers={202: Accepted},
            problems=NOT_LIVE,
            example={"to": "+15551230100", "timeout": 30},
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/calls/{sid}/hang-up",
            "hang_up",
            "End the call, after a last word where there is one.",
            control.hang_up,
            query=Nothing,
            body=HangUp,
            answers={202: Accepted},
            problems=NOT_LIVE,
            example={"say": "Goodbye."},
        ),
    )


def event_routes(events: EventsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    """What happens, as it happens."""
    return (
        ApiRoute(
            hdrs.METH_GET,
            "/api/events",
            "follow_events",
            "Follow all calls as server-sent events.",
            events.events,
            query=EventsQuery,
            body=Nothing,
            answers={200: "text/event-stream"},
            problems={503: "Too many follow already."},
            headers=(LAST_EVENT,),
        ),
    )


def _version() -> str:
    try:
        return version("telebridge")
    except PackageNotFoundError:  # run from its folder, without being installed
        return "0"
