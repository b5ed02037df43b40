"""A web application for tests of the simulator: it responds with given TwiML and keeps the requests."""

import io
from urllib.parse import parse_qsl

from aiohttp import web
from twilio.request_validator import RequestValidator

from support.speech import serving
from telebridge.audio import wav
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.resources.parameters import read_create
from telebridge.simulator.setup.options import AUTH_TOKEN, SimulatorOptions

HUNG_UP = "<Response><Hangup/></Response>"


class Application:
    """Responds to each path with a document, and keeps the requests."""

    def __init__(self, **documents):
        self.documents = documents
        self.requests = []
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self.respond)

    async def respond(self, request):
        fields = dict(await request.post()) if request.method == "POST" else dict(request.query)
        signed = dict(parse_qsl(await request.text(), keep_blank_values=True)) if request.method == "POST" else {}
        good = RequestValidator(AUTH_TOKEN).validate(str(request.url), signed, request.headers["X-Twilio-Signature"])
        self.requests.append((request.match_info["path"], fields, good))
        document = self.documents.get(request.match_info["path"], HUNG_UP)
        if callable(document):
            return await document(request)
        if isinstance(document, bytes):
            return web.Response(body=document, content_type="audio/wav")
        if isinstance(document, int):
            return web.Response(status=document)
        return web.Response(text=document, content_type="text/xml")

    def paths(self):
        return [path for path, _, _ in self.requests]

    def fields(self, path):
        return [fields for requested, fields, _ in self.requests if requested == path]


async def inbound_call(documents, script="listen 60s", **options):
    """Place an inbound call; returns the finished call and the application."""
    application = Application(**documents)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions(**options))
        placed = simulator.place_inbound_call(f"{url}/voice", parse_script(script), status_callback=f"{url}/status")
        await placed.finished
        await simulator.aclose()
    assert all(good for _, _, good in application.requests), "every request is signed as Twilio signs"
    return placed, application


async def outbound_call(documents, script, options=None, **parameters):
    """Create an outbound call; returns its resource and the application."""
    application = Application(**documents)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions(anybody=parse_script(script), calls_per_second=1000, **(options or {})))
        raw = {"To": ["+15550001111"], "From": ["+15550002222"], "Url": [f"{url}/voice"]}
        raw |= {
            "StatusCallback": [f"{url}/status"],
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        }
        raw |= {name: [value.replace("URL", url)] for name, value in parameters.items()}
        record = simulator.create(read_create(raw))
        await simulator.find(record.sid).finished
        await simulator.aclose()
    return record, application


def heard(placed):
    return b"".join(stretch.audio for stretch in placed.recording.heard)


def wav_bytes(mulaw):
    file = io.BytesIO()
    wav.write(file, mulaw)
    return file.getvalue()
