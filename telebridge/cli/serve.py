"""`telebridge serve`: the bridge itself."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from aiohttp import web

from telebridge.app.bridge import (
    CALLS,
    CAMPAIGNS,
    DEFAULT_FLOW,
    LOAD,
    VOICE,
    create_app,
)
from telebridge.app.closing import CLOSING
from telebridge.app.detector import load_modules
from telebridge.app.python_flows import bridge_of
from telebridge.bundled import BUNDLED_FLOWS
from telebridge.call.flows.python.registry import Bridge
from telebridge.cli.listen import (
    cannot_listen,
    listening,
    run_server,
    until_stopped,
)
from telebridge.cli.options import AppOption, ConfigOption
from telebridge.cli.process.listener import listen
from telebridge.cli.process.printing import print_text
from telebridge.cli.process.stopping import Stop, end_process
from telebridge.cli.process.supervisor import Supervisor
from telebridge.errors import ConfigurationError
from telebridge.logs import configure_logs, logger
from telebridge.server.http.connections import CONNECTIONS
from telebridge.server.workers.handover import Handover
from telebridge.server.workers.load_board import LoadBoard
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings

log = logger(__name__)


def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; overrides server.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any; overrides server.port.")
    ] = None,
    app: AppOption = None,
    connect: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Send the calls of this Twilio number here, until the bridge ends."),
    ] = None,
    tunnel: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--tunnel", help="Get a public address from cloudflared or ngrok, whichever is installed.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Serve from so many processes, each started again when it dies; live calls are gone on with.",
        ),
    ] = None,
) -> None:
    """Answer calls: webhooks and media streams for Twilio.

    Point the voice webhook of a Twilio number at **{public_url}/twilio/voice**. Without a Rime key or address, the
    voice of this machine speaks.
    """
    settings = load_settings(config)
    configure_logs()
    bridge = bridge_of(settings, app)
    if bridge is None and settings.flows_dir == BUNDLED_FLOWS:
        log.warning("there is no folder of flows: the examples answer", hint="telebridge init makes a project")
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    server = settings.server.model_copy(update=given)
    settings = settings.model_copy(update={"server": server})
    if workers is None:
        serving = partial(_serve, settings, bridge, connect=connect, tunnel=tunnel)
        run_server(serving, drain_seconds=server.drain_seconds)
        return
    if connect or tunnel:
        where = "--connect" if connect else "--tunnel"
        raise ConfigurationError(where, "does not go with --workers", "telebridge number connect sets it for good")
    try:
        listener = listen(server.host, server.port)
    except OSError as error:
        raise cannot_listen(error, server.host, server.port, "server.port") from error

    load_modules()  # which all workers then share
    board = LoadBoard(workers)
    with _folder(workers) as folder:

        def work(number: int, lifeline: int, listens: Callable[[], None]) -> None:
            worker = SupervisedWorker(number, listener, folder, board, lifeline, listens)
            run_server(partial(_serve, settings, bridge, worker=worker), drain_seconds=server.drain_seconds)

        code = Supervisor(work, print_text, drain_seconds=server.drain_seconds).run(workers)
    end_process(code)


@contextmanager
def _folder(workers: int) -> Iterator[Path | None]:
    """The folder where workers hand connections over; None for a single one, and where there is no place for it."""
    if workers == 1:
        yield None
        return
    try:
        made = TemporaryDirectory(prefix="telebridge-")
    except OSError as error:
        log.warning(
            "workers hand no connections over: calls and their streams stay where they arrive", error=str(error)
        )
        yield None
        return
    with made as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class SupervisedWorker:
    """What a process gets from its supervisor.

    Args:
        number: Which worker it is; the one that follows it when it dies has the same.
        listener: The socket that all processes share.
        folder: Where workers hand connections over to each other; None when they do not.
        board: Where they say how many calls they have.
        lifeline: A descriptor that becomes readable once the supervisor is gone.
        listens: To be called when the process takes requests.
    """

    number: int
    listener: socket.socket
    folder: Path | None
    board: LoadBoard
    lifeline: int
    listens: Callable[[], None]


async def _serve(
    settings: Settings,
    bridge: Bridge | None,
    stop: Stop,
    worker: SupervisedWorker | None = None,
    *,
    connect: str | None = None,
    tunnel: bool = False,
) -> None:
    async with AsyncExitStack() as stack:
        if tunnel:
            settings = await stack.enter_async_context(_tunnelled(settings))
        await _listen(settings, bridge, stop, worker, connect)


@asynccontextmanager
async def _tunnelled(settings: Settings) -> AsyncIterator[Settings]:
    """Yields the settings with the address of a tunnel, for as long as it is open."""
    from telebridge.cli.number.tunnel import open_tunnel

    async with open_tunnel(settings.server.port) as address:
        print_text(f"tunnel {address} leads here")
        yield settings.model_copy(update={"public_url": address})


async def _listen(
    settings: Settings, bridge: Bridge | None, stop: Stop, worker: SupervisedWorker | None, connect: str | None
) -> None:
    app = create_app(
        settings, bridge=bridge, worker=worker.number if worker is not None and worker.folder is not None else None
    )
    where = (settings.server.host, settings.server.port)
    inherited = None if worker is None else worker.listener
    bounds = app[CONNECTIONS]
    if worker is not None and worker.folder is not None:
        bounds.handover = Handover(worker.folder, worker.number, worker.board, app[CALLS])
    async with listening(app, *where, port_setting="server.port", inherited=inherited, bounds=bounds, stop=stop) as url:
        voice = f"{settings.public_url or url}/twilio/voice"
        if worker is not None:
            worker.listens()
        print_text(f"telebridge listens on {url} · voice webhook {voice} · {app[VOICE]} · flow {app[DEFAULT_FLOW]}")
        app[LOAD].start()
        async with AsyncExitStack() as connection:
            if connect is not None:
                from telebridge.cli.number.connecting import connected

                await connection.enter_async_context(connected(settings, connect, print_text))
            drain = partial(_drain, app, settings.server.drain_seconds, connection)
            await until_stopped(stop, drain, lifeline=None if worker is None else worker.lifeline)
        app[LOAD].stop()
        app[CLOSING].drained_by(asyncio.get_running_loop().time() + (stop.seconds_left() or 0.0))


async def _drain(app: web.Application, seconds: float, connection: AsyncExitStack) -> None:
    """Stop dialing, keep answering what rings, and wait until live calls have finished; all within a time.

    A number that was connected for this process alone is put back first: its next calls go elsewhere.
    """
    until = asyncio.get_running_loop().time() + seconds
    await connection.aclose()

    def left() -> float:
        return max(0.0, until - asyncio.get_running_loop().time())

    await app[CAMPAIGNS].drain(seconds=left())
    await app[CALLS].drain(seconds=left())
    await app[CAMPAIGNS].wait_for_final_reports(seconds=left())
