"""The formats of the audio that clients send, and that audio as a telephone has it.

One rule: whatever a client names, a format has a length: no rate is zero or unbounded.
"""

import audioop
from dataclasses import dataclass
from typing import Literal, get_args

from telebridge.audio.mulaw import PCM_WIDTH, SAMPLE_RATE, from_pcm, to_pcm

SLOWEST_RATE, FASTEST_RATE = 8000, 48_000
"""Hz."""

AudioCoding = Literal["mulaw", "alaw", "linear16"]
CODINGS = frozenset(get_args(AudioCoding))


@dataclass(frozen=True, slots=True)
class SentFormat:
    """A format of one channel without a header.

    Args:
        coding: What a sample is.
        rate: Samples a second.
    """

    coding: AudioCoding
    rate: int = SAMPLE_RATE

    @property
    def sample_bytes(self) -> int:
        """How many bytes a sample has."""
        return PCM_WIDTH if self.coding == "linear16" else 1

    @property
    def bytes_per_ms(self) -> float:
        """How many bytes a millisecond has."""
        return self.sample_bytes * self.rate / 1000


def is_rate(rate: float) -> bool:
    """Whether audio may have so many samples a second."""
    return SLOWEST_RATE <= rate <= FASTEST_RATE


class TelephoneAudio:
    """Converts audio of a format to mu-law at 8000 Hz, piece by piece.

    Args:
        audio_format: The format.
    """

    def __init__(self, audio_format: SentFormat) -> None:
        self._format = audio_format
        self._rest = b""  # of a sample that was cut in two
        self._state: tuple[int, tuple[tuple[int, int], ...]] | None = None  # of the resampling

    def convert(self, audio: bytes) -> bytes:
        """Convert the next audio."""
        if self._format == SentFormat("mulaw"):
            return audio
        audio = self._rest + audio
        whole = len(audio) // self._format.sample_bytes * self._format.sample_bytes
        audio, self._rest = audio[:whole], audio[whole:]
        samples = _linear(audio, self._format.coding)
        if self._format.rate != SAMPLE_RATE:
            samples, self._state = audioop.ratecv(samples, PCM_WIDTH, 1, self._format.rate, SAMPLE_RATE, self._state)
        return from_pcm(samples)


def _linear(audio: bytes, coding: AudioCoding) -> bytes:
    match coding:
        case "mulaw":
            return to_pcm(audio)
        case "alaw":
            return audioop.alaw2lin(audio, PCM_WIDTH)
        case "linear16":
            return audio
