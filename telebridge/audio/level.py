"""How loud a piece of mu-law audio is, in dB below the loudest square wave that 16 bits can hold (dBFS)."""

import audioop
import math

from telebridge.audio.mulaw import PCM_WIDTH, to_pcm

FLOOR_DBFS = -100.0
FULL_SCALE = 32768


def dbfs(mulaw: bytes) -> float:
    """The root-mean-square level, at most 0; digital silence, or nothing at all, is `FLOOR_DBFS`."""
    rms = audioop.rms(to_pcm(mulaw), PCM_WIDTH)
    return 20 * math.log10(rms / FULL_SCALE) if rms else FLOOR_DBFS
