"""The last second of the caller's audio, always kept, so that no listener misses the first syllable."""

from telebridge.audio.mulaw import BYTES_PER_MS, SILENCE_BYTE

KEPT_MS = 1200
"""More than the time from the first sound of an interruption until a listener takes it."""
_KEPT_BYTES = KEPT_MS * BYTES_PER_MS
LONGEST_FRAME_BYTES = 200 * BYTES_PER_MS
"""Twilio sends frames of 20 ms; of a longer frame only the end is judged."""


class PreRoll:
    """A ring buffer of audio. Frames are copied into it: kept one by one, they would take more memory.

    Attributes:
        now_ms: Media time of the end of the last frame.
    """

    __slots__ = ("_at", "_full", "_ring", "now_ms")

    def __init__(self) -> None:
        self.now_ms = 0.0
        self._ring = bytearray([SILENCE_BYTE]) * _KEPT_BYTES
        self._at = 0  # where the next byte goes
        self._full = False  # whether it went round

    def append(self, payload: bytes, timestamp_ms: float) -> bytes:
        """Append a frame of mu-law, whose first sample is at `timestamp_ms` of media time.

        Returns:
            As much of the frame as is to be judged: all of it, or its end when it is longer than 200 ms.
        """
        size = len(payload)
        self.now_ms = timestamp_ms + size / BYTES_PER_MS
        if size > LONGEST_FRAME_BYTES:
            payload, size = payload[-LONGEST_FRAME_BYTES:], LONGEST_FRAME_BYTES
        at = self._at
        self._at = end = at + size
        if end <= _KEPT_BYTES:
            self._ring[at:end] = payload
            return payload
        self._ring[at:] = payload[: _KEPT_BYTES - at]
        self._ring[: end - _KEPT_BYTES] = payload[_KEPT_BYTES - at :]
        self._at = end - _KEPT_BYTES
        self._full = True
        return payload

    def last(self, ms: float) -> bytes:
        """The last `ms` of audio, or as much of it as is kept."""
        count = min(int(ms * BYTES_PER_MS), _KEPT_BYTES if self._full else self._at)
        start = self._at - count
        if start >= 0:
            return bytes(self._ring[start : self._at])
        return bytes(self._ring[start:] + self._ring[: self._at])
