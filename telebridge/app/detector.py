"""The detector of speech of the settings, loaded when it is needed.

A model takes a tenth of a start to load, so the process listens first. One rule: it is loaded once, whoever asks first.
"""

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from telebridge.turns.voice_activity import SpeechDetector

if TYPE_CHECKING:
    from telebridge.turns.detectors import DetectorName

PACKAGES = {"webrtc": "webrtcvad"}
"""The package that a detector needs beside those of the bridge."""


def load_modules() -> None:
    """Import what detectors need, and what each call compares its audio with."""
    from telebridge.turns import detectors, echo  # noqa: F401


class DetectorOnDemand:
    """Makes a detector for each call; what they share is loaded by `load`, or with the first call.

    Args:
        name: Which one.

    Raises:
        ConfigurationError: What it needs is not installed.
    """

    def __init__(self, name: "DetectorName") -> None:
        self._name = name
        self._loading = threading.Lock()
        self._make: Callable[[], SpeechDetector] | None = None
        if name in PACKAGES and find_spec(PACKAGES[name]) is None:
            self.load()  # says what is missing

    def load(self) -> Callable[[], SpeechDetector]:
        """Load what all detectors share, unless it is there; call it in a thread, before calls come.

        Raises:
            ConfigurationError: A file of it cannot be read.
        """
        load_modules()
        with self._loading:
            if self._make is None:
                from telebridge.turns.detectors import detector_maker

                self._make = detector_maker(self._name)
            return self._make

    def __call__(self) -> SpeechDetector:
        """Make the detector of a call."""
        return (self._make or self.load())()


def return_freed_memory() -> None:
    """Return to the system what was freed since the start: loading a model leaves some megabytes that nothing needs.

    glibc keeps them otherwise (malloc_trim(3)); other C libraries have no such call, and nothing happens.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
