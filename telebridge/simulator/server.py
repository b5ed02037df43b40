"""The local Twilio as an aiohttp application: Twilio's REST API of calls and numbers, and routes for use from a shell.

Follows Twilio's Call, IncomingPhoneNumber and Account resources. The routes under `/simulator/calls` are the
simulator's own.
"""

import asyncio
import base64
import binascii
import hmac
import io
from collections.abc import AsyncIterator, Iterable
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler

from telebridge.audio.wav import write_stereo
from telebridge.errors import ConfigurationError
from telebridge.simulator.account import CALLER_NUMBER, OWN_NUMBER, Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.resources.call import API_VERSION
from telebridge.simulator.resources.numbers import NumberBook, account_json
from telebridge.simulator.resources.parameters import read_create, read_update
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.setup.faults import RestFault
from telebridge.simulator.setup.options import SimulatorOptions

SIMULATOR = web.AppKey("SIMULATOR", Simulator)
NUMBERS = web.AppKey("NUMBERS", NumberBook)


def create_app(options: SimulatorOptions | None = None) -> web.Application:
    """Create the application of the local Twilio. Once it runs, `app[SIMULATOR]` is its account."""
    options = options or SimulatorOptions()
    app = web.Application()
    rest = RestApi(options)
    calls = f"/{API_VERSION}/Accounts/{{account}}/Calls"
    app.router.add_post(f"{calls}.json", rest.authenticated(rest.create))
    app.router.add_get(f"{calls}.json", rest.authenticated(rest.list))
    app.router.add_get(f"{calls}/{{sid}}.json", rest.authenticated(rest.fetch))
    app.router.add_post(f"{calls}/{{sid}}.json", rest.authenticated(rest.update))
    app.router.add_delete(f"{calls}/{{sid}}.json", rest.authenticated(rest.delete))
    numbers = f"/{API_VERSION}/Accounts/{{account}}/IncomingPhoneNumbers"
    app.router.add_get(f"{numbers}.json", rest.authenticated(rest.list_numbers))
    app.router.add_get(f"{numbers}/{{sid}}.json", rest.authenticated(rest.fetch_number))
    app.router.add_post(f"{numbers}/{{sid}}.json", rest.authenticated(rest.update_number))
    app.router.add_get(f"/{API_VERSION}/Accounts/{{account}}.json", rest.authenticated(rest.account))
    app[NUMBERS] = rest.numbers
    app.router.add_post("/simulator/calls", _place_call)
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
    """The handlers of `/2010-04-01/Accounts/{sid}`: calls, numbers, the account; with the REST faults of the options.

    Attributes:
        numbers: The numbers of the account.
    """

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self.numbers = NumberBook(options.account_sid, options.owned_numbers or {OWN_NUMBER})
        self._faults = list(options.faults.rest)

    def authenticated(self, handler: Handler) -> Handler:
        """Wrap a handler: check the credentials, apply a fault, and turn problems into Twilio's error responses."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                self._authenticate(request)
                fault = self._fault(request.method)
                if fault.delay_seconds:
                    await asyncio.sleep(fault.delay_seconds)
                if fault.status is not None:
                    raise ApiProblem(fault.status, fault.code)
                response = await handler(request)
            except ApiProblem as problem:
                return web.json_response(problem.as_json(), status=problem.status)
            if fault.lose_answer and request.transport is not None:
                request.transport.abort()
            return response

        return handle

    async def create(self, request: web.Request) -> web.Response:
        """Create a call. The status 201 means that it is queued, not that it was dialed."""
        setup = read_create(await _form(request), owned_numbers=self._options.owned_numbers)
        return web.json_response(request.app[SIMULATOR].create(setup).as_json(), status=201)

    async def list(self, request: web.Request) -> web.Response:
        """Return a page of calls."""
        return web.json_response(request.app[SIMULATOR].books.calls.page(dict(request.query)))

    async def fetch(self, request: web.Request) -> web.Response:
        """Return one call."""
        return web.json_response(request.app[SIMULATOR].books.calls.find(request.match_info["sid"]).as_json())

    async def update(self, request: web.Request) -> web.Response:
        """End a call, or replace its TwiML."""
        record = request.app[SIMULATOR].update(request.match_info["sid"], read_update(await _form(request)))
        return web.json_response(record.as_json())

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a call that is over."""
        request.app[SIMULATOR].books.calls.delete(request.match_info["sid"])
        return web.Response(status=204)

    async def list_numbers(self, request: web.Request) -> web.Response:
        """Return a page of the numbers."""
        return web.json_response(self.numbers.page(dict(request.query)))

    async def fetch_number(self, request: web.Request) -> web.Response:
        """Return one number."""
        return web.json_response(self.numbers.find(request.match_info["sid"]).as_json())

    async def update_number(self, request: web.Request) -> web.Response:
        """Change the webhooks of a number."""
        number = self.numbers.find(request.match_info["sid"])
        number.update(await _form(request))
        return web.json_response(number.as_json())

    async def account(self, _: web.Request) -> web.Response:
        """Return the account."""
        return web.json_response(account_json(self._options.account_sid, trial=self._options.trial))

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


async def _place_call(request: web.Request) -> web.Response:
    """Place an inbound call: `{"url": "…/twilio/voice", "script": "wait; press 1; hang up", "from": …, "to": …}`.

    Without a URL it goes to the voice webhook of the number, if one is set.
    """
    try:
        body = await request.json()
        script = parse_script(str(body.get("script", "wait; silence 1s; hang up")))
        to_number = str(body.get("to", OWN_NUMBER))
        number = request.app[NUMBERS].of(to_number)
        webhooks = {} if number is None or body.get("url") else number.values
        placed = request.app[SIMULATOR].place_inbound_call(
            body.get("url") or webhooks.get("voice_url"),
            script,
            from_number=str(body.get("from", CALLER_NUMBER)),
            to_number=to_number,
            status_callback=webhooks.get("status_callback") or None,
        )
    except ConfigurationError as error:
        return web.json_response({"problem": str(error)}, status=400)
    except (ValueError, AttributeError):
        return web.json_response({"problem": "the body must be a JSON object"}, status=400)
    return web.json_response({"sid": placed.record.sid}, status=201)


async def _timeline(request: web.Request) -> web.Response:
    """Return the events of a call so far."""
    try:
        placed = request.app[SIMULATOR].find(request.match_info["sid"])
    except ApiProblem as problem:
        return web.json_response(problem.as_json(), status=problem.status)
    events = [event.as_json() for event in placed.recording.events]
    body = {"call": placed.record.as_json(), "over": placed.finished.done(), "events": events}
    return web.json_response(body)


async def _recording(request: web.Request) -> web.Response:
    """Return a finished call as a stereo WAV file, the caller on the left."""
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
