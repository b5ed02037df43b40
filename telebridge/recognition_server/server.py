"""The local recognizer as an aiohttp application, with the protocols of others.

The routes are `/v1/listen` and `/v2/listen` (Deepgram), `/v1/realtime` (OpenAI), `POST /v1/audio/transcriptions`
(OpenAI and most on-premises servers), `/ws` (Rime), `/` (Vosk), `POST /say`, which takes what the caller says next, and
`/healthz`.
"""

import asyncio
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from telebridge.recognition_server.connection import GARBAGE, RecognitionConnection
from telebridge.recognition_server.dialects import (
    DEEPGRAM_ENCODINGS,
    DeepgramDialect,
    RealtimeDialect,
    ServerDialect,
    VoskDialect,
)
from telebridge.recognition_server.flux_dialect import FluxDialect
from telebridge.recognition_server.rime_dialect import RimeDialect
from telebridge.recognition_server.script import CallerWords, ScriptedWords

LARGEST_BODY_BYTES = 25 << 20
LARGEST_MESSAGE_BYTES = 15 << 20
EXTENSIONS = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm")
HANGING_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class RecognitionServerOptions:
    """The options of the local recognizer.

    Args:
        api_key: The only key that is accepted; None for any.
        words: What callers say.
    """

    api_key: str | None = None
    words: CallerWords = field(default_factory=CallerWords)


def create_app(options: RecognitionServerOptions | None = None) -> web.Application:
    """Create the application of the local recognizer."""
    server = _Server(options or RecognitionServerOptions())
    app = web.Application(client_max_size=LARGEST_BODY_BYTES)
    app.router.add_get("/v1/listen", server.deepgram, allow_head=False)
    app.router.add_get("/v2/listen", server.flux, allow_head=False)
    app.router.add_get("/ws", server.rime, allow_head=False)
    app.router.add_get("/v1/realtime", server.realtime, allow_head=False)
    app.router.add_get("/", server.vosk, allow_head=False)
    app.router.add_post("/v1/audio/transcriptions", server.transcribe)
    app.router.add_post("/say", server.say)
    app.router.add_get("/healthz", _healthz)
    return app


class _Server:
    """The handlers."""

    def __init__(self, options: RecognitionServerOptions) -> None:
        self._options = options

    async def deepgram(self, request: web.Request) -> web.StreamResponse:
        """Serve `v1/listen`."""
        encoding, rate = request.query.get("encoding", ""), request.query.get("sample_rate", "")
        if (refused := self._refused(request, "Token")) is not None:
            return refused
        if encoding not in DEEPGRAM_ENCODINGS or not rate.isdecimal():
            problem = "encoding and sample_rate are required for raw audio"
            return web.json_response({"err_code": "Bad Request", "err_msg": problem}, status=400)
        return await self._serve(request, DeepgramDialect(encoding, int(rate)))

    async def flux(self, request: web.Request) -> web.StreamResponse:
        """Serve `v2/listen`."""
        query = request.query
        if (refused := self._refused(request, "Token")) is not None:
            return refused
        if not query.get("model", "").startswith("flux-"):
            problem = "model is required, and is one of Flux"
            return web.json_response({"err_code": "Bad Request", "err_msg": problem}, status=400)
        rate = query.get("sample_rate", "16000")
        return await self._serve(
            request, FluxDialect(query.get("encoding", "linear16"), int(rate) if rate.isdecimal() else 16_000)
        )

    async def rime(self, request: web.Request) -> web.StreamResponse:
        """Serve Rime's speech-to-text."""
        refused = self._refused(request, "Bearer")
        return await self._serve(request, RimeDialect()) if refused is None else refused

    async def realtime(self, request: web.Request) -> web.StreamResponse:
        """Serve the Realtime API."""
        if (refused := self._refused(request, "Bearer")) is not None:
            return refused
        query = request.query
        return await self._serve(request, RealtimeDialect(conversation="model" in query and "intent" not in query))

    async def vosk(self, request: web.Request) -> web.StreamResponse:
        """Serve Vosk's protocol, which knows no keys."""
        if self._options.words.refuse_status:
            return web.Response(status=self._options.words.refuse_status)
        return await self._serve(request, VoskDialect())

    async def transcribe(self, request: web.Request) -> web.StreamResponse:
        """Transcribe a file."""
        if (refused := self._refused(request, "Bearer")) is not None:
            return refused
        fields = await _fields(request)
        if not fields.get("model"):
            return _invalid("you must provide a model parameter")
        if fields.get("file", "").rpartition(".")[2] not in EXTENSIONS:
            return _invalid("Invalid file format.")
        words = self._options.words
        said = words.take(now=asyncio.get_running_loop().time()) or ScriptedWords("")
        await asyncio.sleep(HANGING_SECONDS if said.fault == "hangs" else said.delay_seconds)
        if said.fault == "garbage":
            return web.Response(text=GARBAGE)
        if said.fault == "closes":
            raise ConnectionResetError
        words.heard.append(said.text)
        return web.json_response({"text": said.text, "usage": {"type": "duration", "seconds": 1}})

    async def say(self, request: web.Request) -> web.StreamResponse:
        """Take what a caller says next: `text`, and what else `ScriptedWords` has."""
        try:
            self._options.words.say(ScriptedWords(**await request.json()))
        except (ValueError, TypeError) as error:
            return _invalid(str(error))
        return web.Response(status=204)

    def _refused(self, request: web.Request, scheme: str) -> web.Response | None:
        status, key = self._options.words.refuse_status, self._options.api_key
        if not status and key is not None:
            given = (request.headers.get("Authorization"), request.headers.get("api-key"))
            status = 0 if f"{scheme} {key}" == given[0] or key == given[1] else 401
        if not status:
            return None
        return web.json_response({"error": {"message": "refused", "code": str(status)}}, status=status)

    async def _serve(self, request: web.Request, dialect: ServerDialect) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_MESSAGE_BYTES, timeout=1.0)
        if not socket.can_prepare(request):
            return web.Response(status=426, text="this is a WebSocket")
        await socket.prepare(request)
        await RecognitionConnection(socket, dialect, self._options.words).serve()
        return socket


async def _fields(request: web.Request) -> dict[str, str]:
    """The fields of a form; of the file its name."""
    found: dict[str, str] = {}
    if not request.content_type.startswith("multipart/"):
        return found
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name:
            found[part.name] = part.filename or await part.text()
            if part.filename:
                await part.read()
    return found


def _invalid(problem: str) -> web.Response:
    error = {"message": problem, "type": "invalid_request_error", "param": None, "code": None}
    return web.json_response({"error": error}, status=400)


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
