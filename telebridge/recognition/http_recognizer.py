"""A recognizer that is asked by one HTTP request for each utterance, once the caller has stopped.

Nothing is heard early, at a pause: each request is paid for, and its answer would seldom come before the caller is
known to have stopped.

One rule: each utterance that ended gets one final transcript within `answer_seconds`.
"""

from collections.abc import Callable

import aiohttp
from typing_extensions import override

from telebridge.errors import RemoteProtocolError
from telebridge.outgoing.http_body import read_body
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.protocols.openai_http import (
    TranscriptionRequest,
    transcription_answer,
    transcription_request,
)
from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition.whole_utterances import WholeUtteranceRecognizer
from telebridge.timing.running_time import RunningTimeout

LARGEST_ANSWER_BYTES = 1 << 20
OK = 200


class HttpRecognizer(WholeUtteranceRecognizer):
    """See the module."""

    def __init__(self, options: RecognizerOptions) -> None:
        super().__init__()
        self._options = options
        self._session: aiohttp.ClientSession | None = None

    @override
    async def aclose(self) -> None:
        await super().aclose()
        if self._session is not None:
            await self._session.close()

    @override
    async def transcribe(
        self, utterance: int, request: RecognitionRequest, mulaw: bytes, unwanted: Callable[[], bool]
    ) -> FinalTranscript:
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
