"""A Rime of few instructions: `python -m live.fake_rime VOICE`. Prints its port when it listens.

Speaks `/ws3` (Rime, "WebSockets JSON"): a text becomes audio of its length, 15 characters a second, in chunks that
arrive so many times as fast as they play, each with its word times, and `done` at the end. VOICE is a file of mu-law
audio that every text begins with and repeats. Every chunk begins with a stamp. As Rime documents it, a clear drops what
is not spoken yet, and what is being spoken goes on. A client that asks for `pcm` gets the same audio as PCM. A plain
HTTP request is answered with the texts so far, and how often each has come.
"""

import argparse
import asyncio
import gc
import heapq
import json
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from pathlib import Path

import uvloop

from live.frames import CLOSE, PING, PONG, TEXT, accepted, head, read_frames, server_frame
from live.stamps import SIZE, stamp

CHARACTERS_A_SECOND = 15.0
BYTES_A_SECOND = 8000


class Schedule:
    """All chunks that are due, over one timer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._armed = False
        self.texts: Counter[str] = Counter()
        """How often each text has come from all clients."""

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do this at a time of `time.perf_counter`."""
        heapq.heappush(self._due, (when, next(self._numbers), action))
        self._arm()

    def _arm(self) -> None:
        if self._due and not self._armed:
            self._armed = True
            self._loop.call_later(0.001, self._run)

    def _run(self) -> None:
        self._armed = False
        now = time.perf_counter()
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()
        self._arm()


class Voice:
    """What every text sounds like, encoded once."""

    def __init__(self, audio: bytes, chunk_ms: int) -> None:
        size = BYTES_A_SECOND * chunk_ms // 1000
        self.chunk_seconds = chunk_ms / 1000
        self._chunks = [audio[start : start + size] for start in range(0, len(audio) - size + 1, size)]
        self._encoded = [b64encode(chunk[SIZE:]) for chunk in self._chunks]

    def data(self, number: int) -> bytes:
        """The chunk of this number in base64, stamped now."""
        return b64encode(stamp(time.perf_counter(), number)) + self._encoded[number % len(self._encoded)]

    def pcm(self, number: int) -> bytes:
        """The same as PCM."""
        from telebridge.audio.mulaw import to_pcm

        chunk = self._chunks[number % len(self._chunks)]
        return b64encode(to_pcm(stamp(time.perf_counter(), number) + chunk[SIZE:]))

    @lru_cache(maxsize=64)  # noqa: B019 - there is one voice
    def times(self, text: str) -> list[bytes]:
        """The word times of each chunk of a text, as the start of a message."""
        words = text.split()
        chunks = max(1, round(len(text) / CHARACTERS_A_SECOND / self.chunk_seconds))
        return [self._times(words, number, chunks) for number in range(chunks)]

    def _times(self, words: list[str], number: int, chunks: int) -> bytes:
        first, last = len(words) * number // chunks, len(words) * (number + 1) // chunks
        each = self.chunk_seconds / max(1, last - first)
        starts = [round(number * self.chunk_seconds + each * place, 3) for place in range(last - first)]
        times = {"words": words[first:last], "start": starts, "end": [round(start + each, 3) for start in starts]}
        return b'{"type":"timestamps","word_timestamps":' + json.dumps(times).encode() if starts else b""


class Connection(asyncio.Protocol):
    """One client, after the TCP connection is made."""

    def __init__(self, schedule: Schedule, voice: Voice, speed: float) -> None:
        self._schedule = schedule
        self._voice = voice
        self._data = voice.data
        self._interval = voice.chunk_seconds / speed
        self._buffer = b""
        self._upgraded = False
        self._texts: list[tuple[str, bytes]] = []
        self._speaking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            request, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            self._buffer = rest
            self._upgraded = True
            if b"pgrade: " not in request:
                content = json.dumps(self._schedule.texts).encode()
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content))
                self._transport.close()
                return
            if b"audioFormat=pcm" in request:
                self._data = self._voice.pcm
            self._transport.write(accepted(request))
        frames, self._buffer = read_frames(self._buffer)
        for opcode, payload in frames:
            self._take(opcode, payload)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self._transport.write(server_frame(payload[:2], CLOSE))
            self._transport.close()
        elif opcode == PING:
            self._transport.write(server_frame(payload, PONG))
        elif opcode == TEXT:
            told = json.loads(payload)
            if told.get("operation") == "clear":
                self._texts.clear()
            elif (told.get("text") or "").strip():
                self._schedule.texts[told["text"]] += 1
                self._texts.append((told["text"], json.dumps(told.get("contextId")).encode()))
                if not self._speaking:
                    self._begin()

    def _begin(self) -> None:
        self._speaking = True
        text, context_id = self._texts.pop(0)
        self._speak(self._voice.times(text), b',"contextId":' + context_id + b"}", 0, time.perf_counter())

    def _speak(self, times: list[bytes], tail: bytes, number: int, due: float) -> None:
        if self._transport.is_closing():
            return
        if number == len(times):
            self._transport.write(server_frame(b'{"type":"done"' + tail))
            self._speaking = False
            if self._texts:
                self._begin()
            return
        message = b'{"type":"chunk","data":"' + self._data(number) + b'"' + tail
        sent = head(len(message), TEXT, 0) + message
        self._transport.write(sent + server_frame(times[number] + tail) if times[number] else sent)
        due += self._interval
        self._schedule.at(due, lambda: self._speak(times, tail, number + 1, due))


async def serve(voice: Voice, speed: float) -> None:
    """Listen until the process ends."""
    schedule = Schedule()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(schedule, voice, speed), "127.0.0.1", 0, backlog=4096
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    gc.freeze()
    gc.disable()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", type=Path)
    parser.add_argument("--speed", type=float, default=4.0)
    parser.add_argument("--chunk-ms", type=int, default=200)
    given = parser.parse_args()
    uvloop.run(serve(Voice(given.voice.read_bytes(), given.chunk_ms), given.speed))
