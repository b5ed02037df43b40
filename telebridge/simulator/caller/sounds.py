"""The synthesized audio of `<Say>`, and the decision whether a frame is audible.

One rule: the same arguments give the same bytes, so that recordings can be compared.
"""

import audioop
import math
from functools import lru_cache

from telebridge.audio.mulaw import BYTES_PER_MS, PCM_WIDTH, SAMPLE_RATE, SILENCE_BYTE, from_samples, to_pcm

SILENCE = bytes([SILENCE_BYTE])
SPOKEN_MS_PER_CHARACTER = 65
AUDIBLE_RMS = 200  # of 32767, about -44 dBFS: above line noise, below any speech


def stand_in_for_say(text: str) -> bytes:
    """Return the default audio of `<Say>`: a voice-like sound, as long as the text would take, in mu-law."""
    return _repeated(_second_of_voice(220), max(200, SPOKEN_MS_PER_CHARACTER * len(text)))


@lru_cache
def _second_of_voice(pitch_hz: int) -> bytes:
    """Return one second of sound that can be repeated without a click."""
    samples: list[float] = []
    for number in range(SAMPLE_RATE):
        seconds = number / SAMPLE_RATE
        syllable = 0.35 + 0.65 * abs(math.sin(4 * math.pi * seconds))
        phase = 2 * math.pi * pitch_hz * seconds
        wave = sum(math.sin(phase * harmonic) / harmonic for harmonic in (1, 2, 3, 5, 8, 13))
        samples.append(7000 * syllable * wave / 1.8)
    return from_samples(samples)


def _repeated(second: bytes, ms: int) -> bytes:
    return (second * (ms // 1000 + 1))[: BYTES_PER_MS * ms]


def is_audible(mulaw: bytes) -> bool:
    """Return whether a frame is louder than silence and line noise."""
    return bool(mulaw) and audioop.rms(to_pcm(mulaw), PCM_WIDTH) >= AUDIBLE_RMS
