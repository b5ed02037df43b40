"""A flood on one media stream, and the wait of another call meanwhile, both over real sockets."""

import asyncio
import math
import socket
import time
from base64 import b64encode
from contextlib import suppress

import aiohttp

from telebridge.audio.mulaw import from_samples, silence
from telebridge.twilio.media_stream import MediaStream, Side
from telebridge.twilio.request_signature import webhook_signature

KEY = b64encode(b"1234567890123456").decode()
TEXT_FRAME = 0x81
LOUD = from_samples([(-1) ** (at // 3) * 8000 for at in range(160)])
"""A frame that a detector has to judge."""


def percentile(values, percent):
    """The value that so many in a hundred do not exceed; without an answer in time, no bound is kept."""
    ordered = sorted(values) or [math.inf]
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


class Echo:
    """A call whose caller is quiet; `measure` asks by pings how long its messages wait."""

    def __init__(self, session, socket, twilio):
        self._session = session
        self._socket = socket
        self._twilio = twilio
        self._frames = 0
        self._answered = asyncio.Event()  # whether every ping was

    @classmethod
    async def open(cls, url, public_url, path, call_sid, auth_token):
        session = aiohttp.ClientSession()
        headers = {"X-Twilio-Signature": stream_signature(public_url, path, auth_token)}
        socket = await session.ws_connect(url + path, headers=headers, autoping=False)
        twilio = MediaStream(Side.TWILIO)
        for message in begun(twilio, call_sid):
            await socket.send_str(message.decode())
        return cls(session, socket, twilio)

    async def measure(self, seconds):
        """How long each of the pings took that were sent with the frames, every 20 ms, in seconds."""
        until, sent, waits = time.monotonic() + seconds, [], []
        reading = asyncio.create_task(self._read(sent, waits))
        while time.monotonic() < until:
            await self._socket.send_str(self._twilio.send_audio(silence(20), self._frames * 20).decode())
            self._frames += 1
            sent.append(time.monotonic())
            await self._socket.ping(b"%d" % (len(sent) - 1))
            await asyncio.sleep(0.02)
        try:
            await asyncio.wait_for(self._answered.wait(), 30)
        finally:
            reading.cancel()
        return waits

    async def _read(self, sent, waits):
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.PONG:
                waits.append(time.monotonic() - sent[int(message.data)])
                (self._answered.set if len(waits) == len(sent) else self._answered.clear)()

    async def close(self):
        await self._socket.close()
        await self._session.close()


def begun(twilio, call_sid):
    """The first messages of the stream of a call."""
    return twilio.send_connected(), twilio.send_start("MZ" + "1" * 32, call_sid, "AC" + "1" * 32, {})


def flood_of(kind, call_sid):
    """All bytes of a media stream that floods: what begins it, and then "messages", "large" or "nonsense"."""
    twilio = MediaStream(Side.TWILIO)
    first = b"".join(map(frame, begun(twilio, call_sid)))
    match kind:
        case "messages":
            return first + b"".join(frame(twilio.send_audio(LOUD, n * 20)) for n in range(10_000))
        case "large":
            return first + frame(twilio.send_audio(silence(95_000), 0)) * 20
        case _:
            return first + frame(b'{"event":"news","streamSid":"MZ1"}') * 10_000


def send_flood(url, public_url, path, auth_token, flood):
    """Open a media stream, and send all at once; blocks, so run it in a thread."""
    host, _, port = url.removeprefix("http://").partition(":")
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
        f"X-Twilio-Signature: {stream_signature(public_url, path, auth_token)}",
    ]
    with socket.create_connection((host, int(port)), timeout=10) as peer:
        peer.sendall("\r\n".join([*lines, "", ""]).encode())
        if b" 101 " not in peer.recv(4096):
            raise OSError("the stream is not accepted")
        peer.settimeout(4)
        with suppress(TimeoutError):  # the bridge reads at its own pace, and the rest waits here
            peer.sendall(flood)


def stream_signature(public_url, path, auth_token):
    """Twilio's signature of a media stream's handshake."""
    return webhook_signature(auth_token, public_url.replace("http", "ws", 1) + path, {})


def frame(message):
    """A text frame of a client; its mask changes nothing."""
    size = len(message)
    if size < 126:
        head = bytes((TEXT_FRAME, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((TEXT_FRAME, 0x80 | 126)) + size.to_bytes(2)
    else:
        head = bytes((TEXT_FRAME, 0x80 | 127)) + size.to_bytes(8)
    return head + bytes(4) + message
