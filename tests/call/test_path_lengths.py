"""How many functions of the package one message passes: a path that grows is harder to read, and slower.

Each path is walked by the real parts, from the bytes of the media stream's connection; only the connection itself
and the speech source are the test's.
"""

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from aiohttp import WSMessage, WSMsgType
from support.callers import silero
from support.calls_of import CountedCalls
from support.line import flow_of
from support.sources import ToldSpeech
from support.virtual_time import virtually
from support.websocket_frames import client_frame

from telebridge.audio.mulaw import from_samples, silence
from telebridge.call.record import CallRecord
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.events import SpeechArrived
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import Say
from telebridge.server.twilio.media import MediaHandler
from telebridge.server.twilio.media_reader import MediaReader
from telebridge.speech.source import Audio
from telebridge.turns.level_detector import LevelDetector
from telebridge.twilio.media_stream import MediaStream, Side

QUIET = silence(20)
NOISE = from_samples([(-1) ** (at // 3) * 150 for at in range(160)])
"""Loud enough to be judged, and no speech to any detector."""
PROMPT = Say("Hello there.")
WARM_UP = 30
MENU = """
flow: test
start: ask
nodes:
  ask: {menu: "Press one.", choices: {1: bye}}
  bye: {hang_up: "Goodbye."}
"""


class Queue:
    """The way out of the stream, of which nothing is read here."""

    def send(self, message):
        pass

    def drop_queued(self):
        pass

    def close(self):
        pass


class Messages:
    """A WebSocket that holds some messages; `count` counts the calls that the last one leads to."""

    def __init__(self, messages, count):
        self._messages = messages
        self._count = count

    async def __aiter__(self):
        for message in self._messages[:-1]:
            yield WSMessage(WSMsgType.TEXT, message, None)
        with self._count:
            await asyncio.sleep(0)  # as a socket does: the handler is resumed
            yield WSMessage(WSMsgType.TEXT, self._messages[-1], None)


class Served(asyncio.Protocol):
    """aiohttp's protocol of the connection."""

    def __init__(self):
        self.handed_on = []

    def data_received(self, data):
        self.handed_on.append(data)


class Path:
    """A live call and Twilio's end of its stream."""

    def __init__(self, detector=LevelDetector, flow=None):
        record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
        options = SessionOptions(listening=ListeningOptions(detector=detector))
        self.runner = CallRunner(CallSession(flow, record, options), CallPorts(ToldSpeech()), on_end=lambda _: None)
        self.handler = MediaHandler(None, None, None)
        self.served = Served()
        self.reader = MediaReader(self.served, self.runner.receive_frame)
        self.twilio = MediaStream(Side.TWILIO)
        self.frames = 0
        self.runner.start()
        self.runner.attach(Queue())
        for message in (self.twilio.send_connected(), self.twilio.send_start("MZ1", "CA1", "AC1", {})):
            self.runner.receive_text(message)

    def prompt(self):
        """Begin a prompt, and let a minute of its audio arrive."""
        session, now = self.runner.session, self.runner._loop.time()
        [start] = [effect for effect in session.perform_step(PROMPT, now=now) if hasattr(effect, "utterance")]
        session.handle(SpeechArrived(start.utterance, Audio(silence(60_000))), now=now)

    async def receive(self, *frames):
        """Let frames of audio arrive; returns the calls that the last of them led to."""
        counted = CountedCalls()
        for number, frame in enumerate(frames, start=1):
            message = client_frame(self.twilio.send_audio(frame, self.frames * 20))
            self.frames += 1
            await asyncio.sleep(0.02)
            with counted if number == len(frames) else nullcontext():
                self.reader.data_received(message)
        assert not self.served.handed_on, "frames are taken where they arrive"
        return counted

    async def read(self, messages):
        """Let the handler read the messages; returns the calls that the last of them led to."""
        counted = CountedCalls()
        await self.handler._read(Messages(messages, counted), self.runner, self.reader)
        return counted


@virtually
async def test_a_frame_that_nobody_listens_to_passes_six_functions():
    path = Path()
    counted = await path.receive(*[QUIET] * WARM_UP)
    assert len(counted.functions) <= 6, counted.functions
    assert set(counted.calls.values()) == {1}, "each is entered once"


@pytest.mark.parametrize("detector", [LevelDetector, silero])
@virtually
async def test_a_frame_that_is_judged_passes_fifteen_functions_at_most(detector):
    path = Path(detector)
    path.prompt()
    await path.receive(*[QUIET] * WARM_UP)
    silent = await path.receive(*[QUIET] * 2)
    assert len(silent.functions) <= 8, silent.functions
    judged = await path.receive(*[NOISE] * 2)
    assert any("likelihood" in name for name in judged.functions), "the detector was asked"
    assert len(judged.functions) <= 15, judged.functions
    assert not path.runner.session._duplex.caller_speaking


@virtually
async def test_a_key_that_leads_to_the_next_prompt_passes_few_files_and_classes():
    path = Path(flow=FlowInterpreter(flow_of(MENU), {}))
    session = path.runner.session
    session.handle(SpeechArrived("u1", Audio(silence(60_000))), now=path.runner._loop.time())
    await path.receive(*[QUIET] * WARM_UP)
    counted = await path.read([path.twilio.send_digit("1")])
    assert session.saying == "Goodbye."
    files = {file for file in counted.files if file.endswith(".py")}
    assert len(files) <= 33, files
    assert len(counted.classes) <= 32, counted.classes
