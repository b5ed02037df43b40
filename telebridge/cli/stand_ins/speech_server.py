"""`telebridge speech-server`: the local Rime."""

from functools import partial
from typing import Annotated

import typer

from telebridge.cli.listen import (
    listening,
    run_server,
    until_stopped,
)
from telebridge.cli.process.printing import print_text
from telebridge.cli.process.stopping import Stop
from telebridge.logs import configure_logs
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.server import create_app


def speech_server(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any.")] = 8060,
    api_key: Annotated[str | None, typer.Option(help="The only bearer that is accepted; without it, any is.")] = None,
) -> None:
    """Simulate Rime on this machine: /ws, /ws2, /ws3 and POST /v1/rime-tts.

    Point a Rime client at the address that is printed; telebridge itself by `rime.url`.
    """
    configure_logs()
    run_server(partial(_serve_speech, host, port, SpeechServerOptions(api_key=api_key)))


async def _serve_speech(host: str, port: int, options: SpeechServerOptions, stop: Stop) -> None:
    async with listening(create_app(options), host, port, port_setting="--port", stop=stop) as url:
        print_text(f"speech server listens on {url} · rime.url = {url.replace('http', 'ws', 1)}")
        await until_stopped(stop)
