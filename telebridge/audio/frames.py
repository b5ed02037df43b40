"""The 20 ms frame: the step in which a telephone stream is sent and counted.

Twilio plays any length; 20 ms is what it sends itself, and what a jitter buffer expects.
"""

from collections.abc import Iterator

from telebridge.audio.mulaw import BYTES_PER_MS

FRAME_MS = 20
FRAME_BYTES = FRAME_MS * BYTES_PER_MS


def frames(mulaw: bytes) -> Iterator[bytes]:
    """The audio in frames of 20 ms, in order; the last may be shorter."""
    for start in range(0, len(mulaw), FRAME_BYTES):
        yield mulaw[start : start + FRAME_BYTES]
