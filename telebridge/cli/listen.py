"""What all server commands share: listening, the line that is printed, and draining at a signal.

One rule: a server that cannot listen ends with one line that names the setting.
"""

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from aiohttp import web

from telebridge.errors import ConfigurationError


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, *, port_setting: str, inherited: socket.socket | None = None
) -> AsyncIterator[str]:
    """Serve `app` for as long as the block runs; the value is its URL.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port; 0 for any free one.
        port_setting: The name of the setting or option that changes the port, for the error.
        inherited: A socket that listens already, in place of `host` and `port`.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port) if inherited is None else web.SockSite(runner, inherited)
        try:
            await site.start()
        except OSError as error:
            raise cannot_listen(error, host, port, port_setting) from error
        listens_on = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listens_on}"
    finally:
        await runner.cleanup()


def cannot_listen(error: OSError, host: str, port: int, port_setting: str) -> ConfigurationError:
    """Return the error for an address that cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            port_setting, f"port {port} on {host} is in use", "stop what uses it, or choose another"
        )
    return ConfigurationError(port_setting, f"cannot listen on {host}:{port} ({error.strerror})")


def run_server(main: Coroutine[Any, Any, None]) -> None:
    """Run a server's coroutine to its end, on uvloop."""
    uvloop.run(main)


async def until_stopped(drain: Callable[[], Awaitable[object]] | None = None, *, lifeline: int | None = None) -> None:
    """Wait for SIGTERM or SIGINT, then drain; a second signal cuts draining short.

    Args:
        drain: Called after the signal; the server ends when it returns.
        lifeline: A descriptor that also stops the server when it becomes readable.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    if lifeline is not None:
        loop.add_reader(lifeline, stop.set)
    await stop.wait()
    if lifeline is not None:
        loop.remove_reader(lifeline)
    if drain is None:
        return
    stop.clear()
    draining = asyncio.ensure_future(drain())
    second = asyncio.create_task(stop.wait())
    await asyncio.wait({draining, second}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, second):
        task.cancel()
    await asyncio.gather(draining, second, return_exceptions=True)


def print_line(line: str) -> None:
    """Print a line and flush it, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
