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
from telebridge.server.workers.handover import SAID_EVERY_SECONDS, Handover, begins_call, named_worker
from telebridge.server.workers.load_board import LoadBoard
from telebridge.twilio.signed_urls import StreamTokens


class Calls(list):
    """The calls of a worker."""

    full = False


@asynccontextmanager
async def worker(folder, number, board=None, calls=()):
    """A worker that answers with its number, takes calls, and echoes over a socket with its number."""
    bounds, calls = ConnectionBounds(), Calls() if calls == () else calls
    bounds.handover = Handover(folder, number, board or LoadBoard(2), calls)
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

    async def voice(request):
        calls.append((await request.post())["CallSid"])
        return web.Response(text=f"{number} {calls[-1]}")

    app.router.add_post("/{base:.*}twilio/voice{flow:.*}", voice)
    app.router.add_route("*", "/{rest:.*}", plain)
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
    operator="The line 'a connection is served by another worker than its call's'.",
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


async def called(session, url, sid, path="/twilio/voice"):
    async with session.post(f"{url}{path}", data={"CallSid": sid, "padding": "x" * 3000}) as answer:
        number, _, said = (await answer.text()).partition(" ")
        assert said == sid
        return int(number)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_calls_go_to_the_worker_with_the_fewest_over_connections_that_are_kept(tmp_path, run):
    async def main():
        board, one_connection = LoadBoard(2), aiohttp.TCPConnector(limit=1)
        async with (
            worker(tmp_path, 0, board) as first,
            worker(tmp_path, 1, board),
            aiohttp.ClientSession(connector=one_connection) as session,
        ):
            placed = [await called(session, first, f"CA{n}") for n in range(40)]
            assert min(placed.count(0), placed.count(1)) >= 15, "evenly, but for what a worker has not said yet"
            async with aiohttp.ClientSession() as another:  # many at once, each with a connection of its own
                paths = ("/twilio/voice", "/base/twilio/voice", "/twilio/voice/menu", "/twilio/voice?attempt=7")
                at_once = [called(another, first, f"CB{n}", paths[n % 4]) for n in range(40)]
                placed += await asyncio.gather(*at_once)
            assert min(placed.count(0), placed.count(1)) >= 30
            async with (
                aiohttp.ClientSession() as another,
                another.post(f"{first}/twilio/status", data={"a": "b"}) as answer,
            ):
                assert await answer.text() == "0", "other webhooks stay where they arrive"

    run(main())


async def test_a_worker_that_is_full_or_draining_gets_no_call_and_gives_its_own_away(tmp_path):
    board, full = LoadBoard(2), Calls()
    full.full = True
    busy = Calls(range(300))
    async with (
        worker(tmp_path, 0, board, full) as first,
        worker(tmp_path, 1, board, busy) as second,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
    ):
        assert [await called(session, url, "CA1") for url in (first, second)] == [1, 1]
        busy.full = True
        await asyncio.sleep(2 * SAID_EVERY_SECONDS)
        assert [await called(session, url, "CA2") for url in (first, second)] == [0, 1], "each where it arrived"


@fault(
    "A worker dies or hangs while calls come in.",
    caller="The call is answered by another worker.",
    operator="The line 'a connection is served by another worker than its call's' for one that is dead.",
    kept="The call: after a second without a word the worker is given no more.",
)
async def test_a_call_for_a_worker_that_is_gone_begins_where_it_arrived(tmp_path):
    board = LoadBoard(2)
    async with worker(tmp_path, 0, board, Calls(range(5))) as first, aiohttp.ClientSession() as session:
        board.say(1, 0, now=asyncio.get_running_loop().time())  # and died then
        assert await called(session, first, "CA1") == 0
        waiting = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        waiting.bind(str(tmp_path / "1"))  # it hangs, and was given as much as the kernel keeps
        filling = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        filling.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                filling.sendto(b"x", str(tmp_path / "1"))
        board.say(1, 0, now=asyncio.get_running_loop().time())
        assert await called(session, first, "CA2") == 0
        waiting.close()
        filling.close()


@pytest.mark.parametrize(
    ("head", "begins"),
    [
        (b"POST /twilio/voice HTTP/1.1\r\n", True),
        (b"POST /twilio/voice/menu HTTP/1.1\r\n", True),
        (b"POST /base/twilio/voice?attempt=7 HTTP/1.1\r\n", True),
        (b"GET /twilio/voice HTTP/1.1\r\n", False),
        (b"POST /twilio/voices HTTP/1.1\r\n", False),
        (b"POST /api/calls?x=/twilio/voice HTTP/1.1\r\n", False),
        (b"POST /twilio/vo", False),
        (b"", False),
    ],
)
def test_what_begins_a_call(head, begins):
    assert begins_call(head) is begins


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
