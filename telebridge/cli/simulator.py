"""`telebridge simulator`: the local Twilio."""

from functools import partial
from typing import Annotated

import typer

from telebridge.cli.listen import (
    listening,
    run_server,
    until_stopped,
)
from telebridge.cli.process.printing import print_line
from telebridge.cli.process.stopping import Stop
from telebridge.logs import configure_logs
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.server import create_app
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions


def simulator(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any.")] = 8050,
    anybody: Annotated[
        str, typer.Option(metavar="SCRIPT", help="What everybody who is called does.")
    ] = "ring 1s; wait; silence 1s; hang up",
    calls_per_second: Annotated[float, typer.Option(help="How fast calls created by REST are dialled.")] = 1.0,
) -> None:
    """Be Twilio, on this machine: the REST API of calls, signed webhooks, media streams, scripted callers.

    A script is a few words: **wait; press 1; silence 500ms; speak 1.5s; listen 2s; hang up**, or **busy**,
    **no answer**, **machine; speak 4s; hang up**.
    """
    configure_logs()
    options = SimulatorOptions(anybody=parse_script(anybody), calls_per_second=calls_per_second)
    run_server(partial(_serve_simulator, host, port, options))


async def _serve_simulator(host: str, port: int, options: SimulatorOptions, stop: Stop) -> None:
    async with listening(create_app(options), host, port, port_setting="--port", stop=stop) as url:
        print_line(
            f"simulator listens on {url} · TWILIO_ACCOUNT_SID={ACCOUNT_SID} TWILIO_AUTH_TOKEN={AUTH_TOKEN} "
            f"TELEBRIDGE_TWILIO__API_BASE_URL={url}"
        )
        await until_stopped(stop)
