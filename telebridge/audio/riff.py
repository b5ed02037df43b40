"""The chunks of a RIFF/WAVE file: its format and its samples, whatever the encoding.

Follows "Multimedia Programming Interface and Data Specifications 1.0" and Microsoft's WAVEFORMATEXTENSIBLE, in which
most programs write samples of 24 bits. The standard library's `wave` reads the latter only from Python 3.12 on, and
mu-law never.

One rule: a file that is cut short, or whose length was not known when it was written, gives what is there.
"""

import struct
from dataclasses import dataclass

LINEAR, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
FORMAT_BYTES = 16
SUBFORMAT_AT = 24
"""Where in the format chunk of WAVEFORMATEXTENSIBLE the encoding stands."""


@dataclass(frozen=True, slots=True)
class WaveFile:
    """What a file holds.

    Args:
        encoding: LINEAR, FLOAT, ALAW, MULAW or another number of Microsoft's.
        channels: How many samples a frame has.
        rate: Frames a second.
        width: Bytes of a sample.
        samples: The frames, as they stand in the file.
    """

    encoding: int
    channels: int
    rate: int
    width: int
    samples: bytes


def read_chunks(data: bytes) -> WaveFile:
    """Read a file.

    Raises:
        ValueError: It is no RIFF/WAVE file, or one without a format or samples.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("file does not start with RIFF and WAVE")
    form: bytes | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = body
        elif name == b"data":
            return _wave_file(form, body)
        at += 8 + size + size % 2
    raise ValueError("there are no samples in it")


def _wave_file(form: bytes | None, samples: bytes) -> WaveFile:
    if form is None or len(form) < FORMAT_BYTES:
        raise ValueError("it does not say how its samples are encoded")
    encoding, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", form)
    if encoding == EXTENSIBLE and len(form) >= SUBFORMAT_AT + 2:
        (encoding,) = struct.unpack_from("<H", form, SUBFORMAT_AT)
    width = (bits + 7) // 8
    if not channels or not width or frame_bytes not in (0, channels * width):
        raise ValueError("its format contradicts itself")
    whole = len(samples) // (channels * width) * channels * width
    return WaveFile(encoding, channels, rate, width, samples[:whole])
