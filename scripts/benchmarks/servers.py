"""The servers that are measured, each a process of its own: `servers.py bridge | thinnest FLOWS_DIR`.

Prints its port when it listens. The bridge is the real one but for the voice, which is a recording that arrives five
times as fast as it plays: what is measured is the carrying of calls, not a synthesizer.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from telebridge.app.bridge import listening_options
from telebridge.audio.tones import sine
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.ports import CallPorts
from telebridge.call.session.session import SessionOptions
from telebridge.server.twilio.prompts import PromptHandler
from telebridge.server.twilio.request_validation import RequestValidator
from telebridge.server.twilio.routes import add_routes
from telebridge.settings import BargeInSettings
from telebridge.speech.source import Audio
from telebridge.speech.utterance import Utterance
from telebridge.twilio.signed_urls import CallVariables, PromptTokens, StreamTokens

CHUNK_MS = 400  # Rime's larger chunks are of about four thousand bytes
FASTER_THAN_PLAYED = 5


class Recording:
    """A source that says the same thing, in chunks that arrive as a fast synthesizer's do."""

    def __init__(self, seconds: float) -> None:
        chunk = sine(440, CHUNK_MS)
        self._chunks = [chunk] * int(seconds * 1000 / CHUNK_MS)

    def speak(self, text: object, *, voice: object = None) -> Utterance:  # noqa: ARG002 - says one thing only
        utterance = Utterance()
        task = asyncio.create_task(self._fill(utterance))
        utterance.maker = task  # keeps it alive
        return utterance

    async def aclose(self) -> None:
        return

    async def _fill(self, utterance: Utterance) -> None:
        for chunk in self._chunks:
            utterance.put(Audio(chunk))
            await asyncio.sleep(CHUNK_MS / 1000 / FASTER_THAN_PLAYED)
        utterance.end()


def bridge(flows_dir: Path, prompt_seconds: float) -> web.Application:
    """The bridge, with a recording for a voice."""
    flows = FlowCatalogue(flows_dir)
    flows.load()
    app = web.Application()
    session = SessionOptions(listening=listening_options(BargeInSettings()))
    outside = CallPorts(Recording(prompt_seconds))
    calls = LiveCalls(flows, outside, session)
    tokens = StreamTokens("bench")
    prompts = PromptHandler(outside.source, PromptTokens("bench"))
    variables, no_campaigns = CallVariables("bench"), None
    add_routes(
        app,
        calls,
        RequestValidator("", ""),
        tokens,
        variables,
        prompts,
        no_campaigns,
        default_flow=flows.names[0],
        numbers={},
    )
    return app


def thinnest() -> web.Application:
    """The least an aiohttp server can do: read the messages."""

    async def media(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(decode_text=False, compress=False)
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_get("/twilio/media/{token}", media)
    return app


async def serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    application = thinnest() if sys.argv[1] == "thinnest" else bridge(Path(sys.argv[2]), float(sys.argv[3]))
    uvloop.run(serve(application))
