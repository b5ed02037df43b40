"""Connections that are handed over between the workers of one server."""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import aiohttp
import pytest
import uvloop
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from support.faults import fault

from telebridge.cli.listen import listening
from telebridge.server.http.connections import CONNECTIONS, ConnectionBounds
from telebridge.server.http.handover import Handover, named_worker
from telebridge.twilio.signed_urls import StreamTokens


@asynccontextmanager
async def worker(folder, number):
    """A worker that answers with its number, and echoes over a socket with it."""
    bounds = ConnectionBounds()
    bounds.handover = Handover(folder, number)
    app = web.Application(middlewares=[bounds.middleware()])
    app[CONNECTIONS] = bounds

    async def stream(request):
        echo = web.WebSocketResponse()
        await echo.prepare(request)
        bounds.hand_over(request)
        async for message in echo:
            await echo.send_str(f"{number} {message.data}")
        return echo

    async def plain(_):
        return web.Response(text=str(number))

    app.router.add_get("/twilio/media/{token}", stream)
    app.router.add_get("/{rest:.*}", plain)
    async with listening(app, "127.0.0.1", 0, port_setting="server.port", bounds=bounds) as url:
        yield url


async def talked(session, url, said="hello"):
    async with session.ws_connect(url) as stream:
        for _ in range(3):
            await stream.send_str(said)
            answer = await stream.receive_str(timeout=5)
        return answer


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_stream_reaches_the_worker_that_its_address_names(tmp_path, run):
    async def main():
        async with worker(tmp_path, 0) as first, worker(tmp_path, 1) as second, aiohttp.ClientSession() as session:
            for url in (first, second):
                assert await talked(session, f"{url}/twilio/media/0~token") == "0 hello"
                assert await talked(session, f"{url}/twilio/media/1~token") == "1 hello"
            streams = [talked(session, f"{first}/twilio/media/{n % 2}~t", str(n)) for n in range(40)]
            assert await asyncio.gather(*streams) == [f"{n % 2} {n}" for n in range(40)]
            async with session.get(f"{first}/twilio/voice") as answer:  # the connection is kept for the next request
                assert await answer.text() == "0"
            assert await talked(session, f"{first}/twilio/media/1~again") == "1 hello"

    run(main())


@fault(
    "A worker dies, and the stream of one of its calls is accepted by another.",
    caller="The call goes on where it was.",
    operator="The line 'a media stream is served by another worker than its call's'.",
    kept="The stream: it is served where it arrived, and the call is taken over from the database.",
)
async def test_a_stream_for_a_worker_that_is_gone_is_served_where_it_arrived(tmp_path):
    async with worker(tmp_path, 0) as first, aiohttp.ClientSession() as session:
        assert await talked(session, f"{first}/twilio/media/1~token") == "0 hello", "it never was there"
        async with worker(tmp_path, 1):
            assert await talked(session, f"{first}/twilio/media/1~token") == "1 hello"
        assert await talked(session, f"{first}/twilio/media/1~token") == "0 hello", "it has ended"
        dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        dead.bind(str(tmp_path / "1"))
        dead.close()  # as a process that was killed leaves it
        assert await talked(session, f"{first}/twilio/media/1~token") == "0 hello"
        async with worker(tmp_path, 1):  # the one that follows it
            assert await talked(session, f"{first}/twilio/media/1~token") == "1 hello"


async def test_a_worker_that_takes_nothing_leaves_the_stream_where_it_arrived(tmp_path):
    busy = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    busy.bind(str(tmp_path / "1"))
    filling = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    filling.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            filling.sendto(b"x", str(tmp_path / "1"))
    async with worker(tmp_path, 0) as first, aiohttp.ClientSession() as session:
        assert await talked(session, f"{first}/twilio/media/1~token") == "0 hello"
    busy.close()
    filling.close()


@given(st.binary(max_size=300))
def test_no_bytes_of_a_stranger_are_more_than_no_worker(head):
    assert named_worker(head) is None or head.startswith(b"GET ")


@given(st.integers(0, 63), st.text(max_size=20))
def test_the_worker_is_told_from_the_token_whatever_the_call_is_called(number, call_sid):
    now = datetime.now(UTC)
    tokens = StreamTokens("secret", worker=number)
    token = tokens.issue(call_sid, {"flow": "x"}, wallclock=now)
    assert named_worker(f"GET /base/twilio/media/{token} HTTP/1.1\r\n".encode()) == number
    assert StreamTokens("secret").redeem(token, wallclock=now) == (call_sid, {"flow": "x"})
    assert tokens.name(token) == tokens.name(token.partition("~")[2])
    alone = StreamTokens("secret").issue(call_sid, {"flow": "x"}, wallclock=now)
    assert named_worker(f"GET /twilio/media/{alone} HTTP/1.1\r\n".encode()) is None
