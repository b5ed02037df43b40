"""The local Rime as an aiohttp application, which follows Rime's documents.

The routes are `/ws`, `/ws2` and `/ws3` (and `/`, as in Rime's on-premises containers), `POST /v1/rime-tts`, the
catalogue of voices, and health.
"""

import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from telebridge.errors import ConfigurationError
from telebridge.logs import logger
from telebridge.rime.messages import Side
from telebridge.rime.parameters import SPEAKERS
from telebridge.rime.plain import PlainConnection
from telebridge.rime.structured import Edition, StructuredConnection
from telebridge.speech_server.buffer import (
    CLAUSE_MARKS,
    SENTENCE_MARKS,
    BoundaryRules,
    SegmentMode,
    SegmentRules,
    SynthesisBuffer,
)
from telebridge.speech_server.connection import ERROR_CLOSE, ConnectionSetup, SpeechConnection
from telebridge.speech_server.credentials import refusal
from telebridge.speech_server.formats import encoder
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.query import MIST, RequestedSpeech, problem_of, requested_by_query
from telebridge.speech_server.speech_request import SpeechRequestHandler
from telebridge.speech_server.voices.pool import EspeakWorkers, missing_packages
from telebridge.speech_server.voices.tone import ToneVoice
from telebridge.speech_server.voices.voice import Synthesizer

log = logger(__name__)

LARGEST_MESSAGE_BYTES = 1 << 20


def create_app(options: SpeechServerOptions | None = None) -> web.Application:
    """Create the application of the speech server."""
    options = options or SpeechServerOptions()
    voice = options.voice or local_voice(options.workers)
    sockets = SocketHandler(options, voice)
    requests = SpeechRequestHandler(options, voice)
    app = web.Application(client_max_size=LARGEST_MESSAGE_BYTES)
    for path, edition in {"/": None, "/ws": None, "/ws2": Edition.WS2, "/ws3": Edition.WS3}.items():
        app.router.add_get(path, sockets.handler(edition), allow_head=False)
    app.router.add_post("/v1/rime-tts", requests.speak)
    app.router.add_post("/", requests.speak)
    app.router.add_get("/data/voices/all-v2.json", _voices)
    app.router.add_get("/health", _health)
    app.router.add_get("/healthz", _healthz)

    async def voice_runs(_: web.Application) -> AsyncIterator[None]:
        await voice.start()
        yield
        await voice.aclose()

    app.cleanup_ctx.append(voice_runs)
    return app


def local_voice(workers: int) -> Synthesizer:
    """Return the best synthesizer that is installed: espeak-ng, or a hum, with a warning in the log."""
    if missing := missing_packages():
        log.warning("no voice is installed: words will be hummed", missing=", ".join(missing), hint="telebridge[voice]")
        return ToneVoice()
    return EspeakWorkers(count=workers)


class SocketHandler:
    """Accepts WebSockets, or refuses them in plain text before the upgrade."""

    def __init__(self, options: SpeechServerOptions, voice: Synthesizer) -> None:
        self._options = options
        self._voice = voice
        self._opened_at: deque[float] = deque()

    def handler(self, edition: Edition | None) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the handler of one path; `edition` is None for the plain protocol."""

        async def handle(request: web.Request) -> web.StreamResponse:
            speech = requested_by_query(request.query_string, default_model=self._options.default_model)
            if (refused := self._refused(request, speech)) is not None:
                return refused
            return await self._serve(request, speech, edition)

        return handle

    def _refused(self, request: web.Request, speech: RequestedSpeech) -> web.Response | None:
        faults = self._options.faults.at_upgrade()
        if faults.refuse_status:
            return web.Response(status=faults.refuse_status, text=faults.refuse_words or "refused on purpose")
        if (words := refusal(self._options.api_key, request.headers.get("Authorization"))) is not None:
            return web.Response(status=401, text=words)
        if self._too_fast():
            return web.Response(status=429, text="Currently at websocket limit")
        if (problem := problem_of(speech)) is not None:
            return web.Response(status=400, text=problem)
        return None

    def _too_fast(self) -> bool:
        """Return whether the rate of upgrades is over its limit."""
        limit = self._options.opens_per_second
        if not limit:
            return False
        now = time.monotonic()
        while self._opened_at and now - self._opened_at[0] > 1:
            self._opened_at.popleft()
        if len(self._opened_at) >= limit:
            return True
        self._opened_at.append(now)
        return False

    async def _serve(
        self, request: web.Request, speech: RequestedSpeech, edition: Edition | None
    ) -> web.StreamResponse:
        try:
            setup = self._setup(speech, edition)
        except ConfigurationError as error:
            return web.Response(status=400, text=str(error))
        socket = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_MESSAGE_BYTES, timeout=1.0)
        await socket.prepare(request)
        if self._options.known_speakers_only and not _is_known(speech.speaker):
            await socket.close(code=ERROR_CLOSE, message=b"400: Speaker not found")
            return socket
        await SpeechConnection(socket, setup).serve(idle_seconds=self._options.idle_seconds)
        return socket

    def _setup(self, speech: RequestedSpeech, edition: Edition | None) -> ConnectionSetup:
        options = self._options
        plain = edition is None
        clauses = plain and speech.model in MIST
        rules = SegmentRules(
            mode=SegmentMode(speech.segment),
            boundaries=BoundaryRules(CLAUSE_MARKS if clauses else SENTENCE_MARKS, options.hold_final_period),
            max_characters=options.max_characters,
            clear=options.clear,
        )
        wire = (
            PlainConnection(Side.RIME, lenient_commands=options.lenient_commands)
            if edition is None
            else StructuredConnection(Side.RIME, edition, older_spelling=options.older_spelling)
        )
        return ConnectionSetup(
            speech,
            wire,
            SynthesisBuffer(rules),
            encoder(speech.audio_format, speech.sampling_rate),
            self._voice,
            options.faults,
        )


def _is_known(speaker: str) -> bool:
    return any(speaker in names.split() for by_lang in SPEAKERS.values() for names in by_lang.values())


async def _voices(_: web.Request) -> web.Response:
    catalogue = {model: {lang: names.split() for lang, names in langs.items()} for model, langs in SPEAKERS.items()}
    return web.json_response(catalogue)


async def _health(_: web.Request) -> web.Response:
    body = {
        "apiStatus": "ok",
        "timestamp": datetime.now(UTC).isoformat(),
        "licenseStatus": "valid",
        "modelReachable": True,
    }
    return web.json_response(body)


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
