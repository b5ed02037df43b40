"""Connections in memory: what is written arrives in order, a reader that pauses holds the writer, a cut is a cut."""

import asyncio
import threading
import time

import aiohttp
import pytest
from aiohttp import web

from telebridge.testing.network.loop import PhoneLoop
from telebridge.testing.network.network import MemoryNetwork
from telebridge.testing.network.transport import HIGH_WATER_BYTES


class Peer(asyncio.Protocol):
    def __init__(self):
        self.received, self.events = b"", []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data

    def eof_received(self):
        self.events.append("eof")

    def pause_writing(self):
        self.events.append("pause")

    def resume_writing(self):
        self.events.append("resume")

    def connection_lost(self, error):
        self.events.append(type(error).__name__)


@pytest.fixture
def loop():
    refused = []
    network = MemoryNetwork(refused=refused.append)
    loop = PhoneLoop(network)
    loop.refused = refused
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


async def joined(loop):
    server = Peer()
    loop.network.serve("https://app.test", lambda: server)
    _, client = await loop.create_connection(Peer, "app.test", 443, ssl=True)
    return client, server


def test_bytes_arrive_in_order_and_the_end_after_them(loop):
    async def main():
        client, server = await joined(loop)
        client.transport.write(b"one ")
        client.transport.writelines([b"two ", b"three"])
        client.transport.close()
        client.transport.write(b" never")
        await asyncio.sleep(0.01)
        assert server.received == b"one two three"
        assert server.events == ["eof", "NoneType"]
        assert client.events == ["NoneType"]
        assert client.transport.is_closing()
        assert server.transport.get_extra_info("peername") == client.transport.get_extra_info("sockname")

    loop.run_until_complete(main())


def test_a_reader_that_pauses_holds_the_writer(loop):
    async def main():
        client, server = await joined(loop)
        server.transport.pause_reading()
        client.transport.write(bytes(HIGH_WATER_BYTES + 1))
        await asyncio.sleep(0.01)
        assert (server.received, client.events) == (b"", ["pause"])
        assert client.transport.get_write_buffer_size() == HIGH_WATER_BYTES + 1
        server.transport.resume_reading()
        await asyncio.sleep(0.01)
        assert (len(server.received), client.events) == (HIGH_WATER_BYTES + 1, ["pause", "resume"])

    loop.run_until_complete(main())


def test_a_cut_connection_loses_what_was_under_way(loop):
    async def main():
        client, server = await joined(loop)
        client.transport.write(b"lost")
        loop.network.cut("https://app.test")
        await asyncio.sleep(0.01)
        assert server.received == b""
        assert server.events == ["ConnectionResetError"]

    loop.run_until_complete(main())


def test_nobody_answers_where_nobody_is(loop):
    async def main():
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError, match=r"nobody answers at api\.twilio\.com:443"):
                await session.get("https://api.twilio.com/")

    loop.run_until_complete(main())
    assert loop.refused == ["api.twilio.com:443"]


def test_a_held_server_lets_clients_wait(loop):
    async def hello(_):
        return web.Response(text="hello")

    async def main():
        app = web.Application()
        app.router.add_get("/", hello)
        runner = web.AppRunner(app)
        await runner.setup()
        loop.network.hold("http://app.test")
        async with aiohttp.ClientSession() as session:
            asking = asyncio.ensure_future(session.get("http://app.test/"))
            await asyncio.sleep(5)
            assert not asking.done()
            loop.network.serve("http://app.test", runner.server)
            async with await asking as answer:
                assert await answer.text() == "hello"
        await runner.cleanup()

    loop.run_until_complete(main())


def test_blocking_work_of_others_runs_in_a_thread_while_the_clock_stands_still(loop):
    async def main():
        before = loop.time()
        name = await asyncio.to_thread(lambda: time.sleep(0.02) or threading.current_thread().name)
        assert loop.time() == before
        assert name != threading.main_thread().name

    loop.run_until_complete(main())
