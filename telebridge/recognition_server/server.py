"""The local recognizer as an aiohttp application, with the protocols of others.

The routes are `/v1/listen` and `/v2/listen` (Deepgram), `/v1/realtime` (OpenAI), `POST /v1/audio/transcriptions`
(OpenAI and most on-premises servers), `/ws` (Rime), `/` (Vosk), `POST /say`, which takes what the caller says next, and
`/healthz`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from aiohttp import BodyPartReader, web

from telebridge.audio.decoding import decode
from telebridge.recognition.source import Recognizer
from telebridge.recognition_server.connection import GARBAGE, RecognitionConnection
from telebridge.recognition_server.dialects import (
    DeepgramDialect,
    RealtimeDialect,
    ServerDialect,
    VoskDialect,
)
from telebridge.recognition_server.flux_dialect import FluxDialect
from telebridge.recognition_server.formats import CODINGS, AudioCoding, SentFormat, is_rate
from telebridge.recognition_server.hearing import HeardUtterances
from telebridge.recognition_server.rime_dialect import RimeDialect
from telebridge.recognition_server.script import CallerWords, ScriptedWords

LARGEST_BODY_BYTES = 25 << 20
LARGEST_MESSAGE_BYTES = 15 << 20
EXTENSIONS = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm")
HANGING_SECONDS = 3600.0
FLUX_DEFAULTS = {"encoding": "linear16", "sample_rate": "16000"}


@dataclass(frozen=True, slots=True)
class RecognitionServerOptions:
    """The options of the local recognizer.

    Args:
        api_key: The only key that is accepted; None for any.
        words: What callers say.
        recognizer: Hears what they say where nothing was told; None where that is nothing. The server closes it.
    """

    api_key: str | None = None
    words: CallerWords = field(default_factory=CallerWords)
    recognizer: Recognizer | None = None


def create_app(options: RecognitionServerOptions | None = None) -> web.Application:
    """Create the application of the local recognizer."""
    options = options or RecognitionServerOptions()
    server = _Server(options)
    app = web.Application(client_max_size=LARGEST_BODY_BYTES)
    if options.recognizer is not None:
        app.cleanup_ctx.append(partial(_prepared, options.recognizer))
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
        if (refused := self._refused(request, "Token")) is not None:
            return refused
        audio_format = _deepgram_format(request.query)
        if audio_format is None:
            problem = "encoding and sample_rate are required for raw audio"
            return web.json_response({"err_code": "Bad Request", "err_msg": problem}, status=400)
        return await self._serve(request, DeepgramDialect(audio_format))

    async def flux(self, request: web.Request) -> web.StreamResponse:
        """Serve `v2/listen`."""
        query = request.query
        if (refused := self._refused(request, "Token")) is not None:
            return refused
        if not query.get("model", "").startswith("flux-"):
            problem = "model is required, and is one of Flux"
            return web.json_response({"err_code": "Bad Request", "err_msg": problem}, status=400)
        audio_format = _deepgram_format({**FLUX_DEFAULTS, **query})
        if audio_format is None:
            problem = "encoding or sample_rate is not supported"
            return web.json_response({"err_code": "Bad Request", "err_msg": problem}, status=400)
        return await self._serve(request, FluxDialect(audio_format))

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
        fields, sent = await _form(request)
        if not fields.get("model"):
            return _invalid("you must provide a model parameter")
        if fields.get("file", "").rpartition(".")[2] not in EXTENSIONS:
            return _invalid("Invalid file format.")
        words = self._options.words
        told = words.take(now=asyncio.get_running_loop().time())
        said = told or ScriptedWords("")
        await asyncio.sleep(HANGING_SECONDS if said.fault == "hangs" else said.delay_seconds)
        if said.fault == "garbage":
            return web.Response(text=GARBAGE)
        if said.fault == "closes":
            raise ConnectionResetError
        text = said.text
        if told is None and self._options.recognizer is not None:
            try:
                text = await _heard_file(self._options.recognizer, sent)
            except ValueError as error:
                return _invalid(str(error))
        words.heard.append(text)
        return web.json_response({"text": text, "usage": {"type": "duration", "seconds": 1}})

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
        await RecognitionConnection(socket, dialect, self._options.words, self._options.recognizer).serve()
        return socket


def _deepgram_format(query: Mapping[str, str]) -> SentFormat | None:
    """The format that the query of an address of Deepgram's names; None where it is none."""
    encoding, rate = query.get("encoding", ""), query.get("sample_rate", "")
    if encoding not in CODINGS or not rate.isdecimal() or not is_rate(int(rate)):
        return None
    return SentFormat(cast("AudioCoding", encoding), int(rate))


async def _form(request: web.Request) -> tuple[dict[str, str], bytes]:
    """The fields of a form, of the file its name; and the file."""
    found: dict[str, str] = {}
    sent = b""
    if not request.content_type.startswith("multipart/"):
        return found, sent
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name:
            found[part.name] = part.filename or await part.text()
            if part.filename:
                sent = bytes(await part.read())
    return found, sent


async def _heard_file(recognizer: Recognizer, sent: bytes) -> str:
    """The words of an audio file.

    Raises:
        ValueError: It cannot be read.
    """
    utterances = HeardUtterances(recognizer)
    try:
        utterances.feed(decode(sent))
        return (await utterances.end()).text
    finally:
        utterances.close()


async def _prepared(recognizer: Recognizer, _: web.Application) -> AsyncIterator[None]:
    """Load the recognizer with the server, and close it with it."""
    await recognizer.prepare()
    yield
    await recognizer.aclose()


def _invalid(problem: str) -> web.Response:
    error = {"message": problem, "type": "invalid_request_error", "param": None, "code": None}
    return web.json_response({"error": error}, status=400)


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
