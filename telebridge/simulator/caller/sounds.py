"""What the local Twilio's verbs sound like, and what counts as a sound: stand-ins made of arithmetic.

One rule: the same arguments give the same bytes, so recordings can be compared.
"""

import audioop
import math
import struct
from functools import lru_cache

SAMPLE_RATE = 8000
FRAME_BYTES = 160
SILENCE = b"\xff"
SPOKEN_MS_PER_CHARACTER = 65
AUDIBLE_RMS = 200  # of 32767, about -44 dBFS: above line noise, below any speech


def silence(ms: int) -> bytes:
    """Mu-law silence."""
    return SILENCE * (8 * ms)


def stand_in_for_say(text: str) -> bytes:
    """What `<Say>` plays when no voice was given: a voice without words, as long as the text would take."""
    return _repeated(_second_of_voice(220), max(200, SPOKEN_MS_PER_CHARACTER * len(text)))


@lru_cache
def _second_of_voice(pitch_hz: int) -> bytes:
    """One second, which joins its own end without a click."""
    samples = []
    for number in range(SAMPLE_RATE):
        seconds = number / SAMPLE_RATE
        syllable = 0.35 + 0.65 * abs(math.sin(4 * math.pi * seconds))
        phase = 2 * math.pi * pitch_hz * seconds
        wave = sum(math.sin(phase * harmonic) / harmonic for harmonic in (1, 2, 3, 5, 8, 13))
        samples.append(round(7000 * syllable * wave / 1.8))
    return audioop.lin2ulaw(struct.pack(f"<{SAMPLE_RATE}h", *samples), 2)


def _repeated(second: bytes, ms: int) -> bytes:
    return (second * (ms // 1000 + 1))[: 8 * ms]


def is_audible(mulaw: bytes) -> bool:
    """Whether a frame holds more than silence and line noise."""
    return bool(mulaw) and audioop.rms(audioop.ulaw2lin(mulaw, 2), 2) >= AUDIBLE_RMS
