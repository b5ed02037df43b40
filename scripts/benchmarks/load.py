"""A load generator for media streams, thin enough to leave the machine to what is measured.

It speaks just enough WebSocket for prebuilt messages: each call is an `asyncio.Protocol` that writes ready-made frames
and counts what comes back. Every call sends one message each 20 ms; calls are spread evenly over those 20 ms, and one
timer serves them all.
"""

import asyncio
import base64
import json
import os
import time
from dataclasses import dataclass, field

FRAME_SECONDS = 0.020
SLOTS = 20
SILENCE = base64.b64encode(b"\xff" * 160).decode()


def client_frame(text: str) -> bytes:
    """A masked text frame (RFC 6455, section 5.2); the mask is zero, so the payload stays readable."""
    payload = text.encode()
    if len(payload) < 126:
        return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload
    return bytes((0x81, 0x80 | 126)) + len(payload).to_bytes(2, "big") + bytes(4) + payload


def message(event: str, **fields: object) -> bytes:
    return client_frame(json.dumps({"event": event, **fields}))


@dataclass
class Heard:
    """What one call received."""

    audio_bytes: int = 0
    messages: int = 0
    first_audio_at: float | None = None
    underruns: int = 0
    plays_until: float = 0.0
    closed: bool = False


@dataclass
class MediaCall(asyncio.Protocol):
    """One call's socket, after the TCP connection is made."""

    path: str
    call_sid: str
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.stream_sid = "MZ" + self.call_sid[2:]
        self.transport: asyncio.Transport | None = None
        self.upgraded = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._marks: list[tuple[float, str]] = []
        silence = {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": SILENCE}
        self.frame = message("media", sequenceNumber="2", streamSid=self.stream_sid, media=silence)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def start(self) -> None:
        media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {
            "streamSid": self.stream_sid,
            "accountSid": "AC" + "0" * 32,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "customParameters": {},
            "mediaFormat": media_format,
        }
        self.transport.write(
            message("connected", protocol="Call", version="1.0.0")
            + message("start", sequenceNumber="1", streamSid=self.stream_sid, start=start)
        )

    def send_frame(self, now: float) -> None:
        while self._marks and self._marks[0][0] <= now:
            _, name = self._marks.pop(0)
            self.transport.write(message("mark", sequenceNumber="3", streamSid=self.stream_sid, mark={"name": name}))
        self.transport.write(self.frame)

    def stop(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(message("stop", sequenceNumber="9", streamSid=self.stream_sid, stop={}))
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.upgraded.done():
            head, separator, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not separator:
                return
            self._buffer = bytearray(rest)
            self.upgraded.set_result(head.split(b" ", 2)[1] == b"101")
        while (frame := self._next_frame()) is not None:
            self._take(*frame)

    def connection_lost(self, _: Exception | None) -> None:
        self.heard.closed = True
        if not self.upgraded.done():
            self.upgraded.set_result(False)

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + size:
            return None
        opcode, payload = buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode != 1:
            return
        now = time.perf_counter()
        told = json.loads(payload)
        if told["event"] == "media":
            self._play(len(base64.b64decode(told["media"]["payload"])), now)
        elif told["event"] == "mark":
            self._marks.append((max(self.heard.plays_until, now), told["mark"]["name"]))

    def _play(self, size: int, now: float) -> None:
        """Audio that comes after the last has run dry is a gap that a listener hears: a bench says one prompt only."""
        heard = self.heard
        heard.messages += 1
        heard.audio_bytes += size
        if heard.first_audio_at is None:
            heard.first_audio_at = now
        elif now > heard.plays_until:
            heard.underruns += 1
        heard.plays_until = max(heard.plays_until, now) + size / 8000


async def pump(calls: list[MediaCall], seconds: float) -> list[float]:
    """Send every call's frames for so long; answers how late each slot was, in milliseconds."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    late = []
    for slot in range(int(seconds / FRAME_SECONDS) * SLOTS):
        due = begin + slot * FRAME_SECONDS / SLOTS
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        late.append(max(0.0, loop.time() - due) * 1000)
        now = time.perf_counter()
        for call in calls[slot % SLOTS :: SLOTS]:
            if not call.heard.closed:
                call.send_frame(now)
    return late
