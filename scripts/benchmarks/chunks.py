"""The way of a chunk from Rime to Twilio's `media` message: processor time, delay and memory at many calls.

The bridge has one core; a fake Rime and a fake Twilio, in one process, have the other. Callers say nothing and send no
media, so that chunks and nothing else are measured. Beside it, in the same run: the thinnest program that passes chunks
on with the same libraries.
"""

import asyncio
import base64
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import aiohttp
import msgspec
import uvloop
from live.frames import CLOSE, PING, PONG, TEXT, accepted, client_frame, read_frames, server_frame
from live.processes import proportional_bytes
from live.serving import serve
from machine import described

FASTER_THAN_PLAYED = 4
SLOT_SECONDS = 0.001
LATE_MS = 20.0
"""A generator that is later measures itself: the run is not concluded from."""
CPU_US, P50_MS, P99_MS, KILOBYTES = 50.0, 0.3, 10.0, 100.0
"""The bars, at 200 calls."""
PROMPT = ("The pharmacy is open from Monday to Friday and your order will be ready tomorrow afternoon. " * 5)[
    :460
].strip()
STAMP_CHARACTERS = 12
"""Of base64, at the beginning of each chunk: when it was sent, in microseconds."""
SILENCE = 0xFF
FLOW = """
flow: bench
start: prompt
nodes:
  prompt: {say: "%s", then: bye}
  bye: {hang_up: null}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is measured.

    Args:
        calls: How many at once.
        seconds: How long chunks are sent.
        chunk_ms: How much audio each has.
        cached: Whether the bridge makes clips of what it speaks.
    """

    calls: int
    seconds: float
    chunk_ms: int
    cached: bool


def run(*, calls: int, seconds: float, chunk_ms: int, rounds: int, cached: bool) -> dict[str, object]:
    """Measure; answers with the figures of every round and their medians."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return {"concluded": False, "why": "one core for the server and one for the generator are needed"}
    load = Load(calls, seconds, chunk_ms, cached)
    os.sched_setaffinity(0, {cores[1]})
    try:
        measured = [(_measured("thinnest", load, cores[0]), _measured("bridge", load, cores[0])) for _ in range(rounds)]
    finally:
        os.sched_setaffinity(0, set(cores))
    runs = [{**{f"thinnest_{name}": value for name, value in thin.items()}, **ours} for thin, ours in measured]
    medians = {name: statistics.median(each[name] for each in runs) for name in runs[0]}
    lagged = sum(each["generator_late_ms_p99"] > LATE_MS for each in runs)
    return {
        "calls": calls,
        "chunk_ms": chunk_ms,
        "cached": cached,
        "machine": described(),
        "concluded": not lagged,
        "why": f"the generator lagged in {lagged} of {rounds} rounds" if lagged else "",
        "medians": medians,
        "bars_met": {
            "cpu_us_per_chunk": medians["cpu_us_per_chunk"] <= CPU_US,
            "p50_ms": medians["p50_ms"] <= P50_MS,
            "p99_ms": medians["p99_ms"] <= P99_MS,
            "kilobytes_per_call": medians["kilobytes_per_call"] <= KILOBYTES,
            "bytes_missing": medians["bytes_missing"] == 0,
        },
        "runs": runs,
    }


def _measured(kind: str, load: Load, core: int) -> dict[str, float]:
    return uvloop.run(measure(kind, load, core))


# The bridge that is measured.


async def bridge(folder: Path, rime_port: int, *, cached: bool) -> None:
    """The real bridge with the real client of Rime; prints its port when it listens."""
    from dataclasses import replace

    from aiohttp import web

    from telebridge.app.listening import listening_options
    from telebridge.call.flows.catalogue import FlowCatalogue
    from telebridge.call.runner.live_calls import LiveCalls
    from telebridge.call.runner.ports import CallPorts
    from telebridge.call.session.session import SessionOptions
    from telebridge.cli.process.garbage import GarbageCollection
    from telebridge.rime.client import RimeSpeech
    from telebridge.rime.parameters import RimeOptions
    from telebridge.server.twilio.prompts import PromptHandler
    from telebridge.server.twilio.request_validation import RequestValidator
    from telebridge.server.twilio.routes import add_routes
    from telebridge.settings.sections import BargeInSettings
    from telebridge.speech.cache.cached_source import CachedSpeech
    from telebridge.speech.cache.clip import clip_key
    from telebridge.speech.cache.store import ClipStore
    from telebridge.speech.cleaned_source import CleanedSpeech
    from telebridge.speech.failover import Provider
    from telebridge.speech.failover_source import FailoverSpeech
    from telebridge.twilio.signed_urls import CallVariables, PromptTokens, StreamTokens

    flows = FlowCatalogue(folder)
    flows.load()
    options = RimeOptions(url=f"ws://127.0.0.1:{rime_port}", warm_sockets=2, most_audio=100.0)
    rime, other = RimeSpeech(options), RimeSpeech(replace(options, url="ws://127.0.0.1:9"))
    rime.start()
    source = CleanedSpeech(FailoverSpeech([Provider("rime", rime, 20.0, 20.0), Provider("other", other, 20.0, 20.0)]))
    if cached:
        numbers = iter(range(1 << 30))  # the text is the same, but each call has a clip of its own
        clips = ClipStore(folder / "prompts", max_bytes=1 << 30)
        source = CachedSpeech(source, clips, lambda text, _: clip_key(text, {"n": next(numbers)}, maker="bench"))
    ports = CallPorts(source)
    session = SessionOptions(listening=listening_options(BargeInSettings()), media_timeout_seconds=1e6)
    calls = LiveCalls(flows, ports, session)
    app = web.Application()
    add_routes(
        app,
        calls,
        RequestValidator("", ""),
        StreamTokens("bench"),
        CallVariables("bench"),
        PromptHandler(source, PromptTokens("bench")),
        None,
        default_flow=flows.names[0],
        numbers={},
    )
    GarbageCollection().start()  # as `telebridge serve` does
    await serve(app)


async def thinnest(rime_port: int) -> None:
    """The least that the same libraries can do with a chunk: aiohttp at both ends, and JSON by msgspec."""
    from aiohttp import WSMsgType, web

    class Chunk(msgspec.Struct):
        data: bytes

    decode = msgspec.json.Decoder(Chunk).decode
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def voice(request: web.Request) -> web.Response:
        sid = (await request.post())["CallSid"]
        return web.Response(text=f"<Stream url='ws://127.0.0.1/twilio/media/{sid}'", content_type="text/xml")

    async def media(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(decode_text=False, compress=False)
        await socket.prepare(request)
        await socket.receive()
        await socket.receive()
        async with session.ws_connect(f"ws://127.0.0.1:{rime_port}/ws3", compress=0, decode_text=False) as rime:
            await rime.send_str('{"text":"Hello.","contextId":"u1"}')
            async for message in rime:
                payload = base64.b64encode(decode(message.data).data)
                media = b'{"event":"media","streamSid":"MZ%b","media":{"payload":"%b"}}' % (b"0" * 32, payload)
                await socket.send_frame(media, WSMsgType.TEXT)
        return socket

    app = web.Application()
    app.router.add_post("/twilio/voice", voice)
    app.router.add_get("/twilio/media/{sid}", media)
    await serve(app)


# Rime and Twilio, as thin as they can be.


class RimeSocket(asyncio.Protocol):
    """One connection of `/ws3`: it notes the context of a text, and sends a chunk whenever it is told to."""

    sockets: ClassVar["list[RimeSocket]"] = []

    def __init__(self, chunk: bytes) -> None:
        self.chunk = chunk
        self.transport: asyncio.Transport | None = None
        self.context = b""
        self.buffer = b""
        self.upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded:
            head, separator, self.buffer = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                self.buffer = head
                return
            self.transport.write(accepted(head))
            self.upgraded = True
        frames, self.buffer = read_frames(self.buffer)
        for opcode, payload in frames:
            if opcode == TEXT and b"contextId" in payload:
                self.context = json.loads(payload)["contextId"].encode()
                self.head = b'{"type":"chunk","data":"'
                self.tail = self.chunk + b'","contextId":"' + self.context + b'"}'
                self.size = len(self.head) + STAMP_CHARACTERS + len(self.tail)
                RimeSocket.sockets.append(self)
            elif opcode == PING:
                self.transport.write(server_frame(payload, PONG))
            elif opcode == CLOSE:
                self.transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if self in RimeSocket.sockets:
            RimeSocket.sockets.remove(self)

    def send_chunk(self) -> None:
        stamp = base64.b64encode(b"\x81" + int(time.monotonic() * 1e6).to_bytes(8, "big"))
        self.transport.write(server_frame(self.head + stamp + self.tail))


class TwilioSocket(asyncio.Protocol):
    """One media stream that starts, and notes the delay of each message of audio."""

    delays: ClassVar[list[float]] = []
    audio_bytes = 0
    messages = 0

    def __init__(self, path: str, sid: str) -> None:
        self.path, self.sid = path, sid
        self.upgraded = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def start(self) -> None:
        start = {"streamSid": "MZ" + self.sid[2:], "callSid": self.sid, "accountSid": "AC", "tracks": ["inbound"]}
        start["mediaFormat"] = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self.send({"event": "start", "sequenceNumber": "1", "streamSid": "MZ" + self.sid[2:], "start": start})

    def send(self, message: dict[str, object]) -> None:
        self.transport.write(client_frame(json.dumps(message).encode()))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded.done():
            head, separator, rest = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            self.upgraded.set_result(b" 101 " in head)
            self.buffer = rest
        frames, self.buffer = read_frames(self.buffer)
        for _, payload in frames:
            self.take(payload)

    def take(self, message: bytes) -> None:
        at = message.find(b'"payload":"')
        if at < 0:
            return
        at += 11
        TwilioSocket.messages += 1
        end = message.rfind(b'"}}')
        TwilioSocket.audio_bytes += (end - at) * 3 // 4 - message.count(b"=", end - 2, end)
        stamp = base64.b64decode(message[at : at + STAMP_CHARACTERS])
        if stamp[0] == 0x81:
            TwilioSocket.delays.append(time.monotonic() * 1e3 - int.from_bytes(stamp[1:], "big") / 1e3)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.upgraded.done():
            self.upgraded.set_result(False)


def cpu_seconds(pid: int) -> float:
    """Processor time of the process's first thread, in which its event loop runs."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


async def measure(kind: str, load: Load, core: int) -> dict[str, float]:
    """One round of one program."""
    RimeSocket.sockets, TwilioSocket.delays, TwilioSocket.audio_bytes, TwilioSocket.messages = [], [], 0, 0
    chunk = base64.b64encode((bytes([0x55, SILENCE]) * (load.chunk_ms * 4))[STAMP_CHARACTERS * 3 // 4 :])
    rime = await asyncio.get_running_loop().create_server(lambda: RimeSocket(chunk), "127.0.0.1", 0)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.yaml").write_text(FLOW % PROMPT)
        command = [
            sys.executable,
            __file__,
            kind,
            folder,
            str(rime.sockets[0].getsockname()[1]),
            *["cached"] * load.cached,
        ]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        os.sched_setaffinity(process.pid, {core})
        try:
            port = int(await process.stdout.readline())
            return await _measure(process.pid, port, load)
        finally:
            process.kill()
            await process.wait()
            rime.close()


async def _measure(pid: int, port: int, load: Load) -> dict[str, float]:
    async with aiohttp.ClientSession() as session:
        lines = [await placed(session, port, "f" * 32)]
        await asyncio.sleep(0.3)
        resting = proportional_bytes(pid)
        for number in range(load.calls - 1):
            lines.append(await placed(session, port, f"{number:032x}"))  # noqa: PERF401 - one after the other
    for _ in range(100):
        if len(RimeSocket.sockets) == load.calls:
            break
        await asyncio.sleep(0.05)
    sockets = list(RimeSocket.sockets)
    if len(sockets) != load.calls:
        raise RuntimeError(f"{len(sockets)} of {load.calls} calls asked for speech")
    await warm_up(sockets, 5)
    TwilioSocket.delays.clear()
    TwilioSocket.messages = TwilioSocket.audio_bytes = 0
    cpu = cpu_seconds(pid)
    began = time.monotonic()
    late, sent = await pump(sockets, load.seconds, load.chunk_ms)
    grown = proportional_bytes(pid) - resting
    for _ in range(100):
        if TwilioSocket.audio_bytes >= sent * load.chunk_ms * 8:
            break
        await asyncio.sleep(0.02)
    used, elapsed = cpu_seconds(pid) - cpu, time.monotonic() - began
    delays = TwilioSocket.delays
    return {
        "cpu_us_per_chunk": round(used / sent * 1e6, 1),
        "p50_ms": round(statistics.median(delays), 3),
        "p99_ms": round(statistics.quantiles(delays, n=100)[98], 2),
        "kilobytes_per_call": round(grown / load.calls / 1000, 1),
        "chunks": sent,
        "messages": TwilioSocket.messages,
        "bytes_missing": sent * load.chunk_ms * 8 - TwilioSocket.audio_bytes,
        "core_used": round(used / elapsed, 3),
        "generator_late_ms_p99": round(statistics.quantiles(late, n=100)[98], 2),
    }


async def placed(session: aiohttp.ClientSession, port: int, number: str) -> TwilioSocket:
    """A call: its webhook, then its stream, which has started."""
    form = {"CallSid": f"CA{number}", "From": "+15550001111", "To": "+15550002222", "Direction": "inbound"}
    async with session.post(f"http://127.0.0.1:{port}/twilio/voice", data=form) as answer:
        path = re.search(r"/twilio/media/[^\"']+", await answer.text()).group()
    connected = asyncio.get_running_loop().create_connection(
        lambda: TwilioSocket(path, f"CA{number}"), "127.0.0.1", port
    )
    _, line = await connected
    if not await line.upgraded:
        raise RuntimeError("a call was refused")
    line.start()
    return line


async def warm_up(sockets: list[RimeSocket], chunks: int) -> None:
    """Send the first chunks of each utterance, which are dearer, and wait until they have come to the callers."""
    sent, before = 0, TwilioSocket.messages
    for _ in range(chunks):
        for socket in sockets:
            socket.send_chunk()
            sent += 1
            while TwilioSocket.messages - before < sent:  # noqa: ASYNC110 - an event for each would cost more
                await asyncio.sleep(0)


async def pump(sockets: list[RimeSocket], seconds: float, chunk_ms: int) -> tuple[list[float], int]:
    """Send each socket's chunks at four times real time, evenly spread.

    Returns:
        How late each slot was, in milliseconds, and how many chunks were sent.
    """
    loop = asyncio.get_running_loop()
    period = max(1, round(chunk_ms / FASTER_THAN_PLAYED))  # slots of a millisecond
    begin, late, sent = loop.time(), [], 0
    for slot in range(round(seconds / SLOT_SECONDS) // period * period):
        due = begin + slot * SLOT_SECONDS
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        late.append(max(0.0, loop.time() - due) * 1000)
        for socket in sockets[slot % period :: period]:
            socket.send_chunk()
            sent += 1
    return late, sent


if __name__ == "__main__":
    kind, folder, rime_port, *cached = sys.argv[1:]
    uvloop.run(
        thinnest(int(rime_port)) if kind == "thinnest" else bridge(Path(folder), int(rime_port), cached=bool(cached))
    )
