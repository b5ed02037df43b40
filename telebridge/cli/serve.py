"""`telebridge serve`: the bridge itself."""

import functools
import socket
from collections.abc import Callable
from typing import Annotated

import typer
from aiohttp import web

from telebridge.app.bridge import (
    CALLS,
    CAMPAIGNS,
    VOICE,
    create_app,
)
from telebridge.app.python_flows import load_bridge
from telebridge.call.flows.python import Bridge
from telebridge.cli.listen import (
    cannot_listen,
    listening,
    run_server,
    tell,
    until_stopped,
)
from telebridge.cli.options import AppOption, ConfigOption
from telebridge.cli.supervisor import Supervisor, listen
from telebridge.logs import configure_logs
from telebridge.settings import Settings, load_settings


def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; overrides server.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, 0 for any; overrides server.port.")] = None,
    app: AppOption = None,
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
    bridge = None if app is None else load_bridge(app)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    server = settings.server.model_copy(update=given)
    settings = settings.model_copy(update={"server": server})
    if workers is None:
        run_server(_serve(settings, bridge))
        return
    try:
        listener = listen(server.host, server.port)
    except OSError as error:
        raise cannot_listen(error, server.host, server.port, "server.port") from error

    def work(lifeline: int, listens: Callable[[], None]) -> None:
        run_server(_serve(settings, bridge, listener, lifeline, listens))

    supervisor = Supervisor(work, tell)
    raise typer.Exit(supervisor.run(workers))


async def _serve(
    settings: Settings,
    bridge: Bridge | None,
    inherited: socket.socket | None = None,
    lifeline: int | None = None,
    listens: Callable[[], None] | None = None,
) -> None:
    app = create_app(settings, bridge=bridge)
    where = (settings.server.host, settings.server.port)
    async with listening(app, *where, port_setting="server.port", inherited=inherited) as url:
        voice = f"{settings.public_url or url}/twilio/voice"
        if listens is not None:
            listens()
        tell(f"telebridge listens on {url} · voice webhook {voice} · {app[VOICE]}")
        await until_stopped(functools.partial(_drain, app, settings.server.drain_seconds), lifeline=lifeline)


async def _drain(app: web.Application, seconds: float) -> None:
    """Stop dialing, keep answering what rings, and wait until live calls have finished."""
    await app[CAMPAIGNS].drain(seconds=seconds)
    await app[CALLS].drain(seconds=seconds)
    await app[CAMPAIGNS].wait_for_final_reports()
