"""WAV files of calls and prompts, and the detection of containers where bare mu-law is expected.

Follows the RIFF/WAVE layout of "Multimedia Programming Interface and Data Specifications 1.0" (IBM, Microsoft, 1991).

One rule: audio of a call has no header, audio in a file has one.
"""

import audioop
import struct
import wave
from pathlib import Path
from typing import IO

from telebridge.audio.mulaw import PCM_WIDTH, SAMPLE_RATE, from_pcm, to_pcm

MPEG_HEADER_BYTES = 4
ALAW_FORMAT, MULAW_FORMAT = 6, 7
LAWS = {ALAW_FORMAT: audioop.alaw2lin, MULAW_FORMAT: audioop.ulaw2lin}
WIDEST_SAMPLE = 4
SLOWEST_RATE, FASTEST_RATE = 2000, 384_000
"""Hz. A file of fewer samples a second would grow beyond measure at 8000 Hz."""


def write(target: Path | IO[bytes], mulaw: bytes) -> None:
    """Write mu-law as a mono WAV of 16-bit samples at 8000 Hz."""
    _write(target, to_pcm(mulaw), channels=1)


def write_stereo(target: Path | IO[bytes], left: bytes, right: bytes) -> None:
    """Write two legs of mu-law as one stereo WAV of 16-bit samples; silence is appended to the shorter leg."""
    length = max(len(left), len(right))
    sides = [to_pcm(side.ljust(length, b"\xff")) for side in (left, right)]
    stereo = audioop.add(
        audioop.tostereo(sides[0], PCM_WIDTH, 1, 0), audioop.tostereo(sides[1], PCM_WIDTH, 0, 1), PCM_WIDTH
    )
    _write(target, stereo, channels=2)


def mulaw_file(mulaw: bytes) -> bytes:
    """Make a mono WAV of mu-law samples at 8000 Hz, half the size of 16-bit samples; Twilio's `<Play>` takes it."""
    kind = struct.pack("<4sIHHIIHHH", b"fmt ", 18, MULAW_FORMAT, 1, SAMPLE_RATE, SAMPLE_RATE, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(mulaw))
    padded = mulaw + b"\0" * (len(mulaw) % 2)
    chunks = b"WAVE" + kind + fact + struct.pack("<4sI", b"data", len(mulaw)) + padded
    return struct.pack("<4sI", b"RIFF", len(chunks)) + chunks


def read(source: Path | IO[bytes]) -> bytes:
    """Read a WAV file of any rate, sample width and one or two channels as mu-law at 8000 Hz, mono.

    Raises:
        ValueError: It is not a WAV file of linear, mu-law or A-law samples.
    """
    if isinstance(source, Path):
        with source.open("rb") as opened:
            return read(opened)
    try:
        if (telephone := _read_g711(source)) is not None:
            channels, rate, samples = telephone
            return _at_telephone_rate(samples, PCM_WIDTH, channels, rate)
        with wave.open(source, "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            samples = file.readframes(file.getnframes())
    except (wave.Error, EOFError, RuntimeError, struct.error, OverflowError) as error:
        # The standard library's reader raises RuntimeError where a chunk is longer than the file.
        raise ValueError(f"not a WAV file of linear samples ({error or 'a chunk of it is cut short'})") from error
    return _at_telephone_rate(samples, width, channels, rate)


def _at_telephone_rate(samples: bytes, width: int, channels: int, rate: int) -> bytes:
    """Linear samples as mu-law at 8000 Hz, mono.

    Raises:
        ValueError: They are of a kind that cannot be played.
    """
    if channels not in (1, 2):
        raise ValueError(f"{channels} channels: one or two can be played")
    if width > WIDEST_SAMPLE or not SLOWEST_RATE <= rate <= FASTEST_RATE:
        raise ValueError(f"samples of {8 * width} bits at {rate} Hz cannot be played")
    samples = samples[: len(samples) // (width * channels) * width * channels]  # the last frame may be cut short
    if width == 1:
        samples = audioop.bias(samples, 1, -128)  # 8-bit WAV is unsigned
    if width != PCM_WIDTH:
        samples = audioop.lin2lin(samples, width, PCM_WIDTH)
    if channels == 2:
        samples = audioop.tomono(samples, PCM_WIDTH, 0.5, 0.5)
    if rate != SAMPLE_RATE:
        samples, _ = audioop.ratecv(samples, PCM_WIDTH, 1, rate, SAMPLE_RATE, None)
    return from_pcm(samples)


def _read_g711(source: IO[bytes]) -> tuple[int, int, bytes] | None:
    """The channels, the rate and the linear samples of a mu-law or A-law file; None of a file of another format."""
    start = source.tell()
    kind: tuple[int, int, int] | None = None
    data = None
    head = source.read(12)
    while head[:4] == b"RIFF" and len(chunk := source.read(8)) == 8:
        name, size = struct.unpack("<4sI", chunk)
        if name == b"fmt ":
            kind = struct.unpack("<HHI", source.read(size)[:8])
            if kind[0] not in LAWS:
                break
        elif name == b"data":
            data = source.read(size)
            break
        else:
            source.seek(size, 1)
        source.seek(size % 2, 1)
    if kind is None or kind[0] not in LAWS or data is None:
        source.seek(start)
        return None
    return kind[1], kind[2], LAWS[kind[0]](data, PCM_WIDTH)


def container_of(first_bytes: bytes) -> str | None:
    """Return the name of the container that these first bytes begin, or None where they may be bare audio.

    Sixteen bytes are enough. A false positive would silence a good prompt, so an MPEG header counts only when all of
    its fields are valid, and mu-law silence (0xFF 0xFF …) never does.
    """
    if first_bytes[:4] == b"RIFF" and first_bytes[8:12] == b"WAVE":
        return "WAV"
    if first_bytes[:4] == b"OggS":
        return "Ogg"
    if first_bytes[:4] == b"\x1a\x45\xdf\xa3":
        return "WebM"
    if first_bytes[:3] == b"ID3" or _begins_mpeg_frame(first_bytes):
        return "MP3"
    return None


def _begins_mpeg_frame(first_bytes: bytes) -> bool:
    """Whether a layer III frame starts here, with a known version, bit rate and sample rate (ISO 11172-3, 2.4.2.3)."""
    if len(first_bytes) < MPEG_HEADER_BYTES or first_bytes[0] != 0xFF or first_bytes[1] & 0xE0 != 0xE0:
        return False
    version, layer = first_bytes[1] >> 3 & 3, first_bytes[1] >> 1 & 3
    bit_rate, sample_rate, emphasis = first_bytes[2] >> 4, first_bytes[2] >> 2 & 3, first_bytes[3] & 3
    return version != 1 and layer == 1 and bit_rate not in (0, 15) and sample_rate != 3 and emphasis == 0


def _write(target: Path | IO[bytes], samples: bytes, *, channels: int) -> None:
    if isinstance(target, Path):
        with target.open("wb") as opened:
            _write(opened, samples, channels=channels)
        return
    with wave.open(target, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(PCM_WIDTH)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples)
