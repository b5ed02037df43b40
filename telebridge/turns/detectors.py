"""The other detectors: by level alone, and by WebRTC's voice-activity detection. Cheaper than Silero, and worse."""

import audioop
import importlib
from collections.abc import Callable
from typing import Any, Literal

from typing_extensions import override

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS, PCM_WIDTH, SAMPLE_RATE, frames, to_pcm
from telebridge.errors import ConfigurationError
from telebridge.turns.silero import SileroDetector, SileroModel
from telebridge.turns.voice_activity import SpeechDetector

DetectorName = Literal["silero", "webrtc", "level"]

OVER_FLOOR = 4.0  # 12 dB
LOWEST_RMS = 50.0
STRICTEST = 3


class LevelDetector(SpeechDetector):
    """Takes for speech whatever is 12 dB louder than the quietest lately. A knock is speech to it."""

    window_ms = float(FRAME_MS)
    sure_by = None
    onset_windows = 3
    onset_of = 3

    def __init__(self) -> None:
        self._floor = LOWEST_RMS
        self._rest = b""

    @override
    def judge(self, mulaw: bytes) -> list[float]:
        whole, self._rest = _whole_frames(self._rest + mulaw)
        return [self._judge(frame) for frame in frames(whole)]

    @override
    def reset(self) -> None:
        self._rest = b""

    def _judge(self, frame: bytes) -> float:
        rms = audioop.rms(to_pcm(frame), PCM_WIDTH)
        loud = rms >= max(LOWEST_RMS, self._floor) * OVER_FLOOR
        self._floor = rms if rms < self._floor else min(rms, self._floor * 1.005 + 0.1)
        return float(loud)


class WebrtcDetector(SpeechDetector):
    """WebRTC's detector in its strictest mode. Knocks and key tones are speech to it.

    Raises:
        ConfigurationError: Its package is not installed.
    """

    window_ms = float(FRAME_MS)
    sure_by = None
    onset_windows = 5
    onset_of = 6

    def __init__(self) -> None:
        try:
            webrtcvad: Any = importlib.import_module("webrtcvad")
        except ImportError as error:
            raise ConfigurationError(
                "barge_in.detector", "'webrtc' needs the package webrtcvad-wheels", "install telebridge[webrtc]"
            ) from error
        self._make = webrtcvad.Vad
        self._detector = self._make(STRICTEST)
        self._rest = b""

    @override
    def judge(self, mulaw: bytes) -> list[float]:
        whole, self._rest = _whole_frames(self._rest + mulaw)
        return [float(self._detector.is_speech(to_pcm(frame), SAMPLE_RATE)) for frame in frames(whole)]

    @override
    def reset(self) -> None:
        self._detector = self._make(STRICTEST)
        self._rest = b""


def detector_maker(name: DetectorName) -> Callable[[], SpeechDetector]:
    """What makes a detector for each call; what they share is loaded now.

    Raises:
        ConfigurationError: What it needs is not installed.
    """
    match name:
        case "silero":
            model = SileroModel.load()
            return lambda: SileroDetector(model)
        case "webrtc":
            WebrtcDetector()
            return WebrtcDetector
        case "level":
            return LevelDetector


def _whole_frames(mulaw: bytes) -> tuple[bytes, bytes]:
    whole = len(mulaw) - len(mulaw) % FRAME_BYTES
    return mulaw[:whole], mulaw[whole:]
