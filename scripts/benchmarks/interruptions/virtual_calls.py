"""Whole calls on the virtual clock: the bridge, Rime's stand-in and Twilio's in one loop, over loopback sockets."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from telebridge import Bridge
from telebridge.app.bridge import CALLS, create_app
from telebridge.app.voice import open_voice
from telebridge.audio.mulaw import to_pcm
from telebridge.call.record import CallRecord
from telebridge.cli.listen import listening
from telebridge.settings.sections import RimeSettings
from telebridge.settings.settings import Settings
from telebridge.simulator.account import SimulatedCall, Simulator
from telebridge.simulator.caller.caller import Script
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions
from telebridge.speech.source import Audio, Word, Words
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.server import create_app as create_speech_server
from telebridge.speech_server.voices.voice import (
    Pcm,
    SpokenWord,
    SpokenWords,
    Synthesizer,
)

PROMPT = (
    "Thank you for calling Acme Dental. We are open from Monday to Friday from eight in the morning to six in the "
    "evening and on Saturday until noon. Our practice is next to the town hall where the old post office used to be."
)


@dataclass(frozen=True)
class Prompt:
    """What the local voice makes of the prompt."""

    audio: bytes
    words: tuple[Word, ...]


async def spoken() -> Prompt:
    """Speak the prompt once, by the local voice."""
    audio, words = b"", []
    async with open_voice(RimeSettings()) as voice:
        async for event in voice.source.speak(PROMPT):
            match event:
                case Audio(data):
                    audio += data
                case Words(more):
                    words += more
    return Prompt(audio, tuple(words))


class PlayedBack(Synthesizer):
    """Says the prompt as it was spoken before, whatever it is asked to say."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    async def start(self) -> None:
        return

    async def aclose(self) -> None:
        return

    async def say(self, phrase: object) -> AsyncIterator[Pcm | SpokenWords]:  # noqa: ARG002 - it says one thing
        audio = self._prompt.audio
        for start in range(0, len(audio), 1600):
            yield Pcm(to_pcm(audio[start : start + 1600]))
        words = self._prompt.words
        yield SpokenWords(tuple(SpokenWord(each.text, each.start_ms / 1000, each.end_ms / 1000) for each in words))


class Calls:
    """Lets somebody call, and waits until the call is over."""

    def __init__(self, simulator: Simulator, live: object, url: str) -> None:
        self._simulator, self._live, self._url = simulator, live, url

    async def call(self, script: Script) -> tuple[SimulatedCall, CallRecord]:
        placed = self._simulator.place_inbound_call(f"{self._url}/twilio/voice", script)
        await placed.finished
        return placed, self._live.record(placed.record.sid)


@asynccontextmanager
async def bridge(prompt: Prompt, *, says: int) -> AsyncIterator[Calls]:
    """A bridge whose flow says the prompt so many times, and then hangs up."""
    flows = Bridge()

    @flows.flow("bench")
    async def bench(call: object) -> None:
        for _ in range(says):
            if await call.say(PROMPT) is not None and says == 1:
                await asyncio.sleep(5)

    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        rime = create_speech_server(SpeechServerOptions(voice=PlayedBack(prompt)))
        rime_url = await stack.enter_async_context(listening(rime, "127.0.0.1", 0, port_setting="rime"))
        settings = Settings(
            default_flow="bench",
            flows_dir=Path(folder),
            state_dir=Path(folder),
            twilio={"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
            rime={"url": rime_url.replace("http", "ws", 1), "api_key": "key", "segment": "never"},
        )
        app = create_app(settings, bridge=flows)
        url = await stack.enter_async_context(listening(app, "127.0.0.1", 0, port_setting="bridge"))
        simulator = Simulator(SimulatorOptions())
        stack.push_async_callback(simulator.aclose)
        yield Calls(simulator, app[CALLS], url)
