"""Telephone audio at the sample rate that a recognizer takes.

Linear samples at 8000 Hz are decoded here; higher rates are made by soxr, because samples that are only repeated or
joined by lines leave images above 4 kHz, which recognizers take for sound.

One rule: this is the only place where the caller's audio changes its rate.
"""

from typing import Protocol

from typing_extensions import override

from telebridge.audio.mulaw import SAMPLE_RATE, to_pcm
from telebridge.errors import ConfigurationError


class AudioConverter(Protocol):
    """Converts mu-law at 8000 Hz to signed 16-bit little-endian samples, piece by piece."""

    def convert(self, mulaw: bytes, *, last: bool = False) -> bytes:
        """Convert the next audio; `last` gives out what the filter still holds, and what follows is a new sound."""
        ...


class LinearAudio(AudioConverter):
    """Samples at 8000 Hz."""

    @override
    def convert(self, mulaw: bytes, *, last: bool = False) -> bytes:
        return to_pcm(mulaw)


class ResampledAudio(AudioConverter):
    """Samples at a higher rate.

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

    @override
    def convert(self, mulaw: bytes, *, last: bool = False) -> bytes:
        import numpy as np

        samples = np.frombuffer(to_pcm(mulaw), dtype="<i2")
        converted = bytes(self._stream.resample_chunk(samples, last=last).astype("<i2").tobytes())
        if last:
            self._stream.clear()
        return converted


def converter_to(rate: int) -> AudioConverter:
    """Return a converter to linear samples at this rate.

    Raises:
        ConfigurationError: It needs a package that is not installed.
    """
    return LinearAudio() if rate == SAMPLE_RATE else ResampledAudio(rate)
