"""Serves prompts as WAV files, for `<Play>` in TwiML of others.

Source: Twilio, "TwiML <Play>": audio is fetched with a GET, and kept as `Cache-Control` and `ETag` allow. Refusals are
problem documents (RFC 9457).
"""

import asyncio
import hashlib
import json
from datetime import UTC, datetime

from aiohttp import ETag, web

from telebridge import metrics
from telebridge.audio.wav import mulaw_file
from telebridge.errors import SpeechError
from telebridge.logs import logger
from telebridge.server.http.connections import known
from telebridge.speech.source import Audio, SpeechSource, VoiceOverrides
from telebridge.twilio.signed_urls import PromptTokenError, PromptTokens

log = logger(__name__)

AT_ONCE = 8
MOST_WAITING = 64
LONGEST_SECONDS = 30.0
KEEP = "public, max-age=86400"
KEEP_NOT = "no-store"


class PromptHandler:
    """Answers `/prompts/{signed}.wav`.

    Args:
        source: Speaks the prompts that are not cached.
        tokens: Reads the signed text and voice.
        at_once: How many prompts are spoken for this handler at a time; calls have no such bound.
    """

    def __init__(self, source: SpeechSource, tokens: PromptTokens, *, at_once: int = AT_ONCE) -> None:
        self._source = source
        self._tokens = tokens
        self._room = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def prompt(self, request: web.Request) -> web.Response:
        """The prompt as a WAV file of mu-law at 8000 Hz."""
        try:
            text, voice = self._tokens.read(request.match_info["signed"], wallclock=datetime.now(UTC))
        except PromptTokenError as error:
            metrics.REFUSED.labels("prompts", error.reason).inc()
            return _problem(404, "There is no such prompt", str(error))
        known(request)
        if self._waiting >= MOST_WAITING:
            metrics.REFUSED.labels("prompts", "busy").inc()
            return _problem(503, "The prompt cannot be spoken now", "too many others are being spoken")
        self._waiting += 1
        try:
            async with asyncio.timeout(LONGEST_SECONDS), self._room:
                audio, keep = await self._spoken(text, voice or None)
        except (SpeechError, TimeoutError) as error:
            reason = str(error) or f"it took longer than {LONGEST_SECONDS:g} s"
            log.warning("a prompt could not be spoken", text=text[:80], error=reason)
            return _problem(503, "The prompt cannot be spoken now", reason)
        finally:
            self._waiting -= 1
        return _file(request, mulaw_file(audio), KEEP if keep else KEEP_NOT)

    async def _spoken(self, text: str, voice: VoiceOverrides | None) -> tuple[bytes, bool]:
        """The audio, and whether it is in the voice that was requested."""
        stream = self._source.speak(text, voice=voice)
        audio = bytearray()
        try:
            async for event in stream:
                if isinstance(event, Audio):
                    audio += event.data
        finally:
            stream.clear()
        return bytes(audio), not stream.substitute


def _file(request: web.Request, file: bytes, keep: str) -> web.Response:
    """The response with the file; 304 when the client has it already."""
    tag = hashlib.sha256(file).hexdigest()[:32]
    known = request.if_none_match or ()
    if any(each.value in (tag, "*") for each in known):
        response = web.Response(status=304)
    else:
        response = web.Response(body=file, content_type="audio/wav")
    response.etag = ETag(tag)
    response.headers["Cache-Control"] = keep
    return response


def _problem(status: int, title: str, detail: str) -> web.Response:
    document = {"type": "about:blank", "status": status, "title": title, "detail": detail}
    return web.Response(status=status, text=json.dumps(document), content_type="application/problem+json")
