"""A recognizer that is asked by one HTTP request for each utterance, once the caller has stopped.

One rule: each utterance that ended gets one final transcript within `answer_seconds`.
"""

import asyncio

import aiohttp
from typing_extensions import override

from telebridge.errors import RemoteProtocolError
from telebridge.logs import logger
from telebridge.outgoing.http_body import read_body
from telebridge.recognition.health import REFUSALS, RecognizerHealth
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.protocols.openai_http import (
    TranscriptionRequest,
    transcription_answer,
    transcription_request,
)
from telebridge.recognition.source import (
    FinalTranscript,
    Recognition,
    RecognitionRequest,
    Recognizer,
    TranscriptSink,
)
from telebridge.tasks import Tasks
from telebridge.timing.running_time import RunningTimeout

log = logger(__name__)

LARGEST_ANSWER_BYTES = 1 << 20
OK = 200


class HttpRecognizer(Recognizer):
    """See the module."""

    def __init__(self, options: RecognizerOptions) -> None:
        self._options = options
        self._health = RecognizerHealth()
        self._session: aiohttp.ClientSession | None = None
        self.tasks = Tasks("recognition")

    @property
    @override
    def available(self) -> bool:
        return self._health.available(now=asyncio.get_running_loop().time())

    @override
    def listen(self, request: RecognitionRequest, sink: TranscriptSink) -> Recognition:
        return _HttpRecognition(self, request, sink)

    @override
    async def aclose(self) -> None:
        self.tasks.cancel()
        await self.tasks.wait()
        if self._session is not None:
            await self._session.close()

    async def transcribe(self, utterance: int, request: RecognitionRequest, mulaw: bytes) -> FinalTranscript:
        """Ask for the transcript of an utterance; one that says why nothing is known where there is no answer."""
        wanted = transcription_request(self._options, request, mulaw)
        if wanted is None:
            return FinalTranscript(utterance, "")
        if not self.available:
            return FinalTranscript(utterance, "", failure="no recognizer is there")
        try:
            async with RunningTimeout(self._options.answer_seconds):
                status, body = await self._post(wanted)
            if status == OK:
                final = transcription_answer(utterance, body)
                self._health.succeeded()
                return final
            return self._failed(utterance, f"the request is refused with {status}", status=status)
        except TimeoutError:
            return self._failed(utterance, "no answer in time")
        except (RemoteProtocolError, aiohttp.ClientError, OSError, ValueError) as error:
            return self._failed(utterance, f"{type(error).__name__}: {error}")

    async def _post(self, wanted: TranscriptionRequest) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=True)
        form = aiohttp.FormData()
        for name, value in wanted.fields:
            form.add_field(name, value)
        form.add_field("file", wanted.wav, filename="speech.wav", content_type="audio/wav")
        async with self._session.post(wanted.address, data=form, headers=wanted.headers) as response:
            body = await read_body(response, most_bytes=LARGEST_ANSWER_BYTES)
        if body is None:
            raise RemoteProtocolError("the transcription server", f"answered more than {LARGEST_ANSWER_BYTES} bytes")
        return response.status, body

    def _failed(self, utterance: int, problem: str, *, status: int | None = None) -> FinalTranscript:
        seconds = self._health.failed(now=asyncio.get_running_loop().time(), status=status)
        hint = "check recognition.api_key" if status in REFUSALS else ""
        log.warning("recognizer failed", error=problem, hint=hint, keys_only_seconds=round(seconds, 1))
        return FinalTranscript(utterance, "", failure=problem)


class _HttpRecognition(Recognition):
    """The recognition of one question."""

    def __init__(self, recognizer: HttpRecognizer, request: RecognitionRequest, sink: TranscriptSink) -> None:
        self._recognizer = recognizer
        self._request = request
        self._sink: TranscriptSink | None = sink
        self._utterance = 0
        self._spoken: bytearray | None = None

    @override
    def begin_speech(self) -> None:
        if self._spoken is None:
            self._utterance += 1
            self._spoken = bytearray()

    @override
    def feed(self, mulaw: bytes) -> None:
        if self._spoken is not None:
            self._spoken += mulaw

    @override
    def end_speech(self) -> None:
        spoken, self._spoken = self._spoken, None
        if spoken is not None and self._sink is not None:
            _ = self._recognizer.tasks.start(self._ask(self._utterance, bytes(spoken)))

    @override
    def close(self) -> None:
        self._sink = None

    async def _ask(self, utterance: int, mulaw: bytes) -> None:
        final = await self._recognizer.transcribe(utterance, self._request, mulaw)
        if self._sink is not None:
            self._sink(final)
