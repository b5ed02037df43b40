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
from telebridge.cli.process.garbage import GarbageCollection
from telebridge.cli.process.listener import BACKLOG, listen
from telebridge.cli.process.stopping import Stop, end_process
from telebridge.errors import ConfigurationError
from telebridge.logs import logger
from telebridge.server.http.connections import IDLE_SECONDS, LINGER_SECONDS, ConnectionBounds
from telebridge.tasks import Tasks

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

SWITCH_SECONDS = 0.0005
"""How long a thread that computes keeps the interpreter while the event loop waits for it, at each turn of the loop.
With Python's own 5 ms, calls were late whenever a thread computed for a while."""


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
            await _Site(runner, inherited or listen(host, port), bounds).start()
        except OSError as error:
            raise cannot_listen(error, host, port, port_setting) from error
        listens_on = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listens_on}"
    finally:
        left = None if stop is None else stop.seconds_left()
        runner.limit(REQUEST_SECONDS if left is None else min(REQUEST_SECONDS, left / 2) + CUT_SECONDS)
        await runner.cleanup()


class _Site(web.BaseSite):
    """Takes connections from a socket that listens, and from other processes; bounds them all.

    Args:
        runner: Of the application.
        listener: The socket that listens.
        bounds: What connections may take; None for no bounds.
    """

    def __init__(self, runner: web.AppRunner, listener: socket.socket, bounds: ConnectionBounds | None) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._listener = listener
        self._bounds = bounds
        self._taking = Tasks("take a connection over")

    @property
    @override
    def name(self) -> str:
        return str(self._listener)

    @override
    async def start(self) -> None:
        await super().start()
        if self._bounds is not None and self._bounds.handover is not None:
            self._bounds.handover.start(self._take)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._factory(), sock=self._listener, backlog=self._backlog)

    @override
    async def stop(self) -> None:
        if self._bounds is not None and self._bounds.handover is not None:
            self._bounds.handover.stop()
        await super().stop()

    def _factory(self, head: bytes = b"") -> Callable[[], asyncio.Protocol]:
        """What makes the protocol of a connection of which `head` was read already."""
        serve = cast("web.Server", self._runner.server)  # it is set up
        return serve if self._bounds is None else self._bounds.bounded(serve, head)

    def _take(self, connection: socket.socket, head: bytes) -> None:
        loop = asyncio.get_running_loop()
        _ = self._taking.start(loop.connect_accepted_socket(self._factory(head), connection))


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
    sys.setswitchinterval(SWITCH_SECONDS)

    async def served() -> None:
        garbage = GarbageCollection()
        garbage.start()
        try:
            await serve(stop)
        finally:
            garbage.stop()
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
