"""Detectors that judge windows of one size, whatever pieces the audio comes in."""

from abc import abstractmethod

from typing_extensions import override

from telebridge.turns.voice_activity import SpeechDetector


class WindowDetector(SpeechDetector):
    """Abstract: cuts the audio into windows, and keeps what is left of it for the next one.

    Attributes:
        window_bytes: The size of a window, of mu-law.
        sure: In speech that goes on, a window that is judged so likely speaks for the next ones, too, which are passed
            over; None when each window is judged.
        sure_for: For how many.
    """

    window_bytes: int
    sure: float | None = None
    sure_for: int = 0

    def __init__(self) -> None:
        self._rest = b""  # of a window that is not complete
        self._spoken_for = 0  # so many of the next windows
        self._sure = 0.0  # the likelihood of the window that speaks for them

    @override
    def likelihoods(self, mulaw: bytes, goes_on: bool = False) -> list[float]:
        pending = self._rest + mulaw if self._rest else mulaw
        size = self.window_bytes
        whole = len(pending) - len(pending) % size
        self._rest = pending[whole:]
        if not goes_on or self.sure is None:
            self._spoken_for = 0
            return self._judged(pending[:whole]) if whole else []
        found = []
        for at in range(0, whole, size):
            window = pending[at : at + size]
            if self._spoken_for:
                self._spoken_for -= 1
                self._pass_over(window)
            else:
                (self._sure,) = self._judged(window)
                if self._sure >= self.sure:
                    self._spoken_for = self.sure_for
            found.append(self._sure)
        return found

    @override
    def reset(self) -> None:
        self._rest = b""
        self._spoken_for = 0

    @abstractmethod
    def _judged(self, windows: bytes) -> list[float]:
        """How likely each of the next whole windows is speech, from 0 to 1."""

    def _pass_over(self, window: bytes) -> None:
        """The next window is not judged."""
