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
from typing import Any, cast

import uvloop
from aiohttp import web
from typing_extensions import override

from telebridge.errors import ConfigurationError
from telebridge.server.http.connections import IDLE_SECONDS, LINGER_SECONDS, ConnectionBounds

BACKLOG = 1024
HTTP_OPTIONS: dict[str, Any] = {
    "keepalive_timeout": IDLE_SECONDS,
    "lingering_time": LINGER_SECONDS,
    "auto_decompress": False,  # a body that is compressed is refused
}


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    port_setting: str,
    inherited: socket.socket | None = None,
    bounds: ConnectionBounds | None = None,
) -> AsyncIterator[str]:
    """Serve `app` for as long as the block runs; the value is its URL.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port; 0 for any free one.
        port_setting: The name of the setting or option that changes the port, for the error.
        inherited: A socket that listens already, in place of `host` and `port`.
        bounds: What connections may take; None for a server that only this machine's programs use.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    options = {} if bounds is None else HTTP_OPTIONS
    runner = web.AppRunner(app, access_log=None, handle_signals=False, **options)
    await runner.setup()
    try:
        try:
            site = _site(runner, host, port, inherited, bounds)
            await site.start()
        except OSError as error:
            raise cannot_listen(error, host, port, port_setting) from error
        listens_on = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listens_on}"
    finally:
        await runner.cleanup()


class BoundedSite(web.BaseSite):
    """Listens at an address or on a socket, and bounds the connections."""

    def __init__(self, runner: web.AppRunner, where: tuple[str, int] | socket.socket, bounds: ConnectionBounds) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._where = where
        self._bounds = bounds

    @property
    @override
    def name(self) -> str:
        return str(self._where)

    @override
    async def start(self) -> None:
        await super().start()
        make = self._bounds.bounded(cast("web.Server", self._runner.server))  # it is set up
        loop = asyncio.get_running_loop()
        if isinstance(self._where, socket.socket):
            self._server = await loop.create_server(make, sock=self._where, backlog=self._backlog)
        else:
            self._server = await loop.create_server(make, *self._where, backlog=self._backlog)


def _site(
    runner: web.AppRunner, host: str, port: int, inherited: socket.socket | None, bounds: ConnectionBounds | None
) -> web.BaseSite:
    if bounds is None:
        return web.TCPSite(runner, host, port) if inherited is None else web.SockSite(runner, inherited)
    return BoundedSite(runner, (host, port) if inherited is None else inherited, bounds)


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


def tell(line: str) -> None:
    """Print a line and flush it, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
