"""The beep of a voice mailbox: one steady tone, and quiet after it.

Sources: ITU-T E.180 for ringing and busy tones (400 to 480 Hz, alone or in pairs) and the special information tones
(three in a row); T.30 for the answering tone of a fax (2100 Hz for 2.6 s and more); Q.23 for keys (two tones at once).

One rule: the end of a beep is reported, not its beginning, because a message begins there.
"""

import audioop
import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS, PCM_WIDTH, SAMPLE_RATE, to_pcm

LOWEST_HZ, HIGHEST_HZ = 390.0, 2250.0
LEAST_FRAMES = 6
"""A tone of 150 ms fills at least so many frames, and a telephone's key of 100 ms fewer."""
MOST_FRAMES = 75
PROGRESS_HZ = (390.0, 500.0)
"""Here networks have their ringing and busy tones."""
MOST_PROGRESS_FRAMES = 42
"""Ringing tones last a second and more."""
QUIET_FRAMES = 3
"""So much quiet ends a beep: a note of music is followed by the next one, and a vowel by the rest of its word."""
PROGRESS_QUIET_FRAMES = 40
"""Busy tones pause for 200 to 750 ms."""
BEFORE_FRAMES = 5
"""So far back it must have been quiet when a beep begins, but for the frame that it begins in."""
MOST_TONES = 2
"""Beeps may have two tones; three in a row say that the number is not in service."""
GATE_RMS = 260
"""-42 dBFS: a beep is not so soft."""
QUIETER = 0.25  # -12 dB
PURE = 0.93
"""The share of a tone's energy within 100 Hz of its peak."""
STEADY_HZ = 25.0
STEADY = 1.35  # 2.6 dB
SPOILED_FRAMES = 25
"""What is no beep is not waited for longer than this."""
HALF = FRAME_BYTES * PCM_WIDTH // 2
BIN_HZ = SAMPLE_RATE / FRAME_BYTES
LOBE = 2
WINDOW = np.hanning(FRAME_BYTES)


@dataclass(frozen=True, slots=True)
class Beep:
    """A beep that is over.

    Args:
        hertz: Its frequency; of two tones that of the last.
        ms: How long that was, to a frame.
    """

    hertz: float
    ms: int


class BeepDetector:
    """Listens to one call. Give each frame of 20 ms to `receive_frame`."""

    __slots__ = ("_before", "_cadence", "_frames", "_hertz", "_odd", "_quiet", "_rms", "_spoiled", "_tones")

    def __init__(self) -> None:
        self._before = deque([0] * BEFORE_FRAMES, BEFORE_FRAMES)  # levels of the last frames
        self._cadence = False  # whether a tone came again and again: ringing, or busy
        self._forget()

    def _forget(self) -> None:
        self._frames = 0  # of the tone; none sounds
        self._hertz = self._rms = 0.0
        self._quiet = self._odd = 0  # frames since it ended; loud frames that were not it
        self._tones = 1
        self._spoiled = 0  # for how many frames it is known that this is no beep

    @property
    def begun(self) -> bool:
        """Whether something sounds that is one steady tone so far."""
        return self._frames > 0 and not self._spoiled

    @property
    def sounding(self) -> bool:
        """Whether a tone sounds that may be a beep, or has sounded just now."""
        return self._frames >= LEAST_FRAMES and not self._spoiled

    def receive_frame(self, mulaw: bytes) -> Beep | None:
        """Take the next 20 ms of mu-law; returns the beep that is known with it to be over."""
        pcm = to_pcm(mulaw)
        rms = audioop.rms(pcm, PCM_WIDTH) if pcm else 0
        beep = None
        if not self._frames:
            self._begin(pcm, rms)
        elif rms < self._rms * QUIETER:
            beep = self._receive_quiet()
        elif self._spoiled:
            self._spoiled += 1
            self._quiet = 0
            if self._spoiled > SPOILED_FRAMES:
                self._forget()
        else:
            self._receive_sound(pcm, rms)
        self._before.append(rms)
        return beep

    def _begin(self, pcm: bytes, rms: int) -> None:
        hertz = _tone(pcm) if rms >= GATE_RMS else None
        if hertz is None:
            return
        self._frames, self._hertz, self._rms = 1, hertz, float(rms)
        *earlier, _ = self._before
        if max(earlier) > rms * QUIETER or (self._cadence and self._in_progress):
            self._spoiled = 1

    @property
    def _in_progress(self) -> bool:
        return PROGRESS_HZ[0] <= self._hertz <= PROGRESS_HZ[1]

    def _receive_quiet(self) -> Beep | None:
        self._quiet += 1
        whole = LEAST_FRAMES <= self._frames <= (MOST_PROGRESS_FRAMES if self._in_progress else MOST_FRAMES)
        spoiled = self._spoiled or not whole
        if self._quiet < (PROGRESS_QUIET_FRAMES if self._in_progress and not spoiled else QUIET_FRAMES):
            return None
        beep = None if spoiled else Beep(self._hertz, self._frames * FRAME_MS)
        self._forget()
        return beep

    def _receive_sound(self, pcm: bytes, rms: int) -> None:
        hertz = _tone(pcm)
        if self._quiet:  # it sounds again before it was quiet for long enough
            self._cadence = self._cadence or (self._in_progress and self._frames >= LEAST_FRAMES)
            self._spoiled = 1
        elif hertz is not None and abs(hertz - self._hertz) > STEADY_HZ:
            self._tones += 1
            self._spoiled = int(self._frames < LEAST_FRAMES or self._tones > MOST_TONES)
            self._frames, self._hertz, self._rms, self._odd = 1, hertz, float(rms), 0
        elif hertz is not None and self._rms / STEADY <= rms <= self._rms * STEADY:
            self._frames += 1
            self._spoiled = int(self._frames > MOST_FRAMES)
        elif hertz is not None and self._frames == 1:
            self._hertz, self._rms = hertz, float(rms)
        else:
            self._odd += 1  # the frame in which it ends is none of a tone
            self._spoiled = int(self._odd > 1)


def _tone(pcm: bytes) -> float | None:
    """The frequency of a frame that is one steady tone; None for anything else."""
    if len(pcm) != FRAME_BYTES * PCM_WIDTH:
        return None
    first, second = audioop.rms(pcm[:HALF], PCM_WIDTH), audioop.rms(pcm[HALF:], PCM_WIDTH)
    if not second / STEADY <= first <= second * STEADY:
        return None
    crossings = audioop.cross(pcm, PCM_WIDTH) * BIN_HZ / 2
    if not LOWEST_HZ - 2 * BIN_HZ <= crossings <= HIGHEST_HZ + 2 * BIN_HZ:
        return None
    power = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2") * WINDOW)) ** 2
    peak = int(np.argmax(power))
    if not LOWEST_HZ - BIN_HZ <= peak * BIN_HZ <= HIGHEST_HZ + BIN_HZ:
        return None
    if power[peak - LOBE : peak + LOBE + 1].sum() < PURE * power.sum():
        return None
    left, middle, right = (math.log(float(power[peak + at]) + 1.0) for at in (-1, 0, 1))
    bend = left - 2 * middle + right
    hertz = (peak + (0.5 * (left - right) / bend if bend else 0.0)) * BIN_HZ
    return hertz if LOWEST_HZ <= hertz <= HIGHEST_HZ else None
