"""G.711 mu-law at 8000 Hz, the only audio a telephone stream carries: one byte a sample, eight bytes a millisecond.

Follows ITU-T G.711 and Twilio's "Media Streams" (`audio/x-mulaw`, 8000 Hz, mono). Bytes are what is counted everywhere;
time is derived from them, never the other way round.

The 20 ms frame: the step in which a telephone stream is sent and counted.

Twilio plays any length; 20 ms is what it sends itself, and what a jitter buffer expects.
"""

import array
import audioop
import sys
from collections.abc import Iterable, Iterator

SAMPLE_RATE = 8000
BYTES_PER_MS = 8
SILENCE_BYTE = 0xFF
PCM_WIDTH = 2


def silence(ms: int) -> bytes:
    """Mu-law silence of that many milliseconds."""
    return bytes([SILENCE_BYTE]) * (ms * BYTES_PER_MS)


def to_pcm(mulaw: bytes) -> bytes:
    """Signed 16-bit little-endian samples of the same length in time."""
    return audioop.ulaw2lin(mulaw, PCM_WIDTH)


def from_pcm(pcm: bytes) -> bytes:
    """Mu-law of signed 16-bit little-endian samples.

    Raises:
        audioop.error: `pcm` is not a whole number of samples.
    """
    return audioop.lin2ulaw(pcm, PCM_WIDTH)


def from_samples(samples: Iterable[float]) -> bytes:
    """Mu-law of samples counted as 16-bit ones are; louder ones are cut off."""
    values = array.array("h", (max(-32768, min(32767, round(sample))) for sample in samples))
    if sys.byteorder == "big":
        values.byteswap()
    return from_pcm(values.tobytes())


def duration_ms(count: int) -> float:
    """How long that many bytes of mu-law play, in milliseconds."""
    return count / BYTES_PER_MS


FRAME_MS = 20
FRAME_BYTES = FRAME_MS * BYTES_PER_MS


def frames(mulaw: bytes) -> Iterator[bytes]:
    """The audio in frames of 20 ms, in order; the last may be shorter."""
    for start in range(0, len(mulaw), FRAME_BYTES):
        yield mulaw[start : start + FRAME_BYTES]
