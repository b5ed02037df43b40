"""Tones as mu-law: sines for tests, the beep before a message is recorded, and DTMF.

Frequencies of keys follow ITU-T Q.23; lengths and levels are within what Q.24 requires every receiver to accept.
"""

import math

from telebridge.audio.mulaw import SAMPLE_RATE, from_samples, silence

DTMF_HZ = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "A": (697, 1633),
    "4": (770, 1209), "5": (770, 1336), "6": (770, 1477), "B": (770, 1633),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "C": (852, 1633),
    "*": (941, 1209), "0": (941, 1336), "#": (941, 1477), "D": (941, 1633),
}  # fmt: skip

PAUSE = "w"
PAUSE_MS = 500
FULL_SCALE = 32767
DTMF_DBFS = -10.0
RAMP_SAMPLES = 16
"""Both ends of a tone fade over 2 ms, so that it does not click."""


def sine(hertz: float, ms: int, *, dbfs: float = -12.0) -> bytes:
    """Make one tone of `ms` milliseconds; `dbfs` is its peak relative to full scale."""
    return _tones((hertz,), ms, dbfs)


def beep(ms: int = 400) -> bytes:
    """Make the tone after which a caller leaves a message."""
    return sine(1000, ms)


def unknown_keys(digits: str) -> list[str]:
    """Return the characters that are neither a telephone key nor a pause."""
    return [digit for digit in digits if digit not in DTMF_HZ and digit != PAUSE]


def dtmf(digits: str, *, tone_ms: int = 100, gap_ms: int = 100) -> bytes:
    """Make the DTMF tones of keys, each followed by a gap; `w` is half a second of silence.

    Raises:
        ValueError: A character is no key of a telephone (0 to 9, A to D, `*`, `#`).
    """
    if unknown := unknown_keys(digits):
        raise ValueError(f"{unknown[0]!r} is no telephone key: 0 to 9, A to D, * and # are")
    return b"".join(
        silence(PAUSE_MS) if digit == PAUSE else _tones(DTMF_HZ[digit], tone_ms, DTMF_DBFS) + silence(gap_ms)
        for digit in digits
    )


def _tones(hertz: tuple[float, ...], ms: int, dbfs: float) -> bytes:
    count = ms * SAMPLE_RATE // 1000
    peak = FULL_SCALE * 10 ** (dbfs / 20) / len(hertz)
    samples = []
    for index in range(count):
        fade = min(1.0, (index + 1) / RAMP_SAMPLES, (count - index) / RAMP_SAMPLES)
        wave = sum(math.sin(2 * math.pi * each * index / SAMPLE_RATE) for each in hertz)
        samples.append(peak * fade * wave)
    return from_samples(samples)
