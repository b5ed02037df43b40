"""Detectors that judge windows of one size, whatever pieces the audio comes in."""

from abc import abstractmethod

from typing_extensions import override

from telebridge.turns.voice_activity import SpeechDetector


class WindowDetector(SpeechDetector):
    """Abstract: cuts the audio into windows, and keeps what is left of it for the next one.

    Attributes:
        window_bytes: The size of a window, of mu-law.
    """

    window_bytes: int

    def __init__(self) -> None:
        self._rest = b""  # of a window that is not complete

    @override
    def likelihoods(self, mulaw: bytes) -> list[float]:
        pending = self._rest + mulaw if self._rest else mulaw
        size = self.window_bytes
        whole = len(pending) - len(pending) % size
        self._rest = pending[whole:]
        found = []
        for at in range(0, whole, size):
            found.append(self._likelihood(pending[at : at + size]))  # noqa: PERF401 - a call less a window
        return found

    @override
    def reset(self) -> None:
        self._rest = b""

    @abstractmethod
    def _likelihood(self, window: bytes) -> float:
        """How likely the next window is speech, from 0 to 1."""
