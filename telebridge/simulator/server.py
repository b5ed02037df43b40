"""The local Twilio as an aiohttp application: the REST API of calls, and routes of its own to be called from a shell.

Follows Twilio's Call resource; `POST /simulator/calls` and what lies under it are not Twilio's.
"""

import asyncio
import base64
import binascii
import hmac
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from urllib.parse import parse_qsl

from aiohttp import web

from telebridge.audio.wav import write_stereo
from telebridge.errors import ConfigurationError
from telebridge.simulator.account import CALLER_NUMBER, OWN_NUMBER, Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.resources.call import API_VERSION
from telebridge.simulator.resources.parameters import ApiProblem, read_create, read_update
from telebridge.simulator.setup.faults import RestFault
from telebridge.simulator.setup.options import SimulatorOptions

SIMULATOR = web.AppKey("SIMULATOR", Simulator)
Door = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(options: SimulatorOptions | None = None) -> web.Application:
    """The local Twilio, ready to be served; its account is at `app[SIMULATOR]` once it runs."""
    options = options or SimulatorOptions()
    app = web.Application()
    rest = RestApi(options)
    calls = f"/{API_VERSION}/Accounts/{{account}}/Calls"
    app.router.add_post(f"{calls}.json", rest.guarded(rest.create))
    app.router.add_get(f"{calls}.json", rest.guarded(rest.list))
    app.router.add_get(f"{calls}/{{sid}}.json", rest.guarded(rest.fetch))
    app.router.add_post(f"{calls}/{{sid}}.json", rest.guarded(rest.update))
    app.router.add_delete(f"{calls}/{{sid}}.json", rest.guarded(rest.delete))
    app.router.add_post("/simulator/calls", _call_in)
    app.router.add_get("/simulator/calls/{sid}.wav", _recording)
    app.router.add_get("/simulator/calls/{sid}", _timeline)
    app.router.add_get("/healthz", _healthz)

    async def account_is_open(running: web.Application) -> AsyncIterator[None]:
        running[SIMULATOR] = Simulator(options)
        yield
        await running[SIMULATOR].aclose()

    app.cleanup_ctx.append(account_is_open)
    return app


class RestApi:
    """`/2010-04-01/Accounts/{sid}/Calls`, with the faults that the options want."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._faults = list(options.faults.rest)

    def guarded(self, door: Door) -> Door:
        """Only for those who know the account's credentials; problems are answered as Twilio's."""

        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                self._authenticate(request)
                fault = self._fault(request.method)
                if fault.delay_seconds:
                    await asyncio.sleep(fault.delay_seconds)
                if fault.status is not None:
                    raise ApiProblem(fault.status, fault.code)
                answer = await door(request)
            except ApiProblem as problem:
                return web.json_response(problem.as_json(), status=problem.status)
            if fault.lose_answer and request.transport is not None:
                request.transport.abort()
            return answer

        return answered

    async def create(self, request: web.Request) -> web.Response:
        """Take an order: 201 means queued, nothing more."""
        order = read_create(await _form(request), owned_numbers=self._options.owned_numbers)
        return web.json_response(request.app[SIMULATOR].create(order).as_json(), status=201)

    async def list(self, request: web.Request) -> web.Response:
        """A page of calls."""
        return web.json_response(request.app[SIMULATOR].book.page(dict(request.query)))

    async def fetch(self, request: web.Request) -> web.Response:
        """One call."""
        return web.json_response(request.app[SIMULATOR].book.find(request.match_info["sid"]).as_json())

    async def update(self, request: web.Request) -> web.Response:
        """End a call, or let another document lead it."""
        record = request.app[SIMULATOR].update(request.match_info["sid"], read_update(await _form(request)))
        return web.json_response(record.as_json())

    async def delete(self, request: web.Request) -> web.Response:
        """Forget a call that is over."""
        request.app[SIMULATOR].book.delete(request.match_info["sid"])
        return web.Response(status=204)

    def _authenticate(self, request: web.Request) -> None:
        user, password = _credentials(request.headers.get("Authorization", ""))
        secrets = {self._options.account_sid: self._options.auth_token, **self._options.api_keys}
        wanted = secrets.get(user)
        if wanted is None or not hmac.compare_digest(password.encode(), wanted.encode()):
            raise ApiProblem(401, 20003)
        if request.match_info["account"] != self._options.account_sid:
            raise ApiProblem(404, 20404, request.path)

    def _fault(self, method: str) -> RestFault:
        for fault in self._faults:
            if fault.method == method:
                self._faults.remove(fault)
                return fault
        return RestFault(method)


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


async def _form(request: web.Request) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    pairs: Iterable[tuple[str, str]] = parse_qsl(await request.text(), keep_blank_values=True)
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


async def _call_in(request: web.Request) -> web.Response:
    """Let somebody call: `{"url": "…/twilio/voice", "script": "wait; press 1; hang up", "from": …, "to": …}`."""
    try:
        asked = await request.json()
        script = parse_script(str(asked.get("script", "wait; silence 1s; hang up")))
        placed = request.app[SIMULATOR].place_inbound_call(
            asked.get("url"),
            script,
            from_number=str(asked.get("from", CALLER_NUMBER)),
            to_number=str(asked.get("to", OWN_NUMBER)),
        )
    except ConfigurationError as error:
        return web.json_response({"problem": str(error)}, status=400)
    except (ValueError, AttributeError):
        return web.json_response({"problem": "the body must be a JSON object"}, status=400)
    return web.json_response({"sid": placed.record.sid}, status=201)


async def _timeline(request: web.Request) -> web.Response:
    """What happened in a call so far."""
    try:
        placed = request.app[SIMULATOR].find(request.match_info["sid"])
    except ApiProblem as problem:
        return web.json_response(problem.as_json(), status=problem.status)
    events = [event.as_json() for event in placed.recording.events]
    told = {"call": placed.record.as_json(), "over": placed.finished.done(), "events": events}
    return web.json_response(told)


async def _recording(request: web.Request) -> web.Response:
    """How a finished call sounded: a stereo WAV, the caller on the left."""
    try:
        placed = request.app[SIMULATOR].find(request.match_info["sid"])
    except ApiProblem as problem:
        return web.json_response(problem.as_json(), status=problem.status)
    if not placed.finished.done():
        return web.json_response({"problem": "the call is not over"}, status=409)
    file = io.BytesIO()
    write_stereo(file, placed.recording.caller_leg(), placed.recording.bridge_leg())
    return web.Response(body=file.getvalue(), content_type="audio/wav")


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
