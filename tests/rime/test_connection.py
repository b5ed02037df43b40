"""What comes over one connection reaches whoever has it on loan, in order, and nobody else."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from support.faults import fault
from support.virtual_time import virtually
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.utils import accept_key

from telebridge.rime.connection import MESSAGES_A_TURN, RimeConnection

HEAD = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


class Receiver:
    """Notes what it gets, and in which turn."""

    def __init__(self):
        self.messages, self.closed = [], asyncio.Event()

    def message_received(self, message, *, text):
        self.messages.append(message.decode() if text else message)

    def connection_closed(self):
        self.messages.append(None)
        self.closed.set()


@asynccontextmanager
async def answered(answer):
    """A server that runs `answer(key, writer)` once it has the handshake, and the address of it."""

    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split()[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        try:
            await answer(key.decode(), writer)
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def accepted(key):
    return HEAD % accept_key(key).encode()


async def opened(url):
    connection = await connect(url, compression=None, proxy=None, create_connection=RimeConnection)
    connection.receiver = Receiver()
    return connection


@pytest.mark.parametrize("size", [1, 7, 1000])
@virtually
async def test_a_handshake_in_pieces_is_followed_by_messages(size):
    async def answer(key, writer):
        content = accepted(key) + b"\x81\x01a"
        for start in range(0, len(content), size):
            writer.write(content[start : start + size])
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        writer.write(b"\x81\x02bc\x82\x01\xff\x88\x02\x03\xe8")

    async with answered(answer) as url:
        connection = await opened(url)
        receiver = connection.receiver
        await receiver.closed.wait()
        assert receiver.messages[-3:] == ["bc", b"\xff", None]
        assert connection.close_code == 1000


@fault(
    "Rime sends a message on a spare connection, which nobody has on loan.",
    caller="Nothing of it.",
    operator="Nothing.",
    kept="The next prompt: it begins with its own audio.",
)
@virtually
async def test_what_comes_while_nobody_has_the_connection_is_dropped():
    async def answer(key, writer):
        writer.write(accepted(key) + b"\x82\x05stale")
        await asyncio.sleep(1)
        writer.write(b"\x82\x05stale")
        await asyncio.sleep(1)
        writer.write(b"\x82\x05fresh")

    async with answered(answer) as url:
        connection = await connect(url, compression=None, proxy=None, create_connection=RimeConnection)
        await asyncio.sleep(1.5)
        connection.receiver = receiver = Receiver()
        await asyncio.sleep(2)
        assert receiver.messages == [b"fresh"]
        await connection.close()
        assert receiver.messages == [b"fresh", None]


@virtually
async def test_pings_are_answered_while_messages_come():
    written = asyncio.Event()

    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(accepted(head.decode().partition("Sec-WebSocket-Key: ")[2].split()[0]))
        await asyncio.sleep(0.1)
        writer.write(b"\x81\x01a\x89\x01p\x81\x01b")
        if (await reader.readexactly(7))[:2] == b"\x8a\x81":
            written.set()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        connection = await opened(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        receiver = connection.receiver
        await receiver.closed.wait()
    assert written.is_set()
    assert receiver.messages == ["a", "b", None]


@fault(
    "Rime breaks the WebSocket protocol: a frame with a mask, an unknown opcode, a fragment of nothing.",
    caller="The text over another connection, or by the next provider.",
    operator="The log line 'Rime broke the WebSocket protocol' with what was wrong.",
    kept="What came before; the connection is closed and not used again.",
)
@pytest.mark.parametrize("frame", [b"\x81\x81mask!", b"\x83\x00", b"\x80\x01x"])
@virtually
async def test_what_breaks_the_protocol_ends_the_connection(frame):
    async def answer(key, writer):
        writer.write(accepted(key))
        await asyncio.sleep(0.1)
        writer.write(b"\x81\x01a" + frame + b"\x81\x01b")

    async with answered(answer) as url:
        connection = await opened(url)
        receiver = connection.receiver
        await receiver.closed.wait()
        assert receiver.messages == ["a", None]
        with pytest.raises(ConnectionClosed):
            await connection.send("more")


@virtually
async def test_all_that_came_is_passed_on_before_the_end():
    count = 5 * MESSAGES_A_TURN

    async def answer(key, writer):
        writer.write(accepted(key))
        await asyncio.sleep(0.1)
        writer.write(b"\x81\x01a" * count)
        writer.close()

    async with answered(answer) as url:
        connection = await opened(url)
        receiver = connection.receiver
        await receiver.closed.wait()
        assert receiver.messages == ["a"] * count + [None]


@virtually
async def test_a_refused_handshake_is_told_with_its_body():
    async def answer(_key, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 7\r\n\r\nbecause")

    async with answered(answer) as url:
        with pytest.raises(InvalidStatus) as caught:
            await opened(url)
        assert caught.value.response.body == b"because"
