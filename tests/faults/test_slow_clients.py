"""Clients that hold connections: slow headers, many connections, calls whose stream never comes"""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from support.bridge import bridge
from support.faults import fault
from support.raw_http import answer_to, connected, raw_request, read_answer
from support.virtual_time import virtually

from telebridge.cli.listen import listening
from telebridge.server.http.connections import (
    CONNECTIONS,
    GRACE_SECONDS,
    HEADER_SECONDS,
    IDLE_SECONDS,
    LINGER_SECONDS,
    ConnectionBounds,
    known,
)
from telebridge.simulator.setup.options import AUTH_TOKEN
from telebridge.twilio.request_signature import webhook_signature

FLOW = "flow: test\nstart: bye\nnodes:\n  bye: {hang_up: Goodbye.}\n"
HALF = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
SIGNED = ("X-Signed: yes",)


@asynccontextmanager
async def server(per_address=100, trusted_proxies=(), total=1000):
    """A server with bounds; requests with `X-Signed` show who they are, and wait for `go`."""
    bounds = ConnectionBounds(per_address, trusted_proxies, total=total)
    app = web.Application(middlewares=[bounds.middleware()])
    app[CONNECTIONS] = bounds
    go = asyncio.Event()

    async def hello(request):
        if "X-Signed" in request.headers:
            known(request)
            await go.wait()
        return web.Response(text="hello")

    async def stream(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        bounds.hand_over(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    app.router.add_get("/hello", hello)
    app.router.add_get("/stream", stream)
    async with listening(app, "127.0.0.1", 0, port_setting="server.port", bounds=bounds) as url:
        yield url, bounds, go


async def seconds_until_closed(reader):
    """How long a connection is still open, and what came over it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        received = await reader.read()
    except ConnectionError:
        received = b""
    return loop.time() - began, received


@fault(
    "A client sends half of the headers of a request, or nothing at all, and waits.",
    caller="Nothing.",
    operator='408 after 10 s; `telebridge_refused_total{endpoint="connection",reason="headers"}` counts.',
    kept="Descriptors for others.",
)
@pytest.mark.parametrize(("sent", "answer"), [(HALF, b"HTTP/1.1 408"), (b"G", b"HTTP/1.1 408"), (b"", b"")])
@virtually
async def test_half_sent_headers_are_closed_after_a_bound(sent, answer):
    async with server() as (url, _, _go):
        reader, writer = await connected(url)
        writer.write(sent)
        seconds, received = await seconds_until_closed(reader)
        assert received.startswith(answer)
        assert HEADER_SECONDS - 0.1 <= seconds < HEADER_SECONDS + 1
        writer.close()


@fault(
    "A client sends one byte of a header every second, or the half of a second request on the same connection.",
    caller="Nothing.",
    operator="The same: the bound is for all headers of a request, from the first byte on.",
    kept="Descriptors for others.",
)
@virtually
async def test_headers_that_drip_are_bounded_as_a_whole():
    async with server() as (url, _, _go):
        reader, writer = await connected(url)
        writer.write(HALF + b"1\r\n\r\n")
        assert await read_answer(reader) == (200, "hello")
        await asyncio.sleep(HEADER_SECONDS * 2)  # a client may pause between two requests
        writer.write(HALF)
        closing = asyncio.create_task(seconds_until_closed(reader))
        while not closing.done():
            writer.write(b"x")
            await asyncio.sleep(1)
        seconds, received = await closing
        assert received.startswith(b"HTTP/1.1 408")
        assert HEADER_SECONDS - 0.1 <= seconds < HEADER_SECONDS + 1
        writer.close()


@fault(
    "A client leaves its connection open after a response, or never sends the body of a request that was refused.",
    caller="Nothing.",
    operator="Nothing: it is closed after 75 s, or after 2 s.",
    kept="Descriptors for others.",
)
@pytest.mark.parametrize(
    ("raw", "bound"), [(HALF + b"1\r\n\r\n", IDLE_SECONDS), (HALF + b"1\r\nContent-Length: 9\r\n\r\n", LINGER_SECONDS)]
)
@virtually
async def test_an_idle_connection_is_closed_after_a_bound(raw, bound):
    async with server() as (url, _, _go):
        reader, writer = await connected(url)
        writer.write(raw)
        assert await read_answer(reader) == (200, "hello")
        seconds, _ = await seconds_until_closed(reader)
        assert bound - 0.5 <= seconds <= bound + 1
        writer.close()


@fault(
    "One address opens 400 connections and sends half of the headers on each.",
    caller="Their call is answered as ever.",
    operator='`telebridge_refused_total{endpoint="connection"}` counts; the log has at most 20 lines a minute.',
    kept="Strangers hold at most 100 connections of one address, and half of the descriptors; the oldest are closed.",
)
@pytest.mark.parametrize("bounds", [{"per_address": 5}, {"total": 5}])
@virtually
async def test_connections_of_strangers_are_bounded_and_others_are_answered(bounds):
    with capture_logs() as logs:
        async with server(**bounds) as (url, held, _go):
            attack = []
            for _ in range(40):
                attack.append(await connected(url))
                attack[-1][1].write(HALF)
            await asyncio.sleep(GRACE_SECONDS + 0.1)
            assert len(held.strangers) == 5
            assert await answer_to(url, raw_request("GET", "/hello")) == (200, "hello")
            for _, writer in attack:
                writer.close()
    assert len(logs) <= 20


@fault(
    "Twilio, or a proxy in front, opens more connections than one address may.",
    caller="Their calls.",
    operator="Nothing: whoever shows a signature or the token does not count.",
    kept="Every call.",
)
@virtually
async def test_who_is_known_is_not_bounded():
    async with server(per_address=3) as (url, held, go):
        waiting = [asyncio.create_task(answer_to(url, raw_request("GET", "/hello", b"", SIGNED))) for _ in range(20)]
        await asyncio.sleep(GRACE_SECONDS + 0.1)
        assert len(held.strangers) == 0
        go.set()
        assert await asyncio.gather(*waiting) == [(200, "hello")] * 20


@fault(
    "Media streams stay open while strangers fill every connection that they may have.",
    caller="Their call goes on.",
    operator="Nothing.",
    kept="A media stream is never closed by these bounds.",
)
@virtually
async def test_a_media_stream_is_not_bounded():
    async with server(per_address=2, total=3) as (url, _, _go), aiohttp.ClientSession() as session:
        streams = [await session.ws_connect(f"{url}/stream") for _ in range(4)]
        strangers = [await connected(url) for _ in range(10)]
        await asyncio.sleep(IDLE_SECONDS * 2)
        for stream in streams:
            await stream.send_str("hello")
            assert await stream.receive_str() == "hello"
            await stream.close()
        for _, writer in strangers:
            writer.close()


@fault(
    "Strangers come through a trusted proxy, which forwards their addresses.",
    caller="Nothing.",
    operator="As without the proxy.",
    kept="The proxy's own address is not bounded; each address that it forwards is.",
)
@virtually
async def test_a_trusted_proxys_clients_are_bounded_by_their_own_addresses():
    async with server(per_address=2, trusted_proxies=("127.0.0.0/8",)) as (url, held, _go):
        connections = []
        for n in range(12):
            reader, writer = await connected(url)
            forwarded = f"203.0.113.{n % 3}"
            writer.write(f"GET /hello HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, {forwarded}\r\n\r\n".encode())
            assert await read_answer(reader) == (200, "hello")
            connections.append(writer)
        await asyncio.sleep(GRACE_SECONDS + 0.1)
        assert len(held.strangers) == 6
        for writer in connections:
            writer.close()


@fault(
    "Webhooks begin calls whose media streams never come.",
    caller="Who calls while too many wait hears busy.",
    operator='`telebridge_refused_total{endpoint="voice",reason="full"}` counts.',
    kept="At most `server.max_waiting_calls` wait, each for 30 s; calls that have their streams do not count.",
)
@virtually
async def test_calls_that_wait_for_their_streams_are_bounded(tmp_path):
    async with bridge(tmp_path, FLOW, server={"max_waiting_calls": 3}) as stack, aiohttp.ClientSession() as session:

        async def ring(n):
            form = {"CallSid": f"CA{n:032}", "From": "+1", "To": "+1", "CallStatus": "ringing"}
            signature = webhook_signature(AUTH_TOKEN, stack.webhook, form)
            async with session.post(stack.webhook, data=form, headers={"X-Twilio-Signature": signature}) as answer:
                return await answer.text()

        assert ["<Reject" in await ring(n) for n in range(5)] == [False] * 3 + [True] * 2
        await asyncio.sleep(31)
        assert "<Reject" not in await ring(9)
