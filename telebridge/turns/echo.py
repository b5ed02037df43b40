"""Whether what is heard of the caller is our own voice coming back: callers on a loudspeaker send an echo of it.

A detector of speech takes an echo for speech, which it is. Only a comparison with what the caller's telephone was
playing tells: an echo is that audio, late, weaker, and smeared by a room. So the delay is searched where the two
correlate best, a short filter is fitted there, and what it does not explain is what the caller added.

One rule: in doubt it is the caller. An echo that is taken for speech costs a short pause; speech that is taken for an
echo leaves a caller talking to a machine that does not stop.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from telebridge.audio.mulaw import BYTES_PER_MS, to_pcm

COMPARED_MS = 384
LONGEST_DELAY_MS = 480
FIRST_TAP = -8
LAST_TAP = 40
JUDGED_MS = 96
EXPLAINED = 0.65
"""An echo that leaves less than this share of the recent energy unexplained is all there is."""
REVERBERATION = 0.2
"""What is left may be this share of the echo's own power: a room rings on for longer than the filter reaches."""
LEAST_CORRELATION = 0.2
PRE_EMPHASIS = 0.9

Samples = NDArray[np.float64]
Sounded = Callable[[float], bytes]
"""Answers with the last so many milliseconds of mu-law that the caller's telephone played, up to now."""


class EchoGuard:
    """Compares what is heard with what was played."""

    def explains(self, heard: Sounded, sounded: Sounded) -> bool:
        """Whether the last 96 ms of what was heard are an echo of what sounded, and nothing more."""
        caller = _samples(heard(COMPARED_MS))
        played = _samples(sounded(COMPARED_MS + LONGEST_DELAY_MS))
        return unexplained(caller, played) < EXPLAINED


def unexplained(caller: Samples, played: Samples) -> float:
    """Which share of the recent energy of `caller` no echo of `played` explains; 1 when there is no sign of an echo.

    Args:
        caller: What was heard.
        played: What sounded until now, longer by the longest delay that is searched.
    """
    delay = _delay(caller, played)
    if delay is None:
        return 1.0
    echo = _echo(caller, played, delay)
    recent = caller[-JUDGED_MS * BYTES_PER_MS :]
    residual = recent - echo[-len(recent) :]
    unexplained_energy = float(residual @ residual)
    if unexplained_energy < REVERBERATION * float(echo @ echo) * len(recent) / len(echo):
        return 0.0
    return unexplained_energy / max(float(recent @ recent), 1.0)


def _delay(caller: Samples, played: Samples) -> int | None:
    """How many samples ago that was played which correlates best with what is heard; None when nothing does."""
    size = 1 << (len(played) - 1).bit_length()
    spectrum = np.fft.rfft(played, size) * np.conj(np.fft.rfft(caller, size))
    lags = len(played) - len(caller) + 1
    correlation = np.fft.irfft(spectrum, size)[:lags]
    energy = np.concatenate(([0.0], np.cumsum(played * played)))
    played_energy = energy[len(caller) :][:lags] - energy[:lags]
    strength = np.abs(correlation) / np.sqrt(np.maximum(played_energy, 1.0) * max(caller @ caller, 1.0))
    best = int(np.argmax(strength))
    return None if strength[best] < LEAST_CORRELATION else lags - 1 - best


def _echo(caller: Samples, played: Samples, delay: int) -> Samples:
    """What a short filter around `delay` makes of `played`, fitted to `caller` by least squares."""
    end = len(played)
    columns = []
    for tap in range(max(0, delay + FIRST_TAP), delay + LAST_TAP):
        start = end - tap - len(caller)
        if start < 0:
            break
        columns.append(played[start : start + len(caller)])
    shifted = np.stack(columns)
    power = shifted @ shifted.T
    power[np.diag_indices_from(power)] += 1e-3 * power.trace() / len(power) + 1.0
    fitted: Samples = np.linalg.solve(power, shifted @ caller) @ shifted
    return fitted


def _samples(mulaw: bytes) -> Samples:
    """Samples with the low end of the voice held back, which would correlate with any voice."""
    pcm = np.frombuffer(to_pcm(mulaw), np.int16).astype(np.float64)
    return pcm[1:] - PRE_EMPHASIS * pcm[:-1]
