"""Recognises the bridge's own voice in the caller's audio: callers on a loudspeaker send an echo of it.

A speech detector cannot distinguish an echo from the caller's speech; a comparison with the audio that the caller's
telephone played can: an echo is that audio, delayed, weaker, and filtered by a room. The delay is where the two
correlate best. A short filter is fitted there, and the part that it does not explain comes from the caller.

One rule: in doubt it is the caller. An echo mistaken for speech costs a short pause; with speech mistaken for an echo,
the prompt does not stop for the caller.
"""

import math

import numpy as np
from numpy.typing import NDArray

from telebridge.audio.mulaw import BYTES_PER_MS, to_pcm
from telebridge.turns.played_audio import COMPARED_MS, SEARCHED_MS, PlayedAudio
from telebridge.turns.pre_roll import PreRoll

FIRST_TAP = -8
LAST_TAP = 64
JUDGED_MS = 96
REVERBERATION = 0.2
"""The residual may have this share of the echo's power: reverberation is longer than the filter."""
CORRELATION, UNEXPLAINED = 0.4, 0.35
"""An echo goes at least so well with what was played, and leaves less than that share of the recent energy unexplained.
Two voices that have nothing to do with each other come as near in one window of a thousand."""
KNOWN_CORRELATION, KNOWN_UNEXPLAINED = 0.25, 0.65
"""The same for a delay at which an echo was found before."""
WINDOWS_PER_COMPARISON = JUDGED_MS // 32
"""Once speech is believed, a comparison judges as much as so many windows of Silero's."""
COMPARISONS = 3
"""After so many that found the caller, nothing of their speech is compared any more: the line fell silent at its
beginning, so what echo is left of the prompt has come by then."""
SAME_DELAY = 32
"""Samples: a delay is the same give or take 4 ms."""
PRE_EMPHASIS = 0.9
REGULARIZATION = 1e-3

Signal = NDArray[np.float64]
LINEAR: Signal = np.frombuffer(to_pcm(bytes(range(256))), np.int16).astype(np.float64)
"""The sample of each byte of mu-law."""


class EchoGuard:
    """Compares what is heard of one caller with what was played to them, as long as it may be an echo.

    Attributes:
        established: Whether the last echo had the delay of the one before it, and so was not found by chance.

    Args:
        played: What the caller's telephone plays; None where no echo is expected.
    """

    __slots__ = ("_comparisons_left", "_known_delay", "_played", "_windows_skipped", "established")

    def __init__(self, played: PlayedAudio | None = None) -> None:
        self.established = False
        self._played = played
        self._known_delay: int | None = None
        self._comparisons_left = 0  # of speech that is believed, while none of them finds an echo
        self._windows_skipped = 0  # since the last comparison

    def is_heard(self, heard: PreRoll, *, believed: bool, now: float) -> bool:
        """Whether a window that sounds like speech is the bridge's own voice.

        Args:
            heard: The caller's audio up to the end of the window.
            believed: Whether it goes on with speech that is believed to be the caller's.
            now: Monotonic seconds, at which the telephone plays what `played` says.
        """
        played = self._played
        if played is None or not played.sounds(now=now) or (believed and not self._is_due()):
            return False
        echo = self.explains(heard.last(COMPARED_MS), played.sounded(SEARCHED_MS, now=now))
        if echo:
            self.speech_believed()
        return echo

    def speech_believed(self) -> None:
        """What is heard from now on is believed to be the caller's speech until a comparison says otherwise."""
        self._comparisons_left = COMPARISONS
        self._windows_skipped = 0

    def _is_due(self) -> bool:
        self._windows_skipped += 1
        if self._windows_skipped < WINDOWS_PER_COMPARISON or not self._comparisons_left:
            return False
        self._windows_skipped = 0
        self._comparisons_left -= 1
        return True

    def explains(self, heard: bytes, sounded: bytes) -> bool:
        """Whether the last 96 ms of what was heard are an echo of what sounded, and nothing more.

        Args:
            heard: The last `COMPARED_MS` of the caller's audio.
            sounded: The last `SEARCHED_MS` that their telephone played.
        """
        caller = _samples(heard)
        played = _samples(sounded)
        correlation = _correlation(caller, played)
        delay, strength = _best_delay(correlation, caller, played)
        known = self._known_delay is not None and abs(delay - self._known_delay) <= SAME_DELAY
        least, most = (KNOWN_CORRELATION, KNOWN_UNEXPLAINED) if known else (CORRELATION, UNEXPLAINED)
        if strength < least:
            return False
        echo = _echo(correlation, played, delay, len(caller))
        if _unexplained(caller, echo) >= most:
            return False
        self.established = known
        self._known_delay = delay
        return True


def _unexplained(caller: Signal, echo: Signal) -> float:
    """The share of the recent energy of `caller` that the echo does not explain."""
    recent = caller[-JUDGED_MS * BYTES_PER_MS :]
    residual = recent - echo[-len(recent) :]
    left = float(residual @ residual)
    if left < REVERBERATION * float(echo @ echo) * len(recent) / len(echo):
        return 0.0
    return left / max(float(recent @ recent), 1.0)


def _correlation(caller: Signal, played: Signal) -> Signal:
    """The correlation of `caller` with what was played so many samples before, for each delay up to the longest."""
    size = len(played) + 1  # 6912 has only the factors 2 and 3: a fifth less than a transform of 8192
    spectrum = np.fft.rfft(played, size) * np.conj(np.fft.rfft(caller, size))
    delays = len(played) - len(caller) + 1
    return np.fft.irfft(spectrum, size)[:delays][::-1]


def _best_delay(correlation: Signal, caller: Signal, played: Signal) -> tuple[int, float]:
    """The delay in samples at which the correlation is highest, and that correlation, from 0 to 1."""
    energy = np.concatenate(([0.0], np.cumsum(played * played)))
    played_energy = (energy[len(caller) :] - energy[: -len(caller)])[::-1]
    power = correlation * correlation / np.maximum(played_energy, 1.0)
    best = int(np.argmax(power))
    return best, math.sqrt(power[best] / max(float(caller @ caller), 1.0))


def _echo(correlation: Signal, played: Signal, delay: int, size: int) -> Signal:
    """The output of a short filter around `delay` for `played`, fitted to what was heard by least squares."""
    first = max(0, delay + FIRST_TAP)
    taps = min(delay + LAST_TAP, len(correlation)) - first
    end = len(played) - first
    heard_from = played[end - size - taps + 1 : end]
    matrix = _covariance(heard_from, taps)
    matrix[np.diag_indices(taps)] += REGULARIZATION * matrix.trace() / taps + 1.0
    response = np.linalg.solve(matrix, correlation[first : first + taps])
    return np.convolve(heard_from, response, "valid")


def _covariance(signal: Signal, taps: int) -> Signal:
    """The products of all but the first samples, delayed by 0 to `taps` - 1, with each other.

    Two entries on the same diagonal differ by the sample that enters and the one that leaves, so only one row is summed
    up (the covariance method; Rabiner and Schafer, "Digital Processing of Speech Signals", 8.1.2).
    """
    entering, leaving = signal[taps - 1 :: -1], signal[: -taps - 1 : -1]
    matrix = np.empty((taps, taps))
    matrix[0] = np.correlate(signal, signal[taps - 1 :], "valid")[::-1]
    for row in range(1, taps):
        matrix[row, 0] = matrix[0, row]
        matrix[row, 1:] = (
            matrix[row - 1, :-1] + entering[row] * entering[1:taps] - leaving[row - 1] * leaving[: taps - 1]
        )
    return matrix


def _samples(mulaw: bytes) -> Signal:
    """Samples after a high-pass filter: the low frequencies of any two voices correlate."""
    pcm = LINEAR.take(np.frombuffer(mulaw, np.uint8))
    return pcm[1:] - PRE_EMPHASIS * pcm[:-1]
