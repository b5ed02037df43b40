"""Levels of mu-law audio in dBFS, and the quietest moment of a piece, where a cut is least noticed.

0 dBFS is the level of the loudest square wave that 16 bits can hold.
"""

import audioop
import math

from telebridge.audio.mulaw import BYTES_PER_MS, PCM_WIDTH, to_pcm

FLOOR_DBFS = -100.0
"""The level of digital silence."""
FULL_SCALE = 32768
STEP_MS = 10


def dbfs(mulaw: bytes) -> float:
    """Compute the root-mean-square level in dBFS, at most 0; `FLOOR_DBFS` for digital silence and no bytes at all."""
    rms = audioop.rms(to_pcm(mulaw), PCM_WIDTH)
    return 20 * math.log10(rms / FULL_SCALE) if rms else FLOOR_DBFS


def quietest_end(mulaw: bytes) -> int:
    """Return how many bytes follow the quietest 10 ms, the later of two as quiet; 0 for a shorter piece."""
    pcm = to_pcm(mulaw)
    step = STEP_MS * BYTES_PER_MS
    starts = range(len(mulaw) - step, -1, -step)
    quietest = min(starts, key=lambda start: audioop.rms(pcm[2 * start : 2 * (start + step)], PCM_WIDTH), default=None)
    return 0 if quietest is None else len(mulaw) - quietest - step
