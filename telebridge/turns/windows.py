"""Detectors that judge windows of one size, whatever pieces the audio comes in."""

from abc import abstractmethod

from typing_extensions import override

from telebridge.turns.voice_activity import SpeechDetector


class WindowDetector(SpeechDetector):
    """Abstract: cuts the audio into windows, and keeps what is left of it for the next one.

    Attributes:
        window_bytes: The size of a window, of mu-law.
        sure: In speech that goes on, a window that is judged so likely speaks for the next one, too, which is passed
            over; None when each window is judged.
    """

    window_bytes: int
    sure: float | None = None

    def __init__(self) -> None:
        self._rest = b""  # of a window that is not complete
        self._speaks_for_next: float | None = None  # the likelihood of a window that does

    @override
    def likelihoods(self, mulaw: bytes, goes_on: bool = False) -> list[float]:
        pending = self._rest + mulaw if self._rest else mulaw
        size = self.window_bytes
        whole = len(pending) - len(pending) % size
        self._rest = pending[whole:]
        if not goes_on or self.sure is None:
            self._speaks_for_next = None
            return self._judged(pending[:whole]) if whole else []
        found = []
        for at in range(0, whole, size):
            window = pending[at : at + size]
            likelihood, self._speaks_for_next = self._speaks_for_next, None
            if likelihood is not None:
                self._pass_over(window)
            else:
                (likelihood,) = self._judged(window)
                if likelihood >= self.sure:
                    self._speaks_for_next = likelihood
            found.append(likelihood)
        return found

    @override
    def reset(self) -> None:
        self._rest = b""
        self._speaks_for_next = None

    @abstractmethod
    def _judged(self, windows: bytes) -> list[float]:
        """How likely each of the next whole windows is speech, from 0 to 1."""

    def _pass_over(self, window: bytes) -> None:
        """The next window is not judged; the one after it will be."""
