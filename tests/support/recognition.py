"""A recognizer and the local recognizer that it talks to, in memory and on virtual time."""

import asyncio
from contextlib import asynccontextmanager
from functools import wraps

from aiohttp import web

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import open_recognizer
from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition_server.script import ScriptedWords
from telebridge.recognition_server.server import RecognitionServerOptions, create_app
from telebridge.testing.bench.bench import cancel_rest
from telebridge.testing.network.loop import PhoneLoop
from telebridge.testing.network.network import MemoryNetwork

PATHS = {
    "deepgram": "ws://127.0.0.1:9003/v1/listen",
    "deepgram-flux": "ws://127.0.0.1:9003/v2/listen",
    "openai": "ws://127.0.0.1:9003/v1/realtime",
    "openai-http": "http://127.0.0.1:9003/v1/audio/transcriptions",
    "rime": "ws://127.0.0.1:9003/ws",
    "vosk": "ws://127.0.0.1:9003/",
}
FRAME = bytes(20 * BYTES_PER_MS)


class Listened:
    """One question: what is said to it, and what is heard."""

    def __init__(self, recognizer, request=None):
        self.transcripts = []
        self.arrived_at = []
        self.recognition = recognizer.listen(request or RecognitionRequest(), self._take)

    def _take(self, transcript):
        self.transcripts.append(transcript)
        self.arrived_at.append(asyncio.get_running_loop().time())

    async def speak(self, ms=1000):
        """Speak in real time; returns when that is over."""
        self.recognition.begin_speech()
        for _ in range(ms // 20):
            self.recognition.feed(FRAME)
            await asyncio.sleep(0.02)
        self.recognition.end_speech()

    @property
    def finals(self):
        return [each for each in self.transcripts if isinstance(each, FinalTranscript)]

    @property
    def partials(self):
        return [each.text for each in self.transcripts if not isinstance(each, FinalTranscript)]


@asynccontextmanager
async def recognizers(provider, *, server=None, app=None, **changes):
    """A recognizer of that provider, what its server is told, and the network; `app` stands in for the server."""
    network = asyncio.get_running_loop().network
    server = server or RecognitionServerOptions()
    runner = web.AppRunner(app or create_app(server), access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    network.serve("ws://127.0.0.1:9003", runner.server)
    options = RecognizerOptions(provider, **{"url": PATHS[provider], "language": "en", **changes})
    recognizer = open_recognizer(options)
    try:
        yield recognizer, server.words, network
    finally:
        await recognizer.aclose()
        await runner.cleanup()


def in_memory(test):
    """Run an asynchronous test on virtual time, with connections in memory."""

    @wraps(test)
    def run(*args, **kwargs):
        loop = PhoneLoop(MemoryNetwork())
        try:
            return loop.run_until_complete(test(*args, **kwargs))
        finally:
            loop.run_until_complete(cancel_rest())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    return run


def said(text, **how):
    return ScriptedWords(text, **how)
