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
    """

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._weights = _Weights(weights)
        self._layers: dict[int, _Layers] = {}

    def input_of(self, count: int) -> Floats:
        """The array for that many windows in sequence, at most `TOGETHER`: a row each, of the context and the window.

        Write into it, and call `likelihoods`.
        """
        return self._layers_of(count).heard

    def likelihoods(self, count: int, state: SileroState) -> list[float]:
        """Return how likely each of the windows in `input_of(count)` is speech, from 0 to 1.

        Args:
            count: How many windows.
            state: What is remembered of those before; it is changed.
        """
        return self._layers_of(count).likelihoods(state)

    def _layers_of(self, count: int) -> "_Layers":
        layers = self._layers.get(count)
        if layers is None:
            layers = self._layers[count] = _Layers(self._weights, count)
        return layers


class _Weights:
    """The weights, as the products want them."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self.transform = _columns(weights["stft.forward_basis_buffer"][:, 0, :])
        kernels = [weights[f"encoder.{layer}.reparam_conv.weight"].transpose(0, 2, 1) for layer in range(4)]
        # The third convolution never sees what is before its first row, the fourth has one row to see.
        kernels[2], kernels[3] = kernels[2][:, 1:], kernels[3][:, 1:2]
        self.convolutions = [_columns(kernel.reshape(len(kernel), -1)) for kernel in kernels]
        self.convolution_biases = [weights[f"encoder.{layer}.reparam_conv.bias"] for layer in range(4)]
        recurrent = np.concatenate([weights["decoder.rnn.weight_ih"], weights["decoder.rnn.weight_hh"]], axis=1)
        bias = weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]
        # Three of the four gates are sigmoids: 1 / (1 + e^-x) is (1 + tanh(x / 2)) / 2, so that one tanh does for all.
        half = np.full(4 * HIDDEN, 0.5, np.float32)
        half[2 * HIDDEN : 3 * HIDDEN] = 1.0
        self.recurrent, self.recurrent_bias = _columns(recurrent * half[:, None]), bias * half
        self.sum = np.ascontiguousarray(weights["decoder.decoder.2.weight"][0, :, 0])
        self.sum_bias = float(weights["decoder.decoder.2.bias"][0])


class _Layers:
    """The arrays for some windows in sequence: nothing is allocated when they are judged."""

    def __init__(self, weights: _Weights, count: int) -> None:
        self._weights = weights
        self._samples = _zeros(count, _INPUT_SAMPLES + MIRRORED_SAMPLES, 1)
        self.heard = self._samples[:, :_INPUT_SAMPLES, 0]
        self._mirrored = self._samples[:, _INPUT_SAMPLES:, 0]
        self._mirror = self._samples[:, _INPUT_SAMPLES - 2 : _INPUT_SAMPLES - 2 - MIRRORED_SAMPLES : -1, 0]
        self._pieces = _Rows(self._samples, TRANSFORM_SAMPLES, TRANSFORM_STEP)
        self._spectrum = _zeros(count * TRANSFORMS, 2 * BINS)
        parts = self._spectrum.reshape(count, TRANSFORMS, 2 * BINS)
        self._real, self._imaginary = parts[..., :BINS], parts[..., BINS:]
        # A row of zeros before and after what is convolved, where the convolution reaches beyond it.
        magnitudes = _zeros(count, 1 + TRANSFORMS + 1, BINS)
        self._magnitudes = magnitudes[:, 1:-1]
        self._first_rows = _Rows(magnitudes, KERNEL, 1)
        self._first = _zeros(count * TRANSFORMS, HIDDEN)
        first = _zeros(count, 1 + TRANSFORMS, HIDDEN)
        self._first_padded, self._first_parts = first[:, 1:], self._first.reshape(count, TRANSFORMS, HIDDEN)
        self._second_rows = _Rows(first, KERNEL, 2)
        self._second = _zeros(count * 2, HIDDEN // 2)
        self._second_pairs = self._second.reshape(count, HIDDEN)
        self._third = _zeros(count, HIDDEN // 2)
        self._fourth = _zeros(count, HIDDEN)
        self._seen = _zeros(2 * HIDDEN)  # by the recurrent layer: the window, and what it remembers
        self._gates = _zeros(4 * HIDDEN)
        self._output = _zeros(HIDDEN)

    def likelihoods(self, state: SileroState) -> list[float]:
        """How likely each of the windows in `heard` is speech, from 0 to 1."""
        weights = self._weights
        (first, second, third, fourth), biases = weights.convolutions, weights.convolution_biases
        self._mirrored[...] = self._mirror
        np.dot(self._pieces.gathered(), weights.transform, out=self._spectrum)
        np.multiply(self._spectrum, self._spectrum, out=self._spectrum)
        np.add(self._real, self._imaginary, out=self._magnitudes)
        np.sqrt(self._magnitudes, out=self._magnitudes)
        _convolve(self._first_rows.gathered(), first, biases[0], self._first)
        self._first_padded[...] = self._first_parts
        _convolve(self._second_rows.gathered(), second, biases[1], self._second)
        _convolve(self._second_pairs, third, biases[2], self._third)
        _convolve(self._third, fourth, biases[3], self._fourth)
        return [self._remember(window, state) for window in self._fourth]

    def _remember(self, window: Floats, state: SileroState) -> float:
        """The recurrent layer: change the state by a window, and return how likely that is speech."""
        weights, gates, output, cell = self._weights, self._gates, self._output, state.cell
        self._seen[:HIDDEN] = window
        self._seen[HIDDEN:] = state.hidden
        np.dot(self._seen, weights.recurrent, out=gates)
        np.add(gates, weights.recurrent_bias, out=gates)
        np.tanh(gates, out=gates)
        let_in, keep, new, let_out = gates.reshape(4, HIDDEN)
        np.add(keep, 1.0, out=keep)
        np.multiply(cell, keep, out=cell)
        np.add(let_in, 1.0, out=let_in)
        np.multiply(let_in, new, out=new)
        np.add(cell, new, out=cell)
        np.multiply(cell, 0.5, out=cell)
        np.tanh(cell, out=output)
        np.add(let_out, 1.0, out=let_out)
        np.multiply(let_out, 0.5, out=let_out)
        np.multiply(output, let_out, out=state.hidden)
        np.maximum(state.hidden, 0.0, out=output)
        return 1.0 / (1.0 + math.exp(-(float(np.dot(output, weights.sum)) + weights.sum_bias)))


class _Rows:
    """Overlapping pieces of arrays, one below the other, as a product of matrices wants them.

    Args:
        source: Some arrays of rows.
        size: How many rows are a piece.
        step: How many rows later the next piece begins.
    """

    def __init__(self, source: Floats, size: int, step: int) -> None:
        arrays, rows, width = source.shape
        array, row, item = source.strides
        shape = (arrays, (rows - size) // step + 1, size * width)
        self._pieces = as_strided(source, shape, (array, row * step, item), writeable=False)
        self._copy = np.zeros(shape, np.float32)
        self._flat = self._copy.reshape(-1, size * width)

    def gathered(self) -> Floats:
        """The pieces, from what the arrays hold now."""
        np.copyto(self._copy, self._pieces)
        return self._flat


def _convolve(rows: Floats, kernel: Floats, bias: Floats, out: Floats) -> None:
    np.dot(rows, kernel, out=out)
    np.add(out, bias, out=out)
    np.maximum(out, 0.0, out=out)


def _columns(rows: Floats) -> Floats:
    return np.ascontiguousarray(rows.T, np.float32)


def _zeros(*shape: int) -> Floats:
    return np.zeros(shape, np.float32)
