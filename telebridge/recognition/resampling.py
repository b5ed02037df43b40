"""Telephone audio at the sample rate that a recognizer takes.

Higher rates are made by soxr: samples that are repeated or interpolated linearly have images above 4 kHz, which
recognizers take for sound.

One rule: this is the only place where the caller's audio changes its rate.
"""

from telebridge.audio.mulaw import SAMPLE_RATE, to_pcm
from telebridge.errors import ConfigurationError


class ResampledAudio:
    """Converts mu-law at 8000 Hz to signed 16-bit little-endian samples at a higher rate, piece by piece.

    Args:
        rate: Samples a second.

    Raises:
        ConfigurationError: soxr is not installed.
    """

    def __init__(self, rate: int) -> None:
        try:
            import soxr  # only where it is needed: it is an extra
        except ImportError as error:
            problem = f"this recognizer takes audio at {rate} Hz, for which the package soxr is not installed"
            raise ConfigurationError("recognition.provider", problem, "install telebridge[words]") from error
        self._stream = soxr.ResampleStream(SAMPLE_RATE, rate, 1, dtype="int16")

    def convert(self, mulaw: bytes, *, last: bool = False) -> bytes:
        """Convert the next audio; `last` gives out what the filter still holds, and what follows is a new sound."""
        import numpy as np  # only where it is needed: it takes long to import

        samples = np.frombuffer(to_pcm(mulaw), dtype="<i2")
        converted = bytes(self._stream.resample_chunk(samples, last=last).astype("<i2").tobytes())
        if last:
            self._stream.clear()
        return converted
