"""The recordings that the nodes `play` of a flow name: whether they are there, and can be played.

One rule: what is found here is what a call would meet, because both read a file by `read_recording`.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from telebridge.audio import wav
from telebridge.audio.mulaw import SAMPLE_RATE
from telebridge.flows.checks.mistakes import Mistake
from telebridge.flows.model import Flow
from telebridge.flows.node_steps import WEB
from telebridge.flows.nodes.playing import PlayNode

LARGEST_BYTES = 64 << 20
LONGEST_SECONDS = 600
"""Twilio buffers ten minutes of audio (Twilio, "Media Streams - WebSocket Messages")."""
CONVERT = "make a WAV file of it: ffmpeg -i FILE -ar 8000 -ac 1 FILE.wav"


def read_recording(content: bytes) -> bytes:
    """The audio of a WAV file as mu-law at 8000 Hz.

    Raises:
        ValueError: It cannot be played.
    """
    container = wav.container_of(content[:16])
    if container != "WAV":
        raise ValueError(f"is {container}, not a WAV file" if container else "is no WAV file")
    try:
        audio = wav.read(BytesIO(content))
    except ValueError as error:
        raise ValueError(f"cannot be played: {error}") from error
    if len(audio) > LONGEST_SECONDS * SAMPLE_RATE:
        raise ValueError(f"is longer than {LONGEST_SECONDS // 60} minutes")
    if not audio:
        raise ValueError("holds no sound")
    return audio


def read_recording_file(file: Path) -> bytes:
    """The audio of a file as mu-law at 8000 Hz; it waits for the disk.

    Raises:
        ValueError: It cannot be read or played.
    """
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise ValueError(f"is larger than {LARGEST_BYTES >> 20} MiB")
        return read_recording(file.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from error


def recording_mistakes(flow: Flow) -> Iterator[Mistake]:
    """The recordings of a flow that cannot be played; those of a template are known only in a call."""
    for name, node in flow.nodes.items():
        if not isinstance(node, PlayNode) or "{" in node.play or node.play.startswith(WEB):
            continue
        file = flow.folder / node.play
        try:
            read_recording_file(file)
        except ValueError as error:
            hint = CONVERT if "WAV" in str(error) or "played" in str(error) else ""
            yield Mistake(("nodes", name, "play"), f"'{file}' {error}", hint)
