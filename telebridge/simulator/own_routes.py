"""The routes of the local Twilio that Twilio does not have: to place a call from a shell, and to look at it."""

import io
from collections.abc import Callable
from ipaddress import ip_address

from aiohttp import web

from telebridge.audio.wav import write_stereo
from telebridge.errors import ConfigurationError
from telebridge.simulator.account import CALLER_NUMBER, OWN_NUMBER, SimulatedCall, Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.resources.problems import ApiProblem


class OwnRoutes:
    """The handlers.

    Args:
        account: Returns the account; called at each request.
    """

    def __init__(self, account: Callable[[], Simulator]) -> None:
        self._account = account

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.router.add_post("/simulator/calls", self.place_call)
        app.router.add_get("/simulator/calls/{sid}.wav", self.recording)
        app.router.add_get("/simulator/calls/{sid}", self.timeline)
        app.router.add_get("/healthz", self.healthz)

    async def place_call(self, request: web.Request) -> web.Response:
        """Place an inbound call: `{"url": "…/twilio/voice", "script": "wait; press 1; hang up", "from": …, "to": …}`.

        Without a URL it goes to the voice webhook of the number, if one is set.
        """
        account = self._account()
        try:
            body = await request.json()
            placed = account.place_inbound_call(
                body.get("url"),
                parse_script(str(body.get("script", "wait; silence 1s; hang up")), read_audio=self._reader(request)),
                from_number=str(body.get("from", CALLER_NUMBER)),
                to_number=str(body.get("to", OWN_NUMBER)),
            )
        except ConfigurationError as error:
            return web.json_response({"problem": str(error)}, status=400)
        except (ValueError, AttributeError):
            return web.json_response({"problem": "the body must be a JSON object"}, status=400)
        return web.json_response({"sid": placed.record.sid}, status=201)

    async def timeline(self, request: web.Request) -> web.Response:
        """Return the events of a call so far."""
        placed = self._find(request)
        if isinstance(placed, web.Response):
            return placed
        events = [event.as_json() for event in placed.recording.events]
        body = {"call": placed.record.as_json(), "over": placed.finished.done(), "events": events}
        return web.json_response(body)

    async def recording(self, request: web.Request) -> web.Response:
        """Return a finished call as a stereo WAV file, the caller on the left."""
        placed = self._find(request)
        if isinstance(placed, web.Response):
            return placed
        if not placed.finished.done():
            return web.json_response({"problem": "the call is not over"}, status=409)
        file = io.BytesIO()
        write_stereo(file, placed.recording.caller_leg(), placed.recording.bridge_leg())
        return web.Response(body=file.getvalue(), content_type="audio/wav")

    async def healthz(self, _: web.Request) -> web.Response:
        """Say that the simulator runs."""
        return web.Response(text="ok\n")

    def _reader(self, request: web.Request) -> Callable[[str], bytes] | None:
        """Return the reader of the files of a script; None where the request comes from another machine."""
        is_here = request.remote is not None and ip_address(request.remote).is_loopback
        return self._account().options.read_audio if is_here else None

    def _find(self, request: web.Request) -> SimulatedCall | web.Response:
        try:
            return self._account().find(request.match_info["sid"])
        except ApiProblem as problem:
            return web.json_response(problem.as_json(), status=problem.status)
