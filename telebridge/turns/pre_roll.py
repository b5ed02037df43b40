"""The caller's last second and a half, kept whatever is judged, so that no listener misses the first syllable."""

from collections import deque

from telebridge.audio.frames import FRAME_MS
from telebridge.audio.mulaw import BYTES_PER_MS

KEPT_FRAMES = 80
KEPT_MS = KEPT_FRAMES * FRAME_MS
"""1.6 s: more than passes between the first sound of an interruption and whoever listens to it."""
LONGEST_FRAME_BYTES = 200 * BYTES_PER_MS
"""Twilio sends 20 ms at a time. Of what is longer the end is kept, so that nobody fills the memory."""


class PreRoll:
    """Frames in the order they came.

    Attributes:
        now_ms: Media time of the end of the last frame.
    """

    def __init__(self) -> None:
        self.now_ms = 0.0
        self._frames: deque[bytes] = deque(maxlen=KEPT_FRAMES)

    def keep(self, payload: bytes, timestamp_ms: float) -> bytes:
        """Keep a frame; answers with as much of it as is kept."""
        self.now_ms = timestamp_ms + len(payload) / BYTES_PER_MS
        frame = payload[-LONGEST_FRAME_BYTES:] if len(payload) > LONGEST_FRAME_BYTES else payload
        self._frames.append(frame)
        return frame

    def last(self, ms: float) -> bytes:
        """The last `ms` of audio, or as much of it as is kept."""
        wanted = int(ms * BYTES_PER_MS)
        pieces: list[bytes] = []
        size = 0
        for frame in reversed(self._frames):
            if size >= wanted:
                break
            pieces.append(frame)
            size += len(frame)
        return b"".join(reversed(pieces))[max(0, size - wanted) :]
