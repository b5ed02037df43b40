"""A Rime of few instructions, for load: `fake_rime.py [--speed 4]`. Prints its port when it listens.

Speaks `/ws3` (Rime, "WebSockets JSON"): each text becomes audio of its length, a sentence of 15 characters a second, in
chunks of 400 ms that arrive so many times as fast as they play, each with its word times, and `done` at the end. Every
chunk begins with a stamp, so that a listener knows when it left. As Rime documents it, a clear drops what is not being
spoken yet, and what is being spoken goes on.
"""

import argparse
import asyncio
import base64
import hashlib
import heapq
import json
import struct
import sys
import time
from itertools import count

import uvloop

CHUNK_BYTES = 3200
CHARACTERS_A_SECOND = 15.0
STAMP = struct.Struct("<8sdI")
MAGIC = b"\x11\x22\x93\xa4\x55\xe6\x77\x08"
"""Begins each chunk. When it left, by `time.perf_counter`, which processes share, and its number follow."""
NOISE = bytes(0x80 | (number * 37 & 0x7F) for number in range(CHUNK_BYTES))


class Schedule:
    """All chunks that are due, over one timer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: list[tuple[float, int, object]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None

    def at(self, when: float, action: object) -> None:
        heapq.heappush(self._due, (when, next(self._numbers), action))
        if self._due[0][2] is action:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due[0][0], self._run)

    def _run(self) -> None:
        now = self._loop.time()
        self._timer = None
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()
        if self._due and self._timer is None:
            self._arm()


class Connection(asyncio.Protocol):
    """One client, after the TCP connection is made."""

    def __init__(self, schedule: Schedule, speed: float) -> None:
        self._schedule = schedule
        self._interval = CHUNK_BYTES / 8000 / speed
        self._buffer = bytearray()
        self._upgraded = False
        self._texts: list[tuple[str, str]] = []
        self._speaking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, separator, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not separator:
                return
            self._buffer = bytearray(rest)
            self._upgrade(head)
        while (frame := self._next_frame()) is not None:
            self._take(*frame)

    def _upgrade(self, head: bytes) -> None:
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        key = next(value for name, value in fields.items() if name.lower() == "sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
        self._transport.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self._upgraded = True

    def _next_frame(self) -> tuple[int, bytes] | None:
        """The next frame of a client, which is masked (RFC 6455, section 5.3)."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        if len(buffer) < start + 4 + size:
            return None
        mask = bytes(buffer[start : start + 4])
        payload = bytes(byte ^ mask[number & 3] for number, byte in enumerate(buffer[start + 4 : start + 4 + size]))
        opcode = buffer[0] & 0x0F
        del buffer[: start + 4 + size]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 8:
            self._send(8, payload[:2])
            self._transport.close()
        elif opcode == 9:
            self._send(10, payload)
        elif opcode == 1:
            told = json.loads(payload)
            if told.get("operation") == "clear":
                self._texts.clear()
            elif told.get("text"):
                self._texts.append((told["text"], told.get("contextId")))
                if not self._speaking:
                    self._begin()

    def _begin(self) -> None:
        self._speaking = True
        text, context_id = self._texts.pop(0)
        chunks = max(1, round(len(text) / CHARACTERS_A_SECOND * 8000 / CHUNK_BYTES))
        self._speak(context_id, text.split(), chunks, 0, asyncio.get_running_loop().time())

    def _speak(self, context_id: str | None, words: list[str], chunks: int, number: int, due: float) -> None:
        if self._transport.is_closing():
            return
        if number == chunks:
            self._send_json({"type": "done", "contextId": context_id})
            self._speaking = False
            if self._texts:
                self._begin()
            return
        audio = STAMP.pack(MAGIC, time.perf_counter(), number) + NOISE[STAMP.size :]
        self._send_json({"type": "chunk", "data": base64.b64encode(audio).decode(), "contextId": context_id})
        first, last = len(words) * number // chunks, len(words) * (number + 1) // chunks
        if first < last:
            each = CHUNK_BYTES / 8000 / (last - first)
            starts = [number * CHUNK_BYTES / 8000 + each * place for place in range(last - first)]
            times = {"words": words[first:last], "start": starts, "end": [start + each for start in starts]}
            self._send_json({"type": "timestamps", "word_timestamps": times, "contextId": context_id})
        due += self._interval
        self._schedule.at(due, lambda: self._speak(context_id, words, chunks, number + 1, due))

    def _send_json(self, content: dict[str, object]) -> None:
        self._send(1, json.dumps(content).encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        head = bytes((0x80 | opcode, size)) if size < 126 else bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
        self._transport.write(head + payload)


async def serve(speed: float) -> None:
    schedule = Schedule()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(schedule, speed), "127.0.0.1", 0, backlog=1024
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, default=4.0)
    uvloop.run(serve(parser.parse_args().speed))
