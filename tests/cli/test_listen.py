"""A server listens or names the setting to change, and drains once at a signal."""

import asyncio
import errno
import os
import signal
import socket
import sys

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from telebridge.cli.listen import SWITCH_SECONDS, cannot_listen, listening, run_server, until_stopped
from telebridge.cli.process.stopping import Stop
from telebridge.errors import ConfigurationError


def application():
    async def respond(_):
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/", respond)
    return app


async def get(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


async def test_a_server_is_reached_at_the_url_while_the_block_runs():
    async with listening(application(), "127.0.0.1", 0, port_setting="--port") as url:
        assert await get(url) == "ok"
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(url)


async def test_an_inherited_socket_is_used():
    with socket.create_server(("127.0.0.1", 0)) as inherited:
        port = inherited.getsockname()[1]
        async with listening(application(), "ignored", 1, port_setting="--port", inherited=inherited) as url:
            assert await get(f"http://127.0.0.1:{port}") == "ok"
            assert url.endswith(f":{port}")


async def test_a_port_in_use_is_an_error_that_names_the_setting():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"server.port: port {port} on 127.0.0.1 is in use"):
            async with listening(application(), "127.0.0.1", port, port_setting="server.port"):
                raise AssertionError


def test_another_failure_says_what_the_system_says():
    error = OSError(errno.EACCES, "Permission denied")
    assert str(cannot_listen(error, "::1", 80, "--port")) == "--port: cannot listen on ::1:80 (Permission denied)"


STOPPING = signal.SIGTERM, signal.SIGINT, signal.SIGQUIT


@pytest.fixture
def stop():
    """A stop of one minute that ends no process."""
    ended = []
    stop = Stop(60, ended.append)
    yield stop
    stop.dismiss()
    assert not ended


async def stopped(stop, drain, *signals, lifeline=None):
    """Run until stopped, with a signal after each turn of the loop."""
    waiting = asyncio.create_task(until_stopped(stop, drain, lifeline=lifeline))
    for signum in signals:
        for _ in range(3):
            await asyncio.sleep(0)
        os.kill(os.getpid(), signum)
    try:
        await asyncio.wait_for(waiting, 10)
    finally:
        for signum in STOPPING:
            asyncio.get_running_loop().remove_signal_handler(signum)


async def test_a_signal_drains_to_the_end(stop):
    drained = []

    async def drain():
        await asyncio.sleep(0)
        drained.append(True)

    await stopped(stop, drain, signal.SIGTERM)
    assert drained == [True]


async def without_end():
    await asyncio.Event().wait()


async def test_a_second_signal_cuts_draining_short(stop):
    await stopped(stop, without_end, signal.SIGTERM, signal.SIGINT)
    assert stop.seconds_left() == 0


async def test_draining_ends_at_its_bound():
    stop = Stop(0.05, [].append)
    await stopped(stop, without_end, signal.SIGTERM)
    assert stop.seconds_left() == 0
    stop.dismiss()


async def test_a_failure_of_draining_is_told(stop):
    async def drain():
        raise OSError("the database is away")

    with capture_logs() as logs:
        await stopped(stop, drain, signal.SIGTERM)
    assert [(log["event"], "the database is away" in log["error"]) for log in logs] == [("draining failed", True)]


@pytest.fixture
def lifeline():
    read, held = os.pipe()
    yield read
    os.close(read)
    os.close(held)


async def test_a_process_under_a_supervisor_takes_a_repeated_signal_for_one(stop, lifeline):
    async def drain():
        for _ in range(20):
            await asyncio.sleep(0.001)

    await stopped(stop, drain, signal.SIGTERM, signal.SIGINT, signal.SIGTERM, lifeline=lifeline)
    assert stop.seconds_left() > 50


async def test_the_second_signal_of_the_supervisor_cuts_draining_short(stop, lifeline):
    await stopped(stop, without_end, signal.SIGTERM, signal.SIGQUIT, lifeline=lifeline)
    assert stop.seconds_left() == 0


async def test_the_end_of_the_supervisor_stops_a_worker(stop):
    lifeline, held = os.pipe()
    waiting = asyncio.create_task(until_stopped(stop, lifeline=lifeline))
    await asyncio.sleep(0)
    os.close(held)
    await asyncio.wait_for(waiting, 10)
    os.close(lifeline)
    for signum in STOPPING:
        asyncio.get_running_loop().remove_signal_handler(signum)


async def test_a_request_that_does_not_end_is_cut_when_the_server_has_drained():
    async def respond(_):
        await without_end()

    app = web.Application()
    app.router.add_get("/", respond)
    stop = Stop(0, [].append)
    loop = asyncio.get_running_loop()
    async with listening(app, "127.0.0.1", 0, port_setting="--port", stop=stop) as url:
        asking = asyncio.create_task(get(url))
        await asyncio.sleep(0.05)
        stop.begin()
        before = loop.time()
    assert loop.time() - before < 60  # aiohttp waits two minutes
    with pytest.raises(aiohttp.ClientError):
        await asking
    stop.dismiss()


def test_a_server_does_not_wait_long_for_threads_that_compute():
    before, seen = sys.getswitchinterval(), []

    async def serve(_):
        seen.append(sys.getswitchinterval())

    try:
        run_server(serve)
    finally:
        sys.setswitchinterval(before)
    assert seen == [pytest.approx(SWITCH_SECONDS)]
