"""A server listens or names the setting to change, and drains once at a signal."""

import asyncio
import errno
import os
import signal
import socket

import aiohttp
import pytest
from aiohttp import web

from telebridge.cli.listen import cannot_listen, listening, until_stopped
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


async def stopped(drain, *signals):
    """Run until stopped, with a signal after each turn of the loop."""
    waiting = asyncio.create_task(until_stopped(drain))
    for signum in signals:
        for _ in range(3):
            await asyncio.sleep(0)
        os.kill(os.getpid(), signum)
    try:
        await asyncio.wait_for(waiting, 10)
    finally:
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(signum)


async def test_a_signal_drains_to_the_end():
    drained = []

    async def drain():
        await asyncio.sleep(0)
        drained.append(True)

    await stopped(drain, signal.SIGTERM)
    assert drained == [True]


async def test_a_second_signal_cuts_draining_short():
    cut = []

    async def drain():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.append(True)
            raise

    waiting = asyncio.create_task(stopped(drain, signal.SIGTERM, signal.SIGINT))
    await waiting
    assert cut == [True]


async def test_the_end_of_the_supervisor_stops_a_worker():
    lifeline, held = os.pipe()
    waiting = asyncio.create_task(until_stopped(lifeline=lifeline))
    await asyncio.sleep(0)
    os.close(held)
    await asyncio.wait_for(waiting, 10)
    os.close(lifeline)
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(signum)
