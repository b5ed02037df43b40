"""Changing the sample rate of a stream of 16-bit samples, piece by piece, with what `audioop` has.

Linear interpolation: good enough for a local stand-in voice, and there is always one. No sample is held back.
"""

import audioop

from telebridge.audio.mulaw import PCM_WIDTH


class Resampler:
    """Turns mono 16-bit samples at one rate into another; keeps its phase from piece to piece."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._from_rate = from_rate
        self._to_rate = to_rate
        self._state: tuple[int, tuple[tuple[int, int], ...]] | None = None

    def resample(self, pcm: bytes) -> bytes:
        """The same piece at the other rate."""
        if self._from_rate == self._to_rate:
            return pcm
        resampled, self._state = audioop.ratecv(pcm, PCM_WIDTH, 1, self._from_rate, self._to_rate, self._state)
        return resampled
