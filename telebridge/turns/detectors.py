"""Detectors of speech: Silero's model, WebRTC's voice-activity detection, and the level alone.

All calls of the process share Silero's model; each keeps only its state. The others are cheaper and less accurate.
"""

import importlib
from collections.abc import Callable
from importlib import resources
from typing import Any, Literal

import numpy as np
from typing_extensions import override

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS, SAMPLE_RATE, to_pcm
from telebridge.errors import ConfigurationError
from telebridge.turns.level_detector import LevelDetector
from telebridge.turns.silero import CONTEXT_SAMPLES, TOGETHER, WINDOW_SAMPLES, Floats, SileroModel, SileroState
from telebridge.turns.voice_activity import SpeechDetector
from telebridge.turns.windows import WindowDetector

SILERO_WEIGHTS = "silero_8khz.npz"
FULL_SCALE = 32768.0
COMFORT_NOISE_RMS = 16.0
"""-66 dBFS. The model was taught by microphones: out of digital silence, as networks send it, it is late to hear a
voice (measured on 250 recordings, 20 dB quiet: 95 of 100 within 147 ms with this, 257 ms without)."""

_LINEAR: Floats = np.frombuffer(to_pcm(bytes(range(256))), np.int16).astype(np.float32) / np.float32(FULL_SCALE)
"""The sample of each byte of mu-law, from -1 to 1."""
_COMFORT_NOISE: Floats = np.random.default_rng(1).normal(0, COMFORT_NOISE_RMS / FULL_SCALE, 64 * 256).astype(np.float32)


def load_silero() -> SileroModel:
    """Read the model; the first window is judged now, because that allocates, and no caller should wait for it."""
    with (resources.files("telebridge.turns") / SILERO_WEIGHTS).open("rb") as file, np.load(file) as weights:
        model = SileroModel(weights)
    model.layers[0].likelihoods(SileroState())
    return model


class SileroDetector(WindowDetector):
    """One call's memory of the model."""

    window_bytes = WINDOW_SAMPLES
    window_ms = WINDOW_SAMPLES / SAMPLE_RATE * 1000
    sure_by = 0.15
    onset_windows = 2
    onset_of = 2
    sure = 0.9
    sure_for = 3

    def __init__(self, model: SileroModel) -> None:
        super().__init__()
        self._model = model
        self._context: Floats = np.zeros(CONTEXT_SAMPLES, np.float32)
        self._state = SileroState()
        self._noise_at = 0

    @override
    def reset(self) -> None:
        super().reset()
        self._noise_at = 0
        self._context.fill(0.0)
        self._state.reset()

    @override
    def _judged(self, windows: bytes) -> list[float]:
        found: list[float] = []
        for start in range(0, len(windows), TOGETHER * WINDOW_SAMPLES):
            end = min(start + TOGETHER * WINDOW_SAMPLES, len(windows))
            layers = self._model.layers[(end - start) // WINDOW_SAMPLES - 1]
            for at, heard in zip(range(start, end, WINDOW_SAMPLES), layers.heard, strict=True):
                heard[:CONTEXT_SAMPLES] = self._context
                samples = heard[CONTEXT_SAMPLES:]
                window = np.frombuffer(windows, np.uint8, WINDOW_SAMPLES, at)
                _LINEAR.take(window, out=samples, mode="clip")  # other modes copy the result
                samples += _COMFORT_NOISE[self._noise_at : self._noise_at + WINDOW_SAMPLES]
                self._noise_at = (self._noise_at + WINDOW_SAMPLES) % len(_COMFORT_NOISE)
                self._context[:] = samples[-CONTEXT_SAMPLES:]
            found += layers.likelihoods(self._state)
        return found

    @override
    def _pass_over(self, window: bytes) -> None:
        self._context[:] = _LINEAR.take(np.frombuffer(window[-CONTEXT_SAMPLES:], np.uint8))


DetectorName = Literal["silero", "webrtc", "level"]

STRICTEST = 3


class WebrtcDetector(WindowDetector):
    """WebRTC's detector in its strictest mode. It treats knocks and key tones as speech.

    Raises:
        ConfigurationError: Its package is not installed.
    """

    window_bytes = FRAME_BYTES
    window_ms = float(FRAME_MS)
    sure_by = None
    onset_windows = 5
    onset_of = 6

    def __init__(self) -> None:
        super().__init__()
        try:
            webrtcvad: Any = importlib.import_module("webrtcvad")
        except ImportError as error:
            raise ConfigurationError(
                "barge_in.detector", "'webrtc' needs the package webrtcvad-wheels", "install telebridge[webrtc]"
            ) from error
        self._make = webrtcvad.Vad
        self._detector = self._make(STRICTEST)

    @override
    def reset(self) -> None:
        super().reset()
        self._detector = self._make(STRICTEST)

    @override
    def _judged(self, windows: bytes) -> list[float]:
        judge, starts = self._detector.is_speech, range(0, len(windows), FRAME_BYTES)
        return [float(judge(to_pcm(windows[at : at + FRAME_BYTES]), SAMPLE_RATE)) for at in starts]


def detector_maker(name: DetectorName) -> Callable[[], SpeechDetector]:
    """What makes a detector for each call; what they share is loaded now.

    Raises:
        ConfigurationError: What it needs is not installed.
    """
    match name:
        case "silero":
            model = load_silero()
            return lambda: SileroDetector(model)
        case "webrtc":
            WebrtcDetector()
            return WebrtcDetector
        case "level":
            return LevelDetector
