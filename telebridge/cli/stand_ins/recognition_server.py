"""`telebridge recognition-server`: the local recognizer."""

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
from telebridge.recognition_server.server import RecognitionServerOptions, create_app


def recognition_server(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any.")] = 8070,
    api_key: Annotated[str | None, typer.Option(help="The only key that is accepted; without it, any is.")] = None,
) -> None:
    """Simulate Deepgram, OpenAI, Rime and Vosk on this machine; POST /say sets what callers say.

    Point `recognition.url` at the address that is printed, with /v1/listen, /v2/listen, /v1/realtime,
    /v1/audio/transcriptions or /ws.
    """
    configure_logs()
    run_server(partial(_serve_recognition, host, port, RecognitionServerOptions(api_key=api_key)))


async def _serve_recognition(host: str, port: int, options: RecognitionServerOptions, stop: Stop) -> None:
    async with listening(create_app(options), host, port, port_setting="--port", stop=stop) as url:
        print_text(f"recognition server listens on {url} · recognition.url = {url.replace('http', 'ws', 1)}/v1/listen")
        await until_stopped(stop)
