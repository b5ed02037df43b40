"""Where in a piece of speech to cut it so that it is least noticed: at its quietest moment.

How loud a piece of mu-law audio is, in dB below the loudest square wave that 16 bits can hold (dBFS).
"""

import audioop
import math

from telebridge.audio.mulaw import BYTES_PER_MS, PCM_WIDTH, to_pcm

STEP_MS = 10


def quietest_end(mulaw: bytes) -> int:
    """How many bytes follow the quietest 10 ms of the piece; of two as quiet, the later counts. Nothing in it: 0."""
    pcm = to_pcm(mulaw)
    step = STEP_MS * BYTES_PER_MS
    starts = range(len(mulaw) - step, -1, -step)
    quietest = min(starts, key=lambda start: audioop.rms(pcm[2 * start : 2 * (start + step)], PCM_WIDTH), default=None)
    return 0 if quietest is None else len(mulaw) - quietest - step


FLOOR_DBFS = -100.0
FULL_SCALE = 32768


def dbfs(mulaw: bytes) -> float:
    """The root-mean-square level, at most 0; digital silence, or nothing at all, is `FLOOR_DBFS`."""
    rms = audioop.rms(to_pcm(mulaw), PCM_WIDTH)
    return 20 * math.log10(rms / FULL_SCALE) if rms else FLOOR_DBFS
