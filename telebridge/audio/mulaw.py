"""G.711 mu-law at 8000 Hz, the only audio of a telephone stream: one byte a sample, eight bytes a millisecond.

Follows ITU-T G.711 and Twilio, "WebSocket messages", *start* (`mediaFormat`: `audio/x-mulaw`, 8000 Hz, mono). A frame
is 20 ms: Twilio plays any length, but sends frames itself, and a jitter buffer expects them.

One rule: bytes are counted, and time is derived from them, never the other way round.
"""

import array
import audioop
import sys
from collections.abc import Iterable, Iterator

SAMPLE_RATE = 8000
"""Samples a second."""
BYTES_PER_SECOND = SAMPLE_RATE
BYTES_PER_MS = BYTES_PER_SECOND // 1000
SILENCE_BYTE = 0xFF
PCM_WIDTH = 2
"""Bytes of a linear sample."""
FRAME_MS = 20
FRAME_BYTES = FRAME_MS * BYTES_PER_MS


def silence(ms: int) -> bytes:
    """Make so many milliseconds of mu-law silence."""
    return bytes([SILENCE_BYTE]) * (ms * BYTES_PER_MS)


def to_pcm(mulaw: bytes) -> bytes:
    """Convert mu-law to signed 16-bit little-endian samples, two bytes for each of mu-law."""
    return audioop.ulaw2lin(mulaw, PCM_WIDTH)


def from_pcm(pcm: bytes) -> bytes:
    """Convert signed 16-bit little-endian samples to mu-law.

    Raises:
        audioop.error: `pcm` is not a whole number of samples.
    """
    return audioop.lin2ulaw(pcm, PCM_WIDTH)


def from_samples(samples: Iterable[float]) -> bytes:
    """Convert samples on the 16-bit scale to mu-law, one byte each; samples beyond the scale are clipped."""
    values = array.array("h", (max(-32768, min(32767, round(sample))) for sample in samples))
    if sys.byteorder == "big":
        values.byteswap()
    return from_pcm(values.tobytes())


def frames(mulaw: bytes) -> Iterator[bytes]:
    """Yield the audio in frames of 20 ms, in order; the last may be shorter."""
    for start in range(0, len(mulaw), FRAME_BYTES):
        yield mulaw[start : start + FRAME_BYTES]
