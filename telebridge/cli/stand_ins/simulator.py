"""`telebridge simulator`: the local Twilio."""

from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from telebridge.audio.decoding import decode
from telebridge.cli.listen import (
    listening,
    run_server,
    until_stopped,
)
from telebridge.cli.process.printing import print_line
from telebridge.cli.process.stopping import Stop
from telebridge.errors import ConfigurationError
from telebridge.logs import configure_logs
from telebridge.simulator.caller.caller import Script
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.server import SIMULATOR, create_app
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions


def simulator(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any.")] = 8050,
    anybody: Annotated[
        str, typer.Option(metavar="SCRIPT", help="What everybody who is called does.")
    ] = "ring 1s; wait; silence 1s; hang up",
    calls_per_second: Annotated[float, typer.Option(help="How fast calls created by REST are dialled.")] = 1.0,
    caller: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER=SCRIPT", help="What somebody who is called does; repeatable.")
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(metavar="URL=URL", help="Where an address leads: https://bot.example=http://127.0.0.1:5000."),
    ] = None,
    requests_per_second: Annotated[
        float | None, typer.Option(help="Refuse more REST requests with 429, as Twilio does.")
    ] = None,
    trial: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER", help="Simulate a trial account that may call this number; repeatable."),
    ] = None,
) -> None:
    """Simulate Twilio on this machine: its REST API, signed webhooks, TwiML, media streams, scripted callers.

    A script is a few words: **wait; press 1; silence 500ms; speak 1.5s; speak hello.wav; listen 2s; hang up**, or
    **busy**, **no answer**, **machine; speak 4s; hang up**. What is performed is in docs/stand-ins.md.
    """
    configure_logs()
    options = SimulatorOptions(
        anybody=parse_script(anybody, read_audio=read_file),
        callers=dict(_caller(each) for each in caller or ()),
        calls_per_second=calls_per_second,
        routes=dict(_route(each) for each in route or ()),
        requests_per_second=requests_per_second,
        trial=bool(trial),
        trial_announcement=bool(trial),
        verified_numbers=frozenset(trial) if trial else None,
        read_audio=read_file,
    )
    run_server(partial(_serve_simulator, host, port, options))


def read_file(name: str) -> bytes:
    """Return the audio of a file that a caller's script speaks.

    Raises:
        ConfigurationError: There is no such file, or it is no audio.
    """
    try:
        return decode(Path(name).read_bytes())
    except OSError as error:
        raise ConfigurationError(f"speak {name}", f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"speak {name}", str(error)) from None


def _caller(text: str) -> tuple[str, Script]:
    number, _, script = text.partition("=")
    if not number or not script:
        raise ConfigurationError(f"--caller {text}", "must be a number and a script", "such as '+15550001111=busy'")
    return number, parse_script(script, read_audio=read_file)


def _route(text: str) -> tuple[str, str]:
    origin, _, target = text.partition("=")
    for address in (origin, target):
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"}:
            hint = "such as https://bot.example=http://127.0.0.1:5000"
            raise ConfigurationError(f"--route {text}", f"'{address}' is no address of a server", hint)
    return origin.rstrip("/"), target.rstrip("/")


async def _serve_simulator(host: str, port: int, options: SimulatorOptions, stop: Stop) -> None:
    app = create_app(options)
    async with listening(app, host, port, port_setting="--port", stop=stop) as url:
        app[SIMULATOR].api_url = url
        print_line(f"simulator listens on {url}")
        print_line("What the bridge must know:")
        print_line(f"  export TWILIO_ACCOUNT_SID={ACCOUNT_SID}")
        print_line(f"  export TWILIO_AUTH_TOKEN={AUTH_TOKEN}")
        print_line(f"  export TELEBRIDGE_TWILIO__API_BASE_URL={url}")
        await until_stopped(stop)
