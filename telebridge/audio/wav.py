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
from telebridge.audio.riff import ALAW, FLOAT, LINEAR, MULAW, WaveFile, read_chunks

MPEG_HEADER_BYTES = 4
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
    kind = struct.pack("<4sIHHIIHHH", b"fmt ", 18, MULAW, 1, SAMPLE_RATE, SAMPLE_RATE, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(mulaw))
    padded = mulaw + b"\0" * (len(mulaw) % 2)
    chunks = b"WAVE" + kind + fact + struct.pack("<4sI", b"data", len(mulaw)) + padded
    return struct.pack("<4sI", b"RIFF", len(chunks)) + chunks


def read(source: Path | IO[bytes]) -> bytes:
    """Read a WAV file of any rate, sample width and one or two channels as mu-law at 8000 Hz, mono.

    The samples may be linear, of floating point, A-law or mu-law.

    Raises:
        ValueError: It is not such a file.
    """
    data = source.read_bytes() if isinstance(source, Path) else source.read()
    try:
        file = read_chunks(data)
    except ValueError as error:
        raise ValueError(f"not a WAV file ({error})") from error
    if file.channels not in (1, 2):
        raise ValueError(f"{file.channels} channels: one or two can be played")
    if file.width > WIDEST_SAMPLE or not SLOWEST_RATE <= file.rate <= FASTEST_RATE:
        raise ValueError(f"samples of {8 * file.width} bits at {file.rate} Hz cannot be played")
    if (file.encoding, file.channels, file.rate) == (MULAW, 1, SAMPLE_RATE):
        return file.samples
    samples = _linear(file)
    if file.channels == 2:
        samples = audioop.tomono(samples, PCM_WIDTH, 0.5, 0.5)
    if file.rate != SAMPLE_RATE:
        samples, _ = audioop.ratecv(samples, PCM_WIDTH, 1, file.rate, SAMPLE_RATE, None)
    return from_pcm(samples)


def _linear(file: WaveFile) -> bytes:
    """Convert the samples of a file to 16-bit linear ones."""
    if file.encoding == LINEAR and file.width == 1:
        return audioop.lin2lin(audioop.bias(file.samples, 1, -128), 1, PCM_WIDTH)  # 8-bit WAV is unsigned
    if file.encoding == LINEAR:
        return audioop.lin2lin(file.samples, file.width, PCM_WIDTH)
    if file.encoding == MULAW and file.width == 1:
        return to_pcm(file.samples)
    if file.encoding == ALAW and file.width == 1:
        return audioop.alaw2lin(file.samples, PCM_WIDTH)
    if file.encoding == FLOAT and file.width == 4:
        values = struct.unpack(f"<{len(file.samples) // 4}f", file.samples)
        clipped = (0.0 if value != value else min(1.0, max(-1.0, value)) for value in values)
        return struct.pack(f"<{len(values)}h", *(round(32767 * value) for value in clipped))
    raise ValueError(f"samples of encoding {file.encoding} and {8 * file.width} bits cannot be played")


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
