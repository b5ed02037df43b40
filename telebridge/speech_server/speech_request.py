"""`POST /v1/rime-tts`: speech in one request, streamed as it is synthesized.

Follows Rime's HTTP pages: `Accept` selects the format; for an unknown format the response is JSON with the audio.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator

from aiohttp import web

from telebridge.speech_server.credentials import refusal
from telebridge.speech_server.formats import encoder
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.query import RequestedSpeech, requested
from telebridge.speech_server.synthesis import EncodedAudio, synthesize
from telebridge.speech_server.voices.espeak_names import canonical
from telebridge.speech_server.voices.voice import Synthesizer

ACCEPTED = {
    "audio/pcmu": "mulaw", "audio/x-mulaw": "mulaw", "audio/l16": "pcm", "audio/pcm": "pcm", "audio/mpeg": "mp3",
    "audio/mp3": "mp3", "audio/wav": "wav", "audio/ogg": "ogg",
}  # fmt: skip
DEFAULT_RATES = {"mulaw": 8000, "pcm": 16000, "mp3": 22050}
LARGEST_TEXT = 1000


class SpeechRequestHandler:
    """Handles requests for speech."""

    def __init__(self, options: SpeechServerOptions, voice: Synthesizer) -> None:
        self._options = options
        self._voice = voice

    async def speak(self, request: web.Request) -> web.StreamResponse:
        """Stream the speech of a request's text."""
        if (words := refusal(self._options.api_key, request.headers.get("Authorization"))) is not None:
            return web.Response(status=401, text=words)
        body, problem = _body(await request.read())
        problem = problem or self._problem(body)
        if problem:
            return web.Response(status=400, text=problem)
        accepted = request.headers.get("Accept", "").split(";")[0].strip().lower()
        audio_format = ACCEPTED.get(accepted)
        speech = self._requested_speech(body, audio_format or "mp3")
        if canonical(speech.lang) is None:
            return web.Response(status=400, text=f"Language {speech.lang} is not supported for model {speech.model}")
        if audio_format is None:
            audio = b"".join([piece async for piece in self._audio(str(body["text"]), speech)])
            return web.json_response({"audioContent": b64encode(audio).decode()})
        response = web.StreamResponse(headers={"Content-Type": accepted})
        await response.prepare(request)
        async for piece in self._audio(str(body["text"]), speech):
            await response.write(piece)
        return response

    def _problem(self, body: dict[str, object]) -> str | None:
        text = body.get("text")
        if text is None:
            return "text is required"
        if not isinstance(text, str):
            return "text must be a string"
        if not text.strip():
            return "text must not be empty"
        if len(text) > max(LARGEST_TEXT, self._options.max_characters):
            return "text is too long"
        if not body.get("speaker"):
            return "speaker is required"
        if not isinstance(body.get("lang", ""), str):
            return "lang must be a string"
        return None

    def _requested_speech(self, body: dict[str, object], audio_format: str) -> RequestedSpeech:
        rates = (
            {}
            if "samplingRate" in body or audio_format not in DEFAULT_RATES
            else {"samplingRate": DEFAULT_RATES[audio_format]}
        )
        return requested({**body, **rates, "audioFormat": audio_format}, default_model=self._options.default_model)

    async def _audio(self, text: str, speech: RequestedSpeech) -> AsyncIterator[bytes]:
        async for event in synthesize(text, speech, self._voice, encoder(speech.audio_format, speech.sampling_rate)):
            if isinstance(event, EncodedAudio) and event.data:
                yield event.data


def _body(raw: bytes) -> tuple[dict[str, object], str | None]:
    if not raw:
        return {}, "request body is required"
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}, "payload must be an object"
    return (body, None) if isinstance(body, dict) else ({}, "payload must be an object")
