"""A caller who speaks every few seconds over what they hear, and a buffer that plays what they hear.

Cheap, because one core has to carry hundreds of them beside a Rime: a frame is put together of pieces that are encoded
once, and goes to the socket directly.
"""

import asyncio
import json
import math
import os
import socket
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from live.frames import CLOSE, NO_MASK, PING, PONG, TEXT, client_frame, head, read_frames
from live.stamps import read_stamp

FRAME_SECONDS = 0.020
SILENCE = b64encode(b"\xff" * 160)
MISSED_AFTER_SECONDS = 1.0
"""Somebody who has spoken for so long over a prompt that goes on was not heard."""
EFFECT_SECONDS = 1.0
"""A clear so long after the end of speech is still its effect: a pause may become an interruption."""
SETTLED_SECONDS = 0.8
"""The next prompt may be held back until the caller has been silent for this long; what leaves Rime later may not."""
JITTER_SECONDS = 0.1
"""What a telephone buffers before it begins to play."""


@dataclass(frozen=True)
class Speech:
    """Somebody's speech as payloads of frames; they begin in the frame `onset`, so many seconds before its end."""

    payloads: tuple[bytes, ...]
    onset: int
    before_end: float


@dataclass
class Figures:
    """What all calls saw while they were measured. Times in milliseconds."""

    measured: bool = False
    chunk_ms: list[float] = field(default_factory=list)
    first_chunk_ms: list[float] = field(default_factory=list)
    clear_ms: list[float] = field(default_factory=list)
    underruns: int = 0
    missed: int = 0
    false: int = 0
    frames: int = 0
    chunks: int = 0
    closed: int = 0
    unread: int = 0
    """Frames that the server's socket had no room for."""


class _Media(msgspec.Struct):
    payload: str


class _Mark(msgspec.Struct):
    name: str


class _Message(msgspec.Struct):
    event: str
    media: _Media | None = None
    mark: _Mark | None = None


_DECODE = msgspec.json.Decoder(_Message).decode
_HEADS: dict[int, list[bytes]] = {}


def _frame_head(number: int, tail_size: int) -> bytes:
    """A `media` message down to its payload, with what stands before it on the wire; made once for all calls."""
    heads = _HEADS.setdefault(tail_size, [])
    while len(heads) <= number:
        each = len(heads)
        content = (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"'
            % (each + 2, each + 1, each * 20)
        )
        heads.append(head(len(content) + len(SILENCE) + tail_size, TEXT, 0x80) + NO_MASK + content)
    return heads[number]


def message(event: str, **fields: object) -> bytes:
    """A message of Twilio, ready for the wire."""
    return client_frame(json.dumps({"event": event, **fields}).encode())


class Talker(asyncio.Protocol):
    """One call's media stream, after the TCP connection is made.

    Args:
        line: The connected socket.
        path: Where the server's stream is.
        call_sid: Twilio's name of the call.
        headers: More headers of the handshake.
        speeches: What the caller says, in turn; nothing where it is empty.
        first_seconds: When they begin to speak.
        every_seconds: How long it takes until they speak again.
        figures: Where what is seen is entered.
    """

    def __init__(
        self,
        line: socket.socket,
        path: str,
        call_sid: str,
        headers: dict[str, str],
        *,
        speeches: Sequence[Speech],
        first_seconds: float,
        every_seconds: float,
        figures: Figures,
    ) -> None:
        self.call_sid, self.stream_sid = call_sid, "MZ" + call_sid[2:]
        self.upgraded: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.closed = False
        self._line, self._path, self._headers = line, path, headers
        self._figures = figures
        self._tail = b'"},"streamSid":"%b"}' % self.stream_sid.encode()
        self._number = 0
        self._congested = False
        self._buffer = b""
        self._marks: deque[tuple[float, str]] = deque()
        self._speeches = speeches
        self._turn = 0
        self.ahead_seconds = MISSED_AFTER_SECONDS
        """Speech counts over a prompt of which more than this is still to be played; 0 for a server that paces."""
        self._every = int(every_seconds / FRAME_SECONDS)
        self._next_at = int(first_seconds / FRAME_SECONDS) if speeches else math.inf
        self._speech: Speech | None = None
        self._place = 0
        self._began_at = self._settled_at = -math.inf
        self._onset_at: float | None = None
        self._effect_until = 0.0
        self._newest_stamp = 0.0
        self._plays_until = 0.0
        self._cleared = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        key = b64encode(os.urandom(16)).decode()
        more = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
        transport.write(
            f"GET {self._path} HTTP/1.1\r\n{more}Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def start(self) -> None:
        """Tell what Twilio tells before the first frame."""
        start = {
            "streamSid": self.stream_sid,
            "accountSid": "AC" + "0" * 32,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "customParameters": {},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        self._send(
            message("connected", protocol="Call", version="1.0.0")
            + message("start", sequenceNumber="1", streamSid=self.stream_sid, start=start)
        )

    def stop(self) -> None:
        """The caller hangs up."""
        if not self._transport.is_closing():
            self._send(message("stop", sequenceNumber="9", streamSid=self.stream_sid, stop={}))
            self.closed = True
            self._transport.close()

    def send_frame(self, now: float) -> None:
        """Send the next 20 ms, and the marks of what was played by now."""
        marks, figures = self._marks, self._figures
        while marks and marks[0][0] <= now:
            mark = {"name": marks.popleft()[1]}
            self._send(message("mark", sequenceNumber="3", streamSid=self.stream_sid, mark=mark))
        payload = SILENCE
        if self._speech is not None or self._number >= self._next_at:
            payload = self._spoken(now)
        self._send(_frame_head(self._number, len(self._tail)) + payload + self._tail)
        self._number += 1
        if figures.measured:
            figures.frames += 1
        if self._onset_at is not None and now - self._onset_at > MISSED_AFTER_SECONDS:
            self._onset_at = None
            figures.missed += figures.measured and self._plays_until > now

    def _spoken(self, now: float) -> bytes:
        if self._speech is None:
            self._speech, self._place = self._speeches[self._turn % len(self._speeches)], 0
            self._turn += 1
            self._next_at += self._every
            self._began_at, self._settled_at = now, math.inf
        speech, place = self._speech, self._place
        if place == speech.onset and not self._cleared and self._plays_until > now + self.ahead_seconds:
            self._onset_at = now - speech.before_end
        self._effect_until = now + EFFECT_SECONDS
        self._place += 1
        if self._place == len(speech.payloads):
            self._speech = None
            self._settled_at = now + SETTLED_SECONDS
        return speech.payloads[place]

    def _send(self, data: bytes) -> None:
        """Write to the socket itself; through the transport where there is no room, which is the server's fault."""
        if self._congested:
            self._congested = self._transport.get_write_buffer_size() > 0
        if self._congested:
            self._figures.unread += self._figures.measured
            self._transport.write(data)
            return
        try:
            sent = self._line.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:  # the server has closed; connection_lost tells
            return
        if sent < len(data):
            self._congested = True
            self._transport.write(data[sent:])

    def data_received(self, data: bytes) -> None:
        if not self.upgraded.done():
            answer, separator, data = (self._buffer + data).partition(b"\r\n\r\n")
            self._buffer = b"" if separator else answer
            if not separator:
                return
            self.upgraded.set_result(answer.split(b" ", 2)[1] == b"101")
        frames, self._buffer = read_frames(self._buffer + data if self._buffer else data)
        now = time.perf_counter()
        for opcode, payload in frames:
            if opcode == TEXT:
                self._take(payload, now)
            elif opcode == PING:
                self._send(client_frame(payload, PONG))
            elif opcode == CLOSE:
                self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.closed:
            self._figures.closed += self._figures.measured
        self.closed = True
        if not self.upgraded.done():
            self.upgraded.set_result(False)

    def _take(self, payload: bytes, now: float) -> None:
        told = _DECODE(payload)
        if told.media is not None:
            self._play(b64decode(told.media.payload), now)
        elif told.mark is not None:
            self._marks.append((max(self._plays_until, now), told.mark.name))
        elif told.event == "clear":
            self._clear(now)

    def _play(self, audio: bytes, now: float) -> None:
        figures = self._figures
        begins = False
        if (stamp := read_stamp(audio)) is not None:
            left_at, number = stamp
            begins = number == 0
            if left_at > self._newest_stamp:  # what is played again after a pause has been counted
                self._newest_stamp = left_at
                if figures.measured:
                    self._note_chunk(left_at, (now - left_at) * 1000, begins=begins)
        if self._plays_until < now:
            if not (begins or self._cleared):
                figures.underruns += figures.measured
            self._plays_until = now + JITTER_SECONDS
        self._cleared = False
        self._plays_until += len(audio) / 8000

    def _note_chunk(self, left_at: float, took_ms: float, *, begins: bool) -> None:
        """Only what left Rime before the caller spoke, or when they had been silent for long, was due at once."""
        self._figures.chunks += 1
        if begins:
            self._figures.first_chunk_ms.append(took_ms)
        if left_at < self._began_at or left_at > self._settled_at:
            self._figures.chunk_ms.append(took_ms)

    def _clear(self, now: float) -> None:
        figures = self._figures
        if self._onset_at is not None:
            if figures.measured:
                figures.clear_ms.append((now - self._onset_at) * 1000)
            self._onset_at = None
        elif now > self._effect_until:
            figures.false += figures.measured
        self._cleared = True
        self._plays_until = now
        names = [name for _, name in self._marks]
        self._marks = deque((now, name) for name in names)
