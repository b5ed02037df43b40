"""What a call sends to Twilio leaves at once and in order; what a peer does not read waits, where a clear drops it."""

import asyncio
import json

from aiohttp import ClientSession, WSMsgType, web
from hypothesis import given, settings
from hypothesis import strategies as st
from support.faults import fault
from support.virtual_time import virtually

from telebridge.call.runner.media_line import MOST_UNSENT_BYTES, QueuedSocket


class Peer:
    """A socket and its transport in one: it takes what is sent while it reads."""

    def __init__(self):
        self.taken, self.waits, self.reads, self.closed, self.lost = [], 0, True, False, False
        self._reading = asyncio.Event()
        self._reading.set()

    def read(self, reads):
        self.reads = reads
        if reads:
            self.waits = 0
            self._reading.set()
        else:
            self._reading.clear()

    def is_closing(self):
        return self.lost

    def get_write_buffer_size(self):
        return self.waits

    def write(self, frame):
        size = {126: 4, 127: 10}.get(frame[1], 2)
        self._take(frame[size:])

    async def send_frame(self, message, _kind):
        if self.lost or self.closed:
            raise ConnectionResetError
        self._take(message)
        await self._reading.wait()

    async def close(self):
        self.closed = True

    def _take(self, message):
        self.taken.append(message)
        if not self.reads:
            self.waits += len(message)


@given(st.lists(st.sampled_from(["send", "send", "send", "stop reading", "read", "turn"]), max_size=60))
@settings(deadline=None, max_examples=60)
def test_messages_keep_their_order_however_the_peer_reads(happenings):
    @virtually
    async def sent():
        peer = Peer()
        socket = QueuedSocket(peer, peer)
        writer = asyncio.create_task(socket.write())
        messages = []
        for happens in happenings:
            match happens:
                case "send":
                    messages.append(b"%08d" % len(messages) + bytes(3000))
                    socket.send(messages[-1])
                case "stop reading":
                    peer.read(False)
                case "read":
                    peer.read(True)
                case "turn":
                    await asyncio.sleep(0.01)
        peer.read(True)
        socket.close()
        await writer
        assert peer.taken == messages
        assert peer.closed

    sent()


@fault(
    "Twilio does not read a stream while a long prompt is sent, and the caller interrupts.",
    caller="Silence at once, when Twilio reads again.",
    operator="Nothing.",
    kept="Memory: what the socket does not take waits in a queue, and a clear drops it.",
)
@virtually
async def test_what_a_peer_does_not_read_is_dropped_by_a_clear():
    peer = Peer()
    socket = QueuedSocket(peer, peer)
    writer = asyncio.create_task(socket.write())
    peer.read(False)
    for _ in range(200):
        socket.send(bytes(2200))
        await asyncio.sleep(0)
    assert sum(map(len, peer.taken)) <= MOST_UNSENT_BYTES + 3 * 2200
    before = len(peer.taken)
    socket.drop_queued()
    socket.send(b"clear")
    peer.read(True)
    await asyncio.sleep(0.1)
    assert peer.taken[before:] == [b"clear"]
    socket.close()
    await writer


@virtually
async def test_nothing_is_written_to_a_socket_that_is_gone():
    for gone in ("lost", "closed"):
        peer = Peer()
        socket = QueuedSocket(peer, peer)
        writer = asyncio.create_task(socket.write())
        setattr(peer, gone, True)
        socket.send(b"late")
        await writer
        assert peer.taken == []
    socket = QueuedSocket(peer, None)
    writer = asyncio.create_task(socket.write())
    socket.send(b"late")
    await writer
    assert peer.taken == []


@virtually
async def test_frames_of_every_size_are_read_by_a_client():
    sizes = [1, 125, 126, 2200, 65535, 65536, 200_000]

    async def serve(request):
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        out = QueuedSocket(socket, request.transport)
        writer = asyncio.create_task(out.write())
        for size in sizes:
            out.send(json.dumps("x" * (size - 2)).encode() if size > 1 else b"1")
        out.close()
        await writer
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}/") as client:
        taken = [len(message.data) async for message in client if message.type is WSMsgType.TEXT]
    await runner.cleanup()
    assert taken == sizes
