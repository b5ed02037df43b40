"""Silero's model of speech at 8 kHz, version 5 (snakers4/silero-vad, MIT licence), computed by numpy.

Its layers are a short-time Fourier transform, four convolutions over time, a recurrent layer and a sum. They are a few
products of small matrices, which take less time than a library for models of every kind needs to find out what to do,
and the weights are half of those in the published file, whose other half is for 16 kHz. The likelihoods are those of
the published file to the seventh digit (tests/turns/test_silero.py).

Windows have 256 samples, each preceded by the last 32 samples of the window before: without them the model hears hardly
any speech.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WINDOW_SAMPLES = 256
CONTEXT_SAMPLES = 32
MIRRORED_SAMPLES = 32
"""So many samples at the end of a window are repeated behind it, mirrored at the last one."""
_INPUT_SAMPLES = CONTEXT_SAMPLES + WINDOW_SAMPLES
TRANSFORM_SAMPLES = 128
TRANSFORM_STEP = 64
TRANSFORMS = 4
BINS = 65
KERNEL = 3
HIDDEN = 128
TOGETHER = 8
"""So many windows at most are judged at once."""


class SileroState:
    """What the model remembers of the windows before, of one call."""

    __slots__ = ("cell", "hidden")

    def __init__(self) -> None:
        self.hidden: Floats = np.zeros(HIDDEN, np.float32)
        self.cell: Floats = np.zeros(HIDDEN, np.float32)

    def reset(self) -> None:
        """What comes next does not follow on what came before."""
        self.hidden.fill(0.0)
        self.cell.fill(0.0)


class SileroModel:
    """The model, shared by all calls of one event loop, on whose thread it runs.

    Args:
        weights: The arrays of the model by their names in the published file.

    Attributes:
        layers: What judges one window, two in sequence, and so on up to `TOGETHER`; the same for all calls.
    """

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        arranged = _Weights(weights)
        self.layers = tuple(SileroLayers(arranged, count) for count in range(1, TOGETHER + 1))


class _Weights:
    """The weights, as the products want them."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self.transform = _columns(weights["stft.forward_basis_buffer"][:, 0, :])
        kernels = [weights[f"encoder.{layer}.reparam_conv.weight"].transpose(0, 2, 1) for layer in range(4)]
        # The third convolution has two rows to see, and the fourth has one: the rest of what they reach is zeros.
        kernels[2], kernels[3] = kernels[2][:, 1:], kernels[3][:, 1:2]
        self.kernels = [_columns(kernel.reshape(len(kernel), -1)) for kernel in kernels]
        self.biases = [weights[f"encoder.{layer}.reparam_conv.bias"] for layer in range(4)]
        recurrent = np.concatenate([weights["decoder.rnn.weight_ih"], weights["decoder.rnn.weight_hh"]], axis=1)
        bias = weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]
        # Three of the four gates are sigmoids: 1 / (1 + e^-x) is (1 + tanh(x / 2)) / 2, so that one tanh does for all.
        half = np.full(4 * HIDDEN, 0.5, np.float32)
        half[2 * HIDDEN : 3 * HIDDEN] = 1.0
        self.recurrent, self.recurrent_bias = _columns(recurrent * half[:, None]), bias * half
        self.sum = np.ascontiguousarray(weights["decoder.decoder.2.weight"][0, :, 0])
        self.sum_bias = float(weights["decoder.decoder.2.bias"][0])


class SileroLayers:
    """Judges some windows in sequence. Nothing is allocated for it: the arrays are always the same.

    Attributes:
        heard: A row for each window, of its context and itself. Write into it, and call `likelihoods`.
    """

    def __init__(self, weights: _Weights, count: int) -> None:
        samples = _zeros(count, _INPUT_SAMPLES + MIRRORED_SAMPLES)
        last = _INPUT_SAMPLES - 1
        self.heard = samples[:, :_INPUT_SAMPLES]
        self._mirrored = samples[:, _INPUT_SAMPLES:]
        self._mirror = samples[:, last - 1 : last - 1 - MIRRORED_SAMPLES : -1]
        self._pieces = as_strided(
            samples,
            (count, TRANSFORMS, TRANSFORM_SAMPLES),
            (samples.strides[0], TRANSFORM_STEP * 4, 4),
            writeable=False,
        )
        self._cut = _zeros(*self._pieces.shape)
        self._cut_rows = self._cut.reshape(-1, TRANSFORM_SAMPLES)
        self._transform = weights.transform
        self._spectrum = _zeros(count * TRANSFORMS, 2 * BINS)
        parts = self._spectrum.reshape(count, TRANSFORMS, 2 * BINS)
        self._real, self._imaginary = parts[..., :BINS], parts[..., BINS:]
        magnitudes = _zeros(count, 1 + TRANSFORMS + 1, BINS)  # a row of zeros at either end
        self._magnitudes = magnitudes[:, 1:-1]

        first_in, first = _zeros(count, TRANSFORMS, KERNEL * BINS), _zeros(count, TRANSFORMS, HIDDEN)
        second_in, second = _zeros(count, 2, KERNEL * HIDDEN), _zeros(count, 2, HIDDEN // 2)
        third, fourth = _zeros(count, HIDDEN // 2), _zeros(count, HIDDEN)
        overlapping = as_strided(
            magnitudes, first_in.shape, (magnitudes.strides[0], magnitudes.strides[1], 4), writeable=False
        )
        # The second one goes two rows on each time, and begins one before the first, where there is nothing.
        two, three = first[:, :2].reshape(count, -1), first[:, 1:].reshape(count, -1)
        steps: tuple[tuple[list[tuple[Floats, Floats]], Floats, Floats], ...] = (
            ([(first_in, overlapping)], first_in, first),
            ([(second_in[:, 0, HIDDEN:], two), (second_in[:, 1], three)], second_in, second),
            ([], second.reshape(count, HIDDEN), third),
            ([], third, fourth),
        )
        self._convolutions = [
            (copies, rows.reshape(-1, rows.shape[-1]), kernel, bias, out.reshape(-1, out.shape[-1]))
            for (copies, rows, out), kernel, bias in zip(steps, weights.kernels, weights.biases, strict=True)
        ]
        self._windows = fourth
        self._recurrent, self._recurrent_bias = weights.recurrent, weights.recurrent_bias
        self._sum, self._sum_bias = weights.sum, weights.sum_bias
        self._seen = _zeros(2 * HIDDEN)  # by the recurrent layer: the window, and what is remembered
        self._gates = _zeros(4 * HIDDEN)
        self._output = _zeros(HIDDEN)

    def likelihoods(self, state: SileroState) -> list[float]:
        """Return how likely each window in `heard` is speech, from 0 to 1.

        All layers stand in one function: calls between them would take a tenth of the time.

        Args:
            state: What is remembered of the windows before; it is changed.
        """
        self._mirrored[...] = self._mirror
        np.copyto(self._cut, self._pieces)
        np.dot(self._cut_rows, self._transform, out=self._spectrum)
        np.multiply(self._spectrum, self._spectrum, out=self._spectrum)
        np.add(self._real, self._imaginary, out=self._magnitudes)
        np.sqrt(self._magnitudes, out=self._magnitudes)
        for copies, rows, kernel, bias, out in self._convolutions:
            for target, source in copies:
                np.copyto(target, source)
            np.dot(rows, kernel, out=out)
            np.add(out, bias, out=out)
            np.maximum(out, 0.0, out=out)
        found = []
        seen, gates, output, cell, hidden = self._seen, self._gates, self._output, state.cell, state.hidden
        let_in, keep, new, let_out = gates.reshape(4, HIDDEN)
        for window in self._windows:
            seen[:HIDDEN] = window
            seen[HIDDEN:] = hidden
            np.dot(seen, self._recurrent, out=gates)
            np.add(gates, self._recurrent_bias, out=gates)
            np.tanh(gates, out=gates)
            np.add(keep, 1.0, out=keep)
            np.multiply(cell, keep, out=cell)
            np.add(let_in, 1.0, out=let_in)
            np.multiply(let_in, new, out=new)
            np.add(cell, new, out=cell)
            np.multiply(cell, 0.5, out=cell)
            np.tanh(cell, out=output)
            np.add(let_out, 1.0, out=let_out)
            np.multiply(let_out, 0.5, out=let_out)
            np.multiply(output, let_out, out=hidden)
            np.maximum(hidden, 0.0, out=output)
            found.append(1.0 / (1.0 + math.exp(-(float(np.dot(output, self._sum)) + self._sum_bias))))
        return found


def _columns(rows: Floats) -> Floats:
    return np.ascontiguousarray(rows.T, np.float32)


def _zeros(*shape: int) -> Floats:
    return np.zeros(shape, np.float32)
