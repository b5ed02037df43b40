"""Encoders from PCM to the audio formats of Rime: mu-law, linear samples, WAV, MP3, Opus in Ogg and in WebM.

Follows Rime's `audioFormat` and `Accept` tables: mu-law and PCM have no header; a WAV header comes once a connection.
"""

import importlib.util
import struct
from collections.abc import Callable
from typing import Any, Protocol

from typing_extensions import override

from telebridge.audio.mulaw import PCM_WIDTH, from_pcm
from telebridge.errors import ConfigurationError
from telebridge.speech_server.containers.opus import ogg_opus, opus_stream
from telebridge.speech_server.containers.webm import webm_file

UNKNOWN_LENGTH = 0xFFFFFFFF


class Encoder(Protocol):
    """One connection's stream of audio in one format."""

    def encode(self, pcm: bytes) -> bytes:
        """Encode the next samples; returns the bytes that the format can emit by now."""
        ...

    def flush(self) -> bytes:
        """Return the bytes that were held back, at the end of a synthesis."""
        ...


class Mulaw(Encoder):
    """G.711, headerless."""

    @override
    def encode(self, pcm: bytes) -> bytes:
        return from_pcm(pcm)

    @override
    def flush(self) -> bytes:
        return b""


class Linear(Encoder):
    """Signed 16-bit little-endian samples, behind a WAV header or bare."""

    def __init__(self, sample_rate: int, *, header: bool) -> None:
        self._header = wav_header(sample_rate) if header else b""

    @override
    def encode(self, pcm: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + pcm

    @override
    def flush(self) -> bytes:
        return b""


class Mp3(Encoder):
    """MPEG layer III, by LAME. Each synthesis is a stream of its own; players accept them joined."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._lame = _lame(sample_rate)

    @override
    def encode(self, pcm: bytes) -> bytes:
        return bytes(self._lame.encode(pcm))

    @override
    def flush(self) -> bytes:
        rest = bytes(self._lame.flush())
        self._lame = _lame(self._sample_rate)
        return rest


class Ogg(Encoder):
    """Opus in Ogg: a whole stream for each synthesis; streams that follow each other are one file (RFC 3533, 4)."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._pcm = bytearray()

    @override
    def encode(self, pcm: bytes) -> bytes:
        self._pcm += pcm
        return b""

    @override
    def flush(self) -> bytes:
        stream = ogg_opus(bytes(self._pcm), self._sample_rate)
        self._pcm.clear()
        return stream


class WebM(Ogg):
    """Opus in WebM: a whole file for each synthesis."""

    @override
    def flush(self) -> bytes:
        return webm_file(opus_stream(super().flush()))


_ENCODERS: dict[str, Callable[[int], Encoder]] = {
    "mulaw": lambda _: Mulaw(),
    "pcm": lambda sample_rate: Linear(sample_rate, header=False),
    "wav": lambda sample_rate: Linear(sample_rate, header=True),
    "mp3": Mp3,
    "ogg": Ogg,
    "webm": WebM,
}
_NEEDS = {"mp3": "lameenc", "ogg": "soundfile", "webm": "soundfile"}


def encoder(audio_format: str, sample_rate: int) -> Encoder:
    """Return the encoder of one connection.

    Raises:
        ConfigurationError: Its package is not installed.
    """
    package = _NEEDS.get(audio_format)
    if package is not None and importlib.util.find_spec(package) is None:
        raise ConfigurationError("audioFormat", f"{audio_format} needs {package}", "install telebridge[voice]")
    return _ENCODERS[audio_format](sample_rate)


def wav_header(sample_rate: int, data_bytes: int | None = None) -> bytes:
    """Return the 44 bytes of a WAV header, by default for samples whose number is not known yet."""
    byte_rate = sample_rate * PCM_WIDTH
    riff, data = (UNKNOWN_LENGTH, UNKNOWN_LENGTH) if data_bytes is None else (36 + data_bytes, data_bytes)
    header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, sample_rate, byte_rate, 2, 16)
    return header + struct.pack("<4sI", b"data", data)


def _lame(sample_rate: int) -> Any:
    """Return an encoder of the `lameenc` package, which has no types."""
    import lameenc  # an optional extra

    lame = lameenc.Encoder()
    lame.set_bit_rate(64)
    lame.set_in_sample_rate(sample_rate)
    lame.set_channels(1)
    lame.silence()
    return lame
