"""How many tasks, turns of the event loop and files a chunk of speech passes between Rime's WebSocket and Twilio's.

Everything but the two ends is real: client, failover, cache, call runner, session, playback and the socket of the media
stream. The chunk is one from the middle of an utterance, and the only thing that happens while calls are counted.
"""

import asyncio
import json
import sys
from base64 import b64encode
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from support.virtual_time import virtually
from websockets.asyncio.server import serve

import telebridge
from telebridge.audio.tones import sine
from telebridge.call.record import CallRecord
from telebridge.call.runner.media_line import QueuedSocket
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.flows.steps import Say
from telebridge.rime.client import RimeSpeech
from telebridge.rime.parameters import RimeOptions
from telebridge.speech.cache.cached_source import CachedSpeech
from telebridge.speech.cache.clip import clip_key
from telebridge.speech.cache.store import ClipStore
from telebridge.speech.failover import Provider
from telebridge.speech.failover_source import FailoverSpeech

PACKAGE = Path(telebridge.__file__).parent
SIMULATOR = PACKAGE / "simulator"  # its virtual clock drives the event loop
CHUNK = sine(440, 500)

MOST_FILES_OF_SPEECH = 7
"""From Rime's socket to the event that the call's session gets; two of them read frames, which no library does."""
MOST_FILES = 14
"""From Rime's socket to Twilio's."""


class Rime:
    """Sends the chunks that the test tells it to, once it has a text."""

    def __init__(self):
        self._connection = asyncio.get_running_loop().create_future()
        self._context_id = ""

    async def talk(self, connection):
        self._context_id = json.loads(await connection.recv())["contextId"]
        self._connection.set_result(connection)
        await connection.wait_closed()

    async def send_chunk(self):
        connection = await self._connection
        chunk = {"type": "chunk", "data": b64encode(CHUNK).decode(), "contextId": self._context_id}
        await connection.send(json.dumps(chunk))


class TwilioSocket:
    """What `QueuedSocket` writes to: the transport, and what aiohttp has of the connection."""

    closed = False

    def __init__(self):
        self.messages = asyncio.Queue()

    def is_closing(self):
        return False

    def get_write_buffer_size(self):
        return 0

    def write(self, frame):
        size = 4 if frame[1] == 126 else 2
        self.messages.put_nowait(json.loads(frame[size:]))

    async def close(self):
        pass


class Calls:
    """The calls into the package that are made within the block, with the task of each."""

    def __init__(self):
        self.tasks = set()
        self.turns = 0
        self._in_turn = False
        self.files = []  # in the order in which they are entered first

    def __enter__(self):
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _profile(self, frame, event, _argument):
        path = Path(frame.f_code.co_filename)
        if event != "call" or PACKAGE not in path.parents or SIMULATOR in path.parents:
            return
        self.tasks.add(asyncio.current_task())
        if not self._in_turn:
            self._in_turn = True
            self.turns += 1
            asyncio.get_running_loop().call_soon(self._end_turn)
        file = path.relative_to(PACKAGE).as_posix()
        if file not in self.files:
            self.files.append(file)

    def _end_turn(self):
        self._in_turn = False


@asynccontextmanager
async def call_in_progress(source):
    """A call whose stream has started: its runner, and what it sends to Twilio."""
    record = CallRecord("CA1", "test", "+1", "+2", "inbound", datetime.now(UTC))
    runner = CallRunner(CallSession(None, record, SessionOptions()), CallPorts(source), on_end=lambda _: None)
    twilio = TwilioSocket()
    socket = QueuedSocket(twilio, twilio)
    writer = asyncio.create_task(socket.write())
    runner.start()
    runner.attach(socket)
    start = {"streamSid": "MZ1", "callSid": "CA1", "accountSid": "AC1", "tracks": ["inbound"], "customParameters": {}}
    start["mediaFormat"] = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    runner.receive_text(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
    runner.receive_text(json.dumps({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": "MZ1"}))
    yield runner, twilio.messages
    runner.abandon()
    await writer


@virtually
async def test_a_chunk_passes_no_task_and_few_files(tmp_path, record_property):
    rime = Rime()
    async with serve(rime.talk, "127.0.0.1", 0) as server:
        options = RimeOptions(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", warm_sockets=0)
        providers = [Provider(name, RimeSpeech(options), 3.0, 5.0) for name in ("first", "second")]
        clips = ClipStore(tmp_path / "prompts", max_bytes=1 << 20)
        source = CachedSpeech(FailoverSpeech(providers), clips, lambda text, _: clip_key(text, {}, maker="test"))
        async with call_in_progress(source) as (runner, messages):
            runner.announce(Say("We are open from Monday to Friday.")).add_done_callback(lambda done: done.exception())
            for _ in range(2):  # the first chunk of an utterance also passes the container check
                await rime.send_chunk()
                await messages.get()
            await asyncio.sleep(0.01)
            while not messages.empty():
                messages.get_nowait()
            with Calls() as calls:
                await rime.send_chunk()
                message = await messages.get()
        await source.aclose()

    assert message["event"] == "media"
    of_speech = calls.files[: calls.files.index("call/runner/runner.py")]
    figures = f"no task, {len(of_speech)} files to the session's event, {len(calls.files)} in all"
    record_property("figures", f"{figures}: {', '.join(calls.files)}")
    assert calls.tasks == {None}, "from the call that reads Rime's socket to the one that writes Twilio's"
    assert calls.turns == 1
    assert len(of_speech) <= MOST_FILES_OF_SPEECH
    assert len(calls.files) <= MOST_FILES
