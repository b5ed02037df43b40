"""`telebridge recognition-server`: the local recognizer."""

from enum import StrEnum
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
from telebridge.errors import ConfigurationError
from telebridge.logs import configure_logs
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.source import Recognizer
from telebridge.recognition_server.server import RecognitionServerOptions, create_app

HEARING_SECONDS = 5.0
"""So long hearing an utterance may take; who waits for it has bounds of their own."""


class Hearing(StrEnum):
    """Who hears what nobody has told."""

    LOCAL = "local"


def recognition_server(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any.")] = 8070,
    api_key: Annotated[str | None, typer.Option(help="The only key that is accepted; without it, any is.")] = None,
    hear: Annotated[
        Hearing | None,
        typer.Option(help="Hear what callers say, in English: local is the recognizer of telebridge\\[words]."),
    ] = None,
) -> None:
    """Simulate Deepgram, OpenAI, Rime and Vosk on this machine; POST /say sets what callers say.

    Point `recognition.url` at the address that is printed, with /v1/listen, /v2/listen, /v1/realtime,
    /v1/audio/transcriptions or /ws.
    """
    configure_logs()
    recognizer = None if hear is None else _open(hear)
    options = RecognitionServerOptions(api_key=api_key, recognizer=recognizer)
    run_server(partial(_serve_recognition, host, port, options))


def _open(hear: Hearing) -> Recognizer:
    """Make the recognizer that hears.

    Raises:
        ConfigurationError: Its packages are not installed.
    """
    from telebridge.recognition.providers import open_recognizer  # with all protocols, which hearing alone needs

    try:
        return open_recognizer(RecognizerOptions(hear.value, language="en", answer_seconds=HEARING_SECONDS))
    except ConfigurationError as error:
        raise ConfigurationError("--hear", error.problem, error.hint) from error


async def _serve_recognition(host: str, port: int, options: RecognitionServerOptions, stop: Stop) -> None:
    async with listening(create_app(options), host, port, port_setting="--port", stop=stop) as url:
        print_text(f"recognition server listens on {url} · recognition.url = {url.replace('http', 'ws', 1)}/v1/listen")
        await until_stopped(stop)
