"""What all server commands share: listening, the line that is printed, and draining at a signal.

When the process ends after a signal is decided in `telebridge.cli.process.stopping`.

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

from aiohttp import web
from typing_extensions import override

from telebridge.cli.process.event_loop import on_signal, run
from telebridge.cli.process.listener import ANY_IPV6, BACKLOG, listen
from telebridge.cli.process.stopping import Stop, end_process
from telebridge.errors import ConfigurationError
from telebridge.logs import logger
from telebridge.server.http.connections import IDLE_SECONDS, LINGER_SECONDS, ConnectionBounds

log = logger(__name__)

HTTP_OPTIONS: dict[str, Any] = {
    "keepalive_timeout": IDLE_SECONDS,
    "lingering_time": LINGER_SECONDS,
    "auto_decompress": False,  # a body that is compressed is refused
}
REQUEST_SECONDS = 5.0
"""How long requests that are being answered may take to end, when the server stops."""
CUT_SECONDS = 0.05
"""The same once the time for draining is over."""


class _Runner(web.AppRunner):
    """A runner whose patience with requests is set when it stops: aiohttp waits a minute, and another one."""

    def limit(self, seconds: float) -> None:
        """Wait so long for requests to end, and so long again after they were cancelled."""
        self._shutdown_timeout = seconds


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    port_setting: str,
    inherited: socket.socket | None = None,
    bounds: ConnectionBounds | None = None,
    stop: Stop | None = None,
) -> AsyncIterator[str]:
    """Serve `app` for as long as the block runs; the value is its URL.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port; 0 for any free one.
        port_setting: The name of the setting or option that changes the port, for the error.
        inherited: A socket that listens already, in place of `host` and `port`.
        bounds: What connections may take; None for a server that only this machine's programs use.
        stop: Bounds how long requests may take to end; None for some seconds.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    options = {} if bounds is None else HTTP_OPTIONS
    runner = _Runner(app, access_log=None, handle_signals=False, **options)
    await runner.setup()
    try:
        try:
            own = listen(host, port) if host == ANY_IPV6 and inherited is None else inherited
            site = _site(runner, host, port, own, bounds)
            await site.start()
        except OSError as error:
            raise cannot_listen(error, host, port, port_setting) from error
        listens_on = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listens_on}"
    finally:
        left = None if stop is None else stop.seconds_left()
        runner.limit(REQUEST_SECONDS if left is None else min(REQUEST_SECONDS, left / 2) + CUT_SECONDS)
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
    if error.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME):
        said = str(error.strerror).partition(" (while")[0]  # what `socket.create_server` adds is said already
        problem = f"'{host}' is no address of this machine ({said})"
        hint = "write 127.0.0.1, or 0.0.0.0 for all addresses; the name that Twilio dials is public_url"
        return ConfigurationError(port_setting.replace("port", "host"), problem, hint)
    return ConfigurationError(port_setting, f"cannot listen on {host}:{port} ({error.strerror})")


def run_server(serve: Callable[[Stop], Coroutine[Any, Any, None]], *, drain_seconds: float = 0.0) -> None:
    """Run a server to its end; one that was told to stop ends the process.

    Args:
        serve: Called with what ends the process in time; to be given to `until_stopped`.
        drain_seconds: How long it may drain after a signal.
    """
    stop = Stop(drain_seconds)

    async def served() -> None:
        try:
            await serve(stop)
        finally:
            stop.closed()

    run(served())
    if stop.begun:
        end_process(0)


async def until_stopped(
    stop: Stop, drain: Callable[[], Awaitable[object]] | None = None, *, lifeline: int | None = None
) -> None:
    """Wait for SIGTERM or SIGINT, then drain for a bounded time; a second signal cuts draining short.

    A process under a supervisor may get a signal twice, from the terminal or the service manager and from the
    supervisor. For it further ones change nothing, and SIGQUIT, which only the supervisor sends, cuts draining short.

    Args:
        stop: Ends the process in time.
        drain: Called after the signal; the server ends when it returns.
        lifeline: The supervisor's descriptor, which becomes readable once the supervisor is gone.
    """
    loop = asyncio.get_running_loop()
    told, cut = asyncio.Event(), asyncio.Event()

    def begin() -> None:
        stop.begin()
        told.set()

    def hurry() -> None:
        stop.hurry()
        told.set()
        cut.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        on_signal(signum, lambda: hurry() if told.is_set() and lifeline is None else begin())
    if lifeline is not None:
        on_signal(signal.SIGQUIT, hurry)
        loop.add_reader(lifeline, begin)
    await told.wait()
    if lifeline is not None:
        loop.remove_reader(lifeline)
    if drain is not None:
        await _drained(drain, cut, stop)


async def _drained(drain: Callable[[], Awaitable[object]], cut: asyncio.Event, stop: Stop) -> None:
    draining = asyncio.ensure_future(drain())
    cutting = asyncio.create_task(cut.wait())
    await asyncio.wait({draining, cutting}, timeout=stop.seconds_left(), return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, cutting):
        task.cancel()
    [failure, _] = await asyncio.gather(draining, cutting, return_exceptions=True)
    if isinstance(failure, Exception):
        log.error("draining failed", error=repr(failure))


def print_line(line: str) -> None:
    """Print a line and flush it, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
