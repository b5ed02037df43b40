"""A local Rime for tests, with a voice whose every byte is known."""

import random
import zlib
from contextlib import asynccontextmanager

from aiohttp import web

from telebridge.audio.mulaw import to_pcm
from telebridge.rime.client import RimeSpeech
from telebridge.rime.parameters import RimeOptions, speech_parameters
from telebridge.simulator.caller.voices import speech
from telebridge.speech.source import Audio, Words
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.server import create_app
from telebridge.speech_server.voices.voice import (
    Pcm,
    SpokenWord,
    SpokenWords,
    Synthesizer,
)

SYSTEMS = [("ws", "arcana"), ("ws", "mistv2"), ("ws2", "mistv2"), ("ws3", "arcana")]
"""Every Rime system: protocol and model."""

BYTES_PER_CHARACTER = 520
NEGATIVE_ZERO = 0x7F


def audio_of(text: str) -> bytes:
    """What `KnownVoice` says: noise that only this text has. G.711's second zero is left out: it does not come back."""
    noise = random.Random(zlib.crc32(text.encode())).randbytes(BYTES_PER_CHARACTER * len(text) + 1)
    return noise.replace(bytes([NEGATIVE_ZERO]), b"\xfe").replace(b"RIFF", b"RIF\xfe")


class KnownVoice(Synthesizer):
    """Says each phrase as `audio_of` has it; every word lasts equally long."""

    async def start(self):
        pass

    async def aclose(self):
        pass

    async def say(self, phrase):
        audio = audio_of(phrase.text)
        for start in range(0, len(audio), 1600):
            yield Pcm(to_pcm(audio[start : start + 1600]))
        words = phrase.text.split()
        each = len(audio) / 8000 / max(1, len(words))
        yield SpokenWords(tuple(SpokenWord(word, n * each, (n + 1) * each) for n, word in enumerate(words)))


class TalkingVoice(KnownVoice):
    """Says each phrase so that a detector takes it for a voice."""

    async def say(self, phrase):
        audio = speech(65 * len(phrase.text), pitch_hz=190, seed=len(phrase.text))
        for start in range(0, len(audio), 1600):
            yield Pcm(to_pcm(audio[start : start + 1600]))


@asynccontextmanager
async def serving(app):
    """Serve an application on a free loopback port, and give its address."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def local_rime(**options):
    """A speech server; gives its address as a WebSocket client wants it."""
    async with serving(create_app(SpeechServerOptions(**{"voice": KnownVoice(), **options}))) as url:
        yield url.replace("http", "ws", 1)


@asynccontextmanager
async def rime_speech(url, protocol="ws3", model="arcana", **options):
    """The bridge's client of a speech server."""
    values = {"model": model, "speaker": "astra", **options.pop("voice", {})}
    source = RimeSpeech(
        RimeOptions(url=url, protocol=protocol, api_key="key", parameters=speech_parameters(values), **options)
    )
    try:
        yield source
    finally:
        await source.aclose()


async def heard(stream):
    """All audio and all words of an utterance."""
    audio, words = b"", []
    async for event in stream:
        match event:
            case Audio(data):
                audio += data
            case Words(more):
                words += more
    return audio, words
