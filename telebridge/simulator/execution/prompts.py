"""Plays the prompts of `<Say>`, `<Play>` and `<Pause>`, alone or in `<Gather>`.

Follows Twilio's pages on these verbs: `loop="0"` repeats until the caller hangs up. A file that cannot be fetched or
played is a warning, after which the next prompt follows.

One rule: a prompt never raises; what cannot be played is skipped with a warning.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from telebridge.audio.decoding import decode
from telebridge.audio.mulaw import BYTES_PER_SECOND, silence
from telebridge.audio.tones import dtmf
from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.http.client import RequestFailed
from telebridge.simulator.twiml.verbs import FOR_EVER, PauseVerb, PlayVerb, PromptVerb, SayVerb

LEAD_SECONDS = 60.0
"""So much audio is queued ahead at most; a prompt that loops for ever is queued piece by piece."""
UNPLAYABLE = 12300


class PromptPlayer:
    """Plays prompts to the caller of one call."""

    def __init__(self, call: LiveCallParts) -> None:
        self._call = call

    async def play(self, prompts: Iterable[PromptVerb]) -> None:
        """Play prompts to their end. When cancelled, what was not heard is dropped."""
        try:
            for prompt in prompts:
                await self._queue(prompt)
            await self._until_left(0.0)
        except asyncio.CancelledError:
            with suppress(AssertionError):  # the line never opened
                self._call.line.line.playout.clear(now=self._call.now())
            raise

    async def audio_of(self, prompt: PromptVerb) -> bytes:
        """Return the audio of a prompt, once whatever its `loop`; nothing when it cannot be played."""
        match prompt:
            case SayVerb(text):
                return self._call.options.say(text) if text else b""
            case PauseVerb(length_seconds):
                return silence(1000 * length_seconds)
            case PlayVerb(url, digits):
                return self.tones(digits) if digits else await self._file(url)

    async def _queue(self, prompt: PromptVerb) -> None:
        audio = await self.audio_of(prompt)
        loop = 1 if isinstance(prompt, PauseVerb) else prompt.loop
        if loop == FOR_EVER and audio:
            audio *= -(-BYTES_PER_SECOND // len(audio))  # tiny files are repeated by the second
        left = loop
        while audio and (left > 0 or loop == FOR_EVER):
            await self._queue_once(audio)
            left -= 1

    async def _queue_once(self, audio: bytes) -> None:
        piece = int(LEAD_SECONDS) * BYTES_PER_SECOND
        for start in range(0, len(audio), piece):
            await self._until_left(LEAD_SECONDS)
            driver = self._call.line
            driver.line.playout.queue_audio(audio[start : start + piece], now=driver.now())

    async def _until_left(self, seconds: float) -> None:
        """Wait until only so much queued audio is left to be heard."""
        driver = self._call.line
        left = driver.line.playout.queued_bytes(now=driver.now()) / BYTES_PER_SECOND
        if left > seconds:
            await asyncio.sleep(left - seconds)

    def tones(self, digits: str) -> bytes:
        """Return the audio of keys, in which `w` and `W` are pauses; warning 13000 and nothing for other keys."""
        try:
            return dtmf(digits.replace("W", "ww"))
        except ValueError as error:
            self._call.warn(13000, str(error))
            return b""

    async def _file(self, url: str) -> bytes:
        try:
            response = await self._call.client.fetch(self._call.absolute(url))
            return decode(response.body, response.content_type)
        except RequestFailed as error:
            self._call.warn(error.code, error.problem, is_error=True)
        except ValueError as error:
            self._call.warn(UNPLAYABLE, f"<Play> {url}: {error}", is_error=True)
        return b""
