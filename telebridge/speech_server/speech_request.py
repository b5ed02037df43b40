"""`POST /v1/rime-tts`: speech in one request, streamed as it is synthesized.

Follows Rime's HTTP pages; what the header `Accept` gives is in `telebridge.speech_server.accepting`.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace

from aiohttp import web

from telebridge.errors import ConfigurationError
from telebridge.speech_server.accepting import NotAcceptable, Packing, SpeechAnswer, answer_for
from telebridge.speech_server.credentials import refusal
from telebridge.speech_server.formats import encoder, wav_header
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.query import RequestedSpeech, given_rate, problem_of, requested
from telebridge.speech_server.synthesis import EncodedAudio, synthesize
from telebridge.speech_server.voices.espeak_names import TIMED, canonical
from telebridge.speech_server.voices.voice import SpokenWords, Synthesizer

LARGEST_TEXT = 1000
EVENT_BYTES = 640
"""The audio in one event, as in Rime's example."""


class SpeechRequestHandler:
    """Handles requests for speech."""

    def __init__(self, options: SpeechServerOptions, voice: Synthesizer) -> None:
        self._options = options
        self._voice = voice

    async def speak(self, request: web.Request) -> web.StreamResponse:
        """Answer with the speech of a request's text."""
        if (words := refusal(self._options.api_key, request.headers.get("Authorization"))) is not None:
            return web.Response(status=401, text=words)
        body, problem = _body(await request.read())
        problem = problem or self._problem(body)
        if problem:
            return web.Response(status=400, text=problem)
        given = requested(body, default_model=self._options.default_model)
        try:
            answer = answer_for(request.headers.get("Accept", ""), given.model, given.audio_format)
            speech, problem = _speech_of(given, answer, given_rate(body))
            encoded = encoder(speech.audio_format, speech.sampling_rate)
        except NotAcceptable as refused:
            return web.Response(status=406, text=str(refused))
        except ConfigurationError as error:
            return web.Response(status=400, text=str(error))
        if problem:
            return web.Response(status=400, text=problem)
        spoken = synthesize(str(body["text"]), speech, self._voice, encoded)
        if answer.packing is Packing.JSON:
            return await _json(spoken, speech)
        response = web.StreamResponse(headers={"Content-Type": answer.content_type})
        await response.prepare(request)
        packed = _events(spoken, speech) if answer.packing is Packing.EVENTS else _audio(spoken)
        async for piece in packed:
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
        for name in ("lang", "audioFormat"):
            if not isinstance(body.get(name, ""), str):
                return f"{name} must be a string"
        return None


def _speech_of(given: RequestedSpeech, answer: SpeechAnswer, rate: int | None) -> tuple[RequestedSpeech, str | None]:
    """Return what is to be spoken in which format, and why it cannot be."""
    speech = replace(
        given, audio_format=answer.audio_format, sampling_rate=answer.default_rate if rate is None else rate
    )
    problem = problem_of(speech)
    if problem is None and answer.rates is not None and speech.sampling_rate not in answer.rates:
        problem = f"samplingRate must be one of {', '.join(map(str, answer.rates))} for {answer.audio_format}"
    return speech, problem


async def _audio(spoken: AsyncIterator[EncodedAudio | SpokenWords]) -> AsyncIterator[bytes]:
    async for event in spoken:
        if isinstance(event, EncodedAudio) and event.data:
            yield event.data


async def _events(spoken: AsyncIterator[EncodedAudio | SpokenWords], speech: RequestedSpeech) -> AsyncIterator[bytes]:
    """Chunks of audio, the times of the words in languages that have them, and the end."""
    async for event in spoken:
        match event:
            case EncodedAudio(data):
                for start in range(0, len(data), EVENT_BYTES):
                    yield _event("chunk", {"data": b64encode(data[start : start + EVENT_BYTES]).decode()})
            case SpokenWords(words) if words and canonical(speech.lang) in TIMED:
                times = {
                    "words": [word.text for word in words],
                    "start": [word.start_seconds for word in words],
                    "end": [word.end_seconds for word in words],
                }
                yield _event("timestamps", {"word_timestamps": times})
    yield _event("done", {"done": True})


def _event(name: str, data: dict[str, object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _json(spoken: AsyncIterator[EncodedAudio | SpokenWords], speech: RequestedSpeech) -> web.Response:
    """The whole audio in base64; its length is known, so that a WAV file says it."""
    audio = b"".join([piece async for piece in _audio(spoken)])
    if speech.audio_format == "wav":
        header = len(wav_header(speech.sampling_rate))
        audio = wav_header(speech.sampling_rate, len(audio) - header) + audio[header:]
    return web.json_response({"audioContent": b64encode(audio).decode()})


def _body(raw: bytes) -> tuple[dict[str, object], str | None]:
    if not raw:
        return {}, "request body is required"
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}, "payload must be an object"
    return (body, None) if isinstance(body, dict) else ({}, "payload must be an object")
