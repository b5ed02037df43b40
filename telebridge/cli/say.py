"""`telebridge say`: writes the speech of a text to a WAV file, from the same source as in a call."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from telebridge.app.voice import open_voice
from telebridge.audio import wav
from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.hum import warn_of_hum
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.logs import configure_logs
from telebridge.rime.parameters import speech_parameters
from telebridge.settings.loading import load_settings
from telebridge.settings.sections import RimeSettings
from telebridge.speech.source import Audio, Word, Words


def say(
    text: Annotated[str, typer.Argument(help="What to say; - reads it from standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The WAV file.")] = Path("say.wav"),
    speaker: Annotated[str | None, typer.Option("--speaker", "--voice", help="Overrides rime.speaker.")] = None,
    model: Annotated[str | None, typer.Option(help="Overrides rime.model.")] = None,
    lang: Annotated[str | None, typer.Option(help="Overrides rime.lang.")] = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Speak TEXT to a WAV file, as it would sound on the telephone."""
    settings = load_settings(config)
    configure_logs(level="error")
    spoken = sys.stdin.read() if text == "-" else text
    if not spoken.strip():
        raise ConfigurationError("TEXT", "is empty", "what shall be said?")
    chosen = {name: value for name, value in (("speaker", speaker), ("model", model), ("lang", lang)) if value}
    alone = {"local_fallback": False}  # who tries a voice wants to know that it fails, not to hear another
    rime = settings.rime.model_copy(update=chosen | alone)
    warn_of_hum(rime)
    for warning in speech_parameters(rime.parameters()).warnings():
        print_text(f"telebridge: warning: {warning}", err=True)
    asyncio.run(_say(rime, spoken, output, as_json=json_))


async def _say(rime: RimeSettings, text: str, output: Path, *, as_json: bool) -> None:
    audio = bytearray()
    words: list[Word] = []
    first_audio_ms = 0.0
    async with open_voice(rime) as opened:
        began = time.perf_counter()
        async for event in opened.source.speak(text):
            match event:
                case Audio(data):
                    first_audio_ms = first_audio_ms or (time.perf_counter() - began) * 1000
                    audio += data
                case Words(more):
                    words += more
    try:
        wav.write(output, bytes(audio))
    except OSError as error:
        raise ConfigurationError("--output", f"{output} cannot be written ({error.strerror})") from error
    seconds = len(audio) / BYTES_PER_MS / 1000
    if as_json:
        result = {
            "file": str(output),
            "seconds": round(seconds, 3),
            "first_audio_ms": round(first_audio_ms, 1),
            "voice": opened.description,
            "words": [
                {"text": word.text, "start_ms": round(word.start_ms), "end_ms": round(word.end_ms)} for word in words
            ],
        }
        print_line(json.dumps(result))
    else:
        print_text(f"{output}: {seconds:.1f} s by {opened.description}, first audio after {first_audio_ms:.0f} ms")
