"""Moonshine's smallest English model ("tiny-en"), run by onnxruntime on one core.

The files of the model stand in the wheel of moonshine-voice, whose code is not imported: it imports what asks servers,
and gives no likelihoods.

One rule: nothing here reaches the network, and a model that is missing is told before it is needed.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from telebridge.errors import ConfigurationError
from telebridge.recognition.local.decoding import EncodedUtterance, ModelFloats, SpeechModel
from telebridge.recognition.local.tokens import TokenTable

ENCODER, DECODER, TOKENS = "encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"
PACKAGES = ("moonshine_voice", "onnxruntime", "soxr")
INSTALL = "pip install 'telebridge[words]'"
PAST, PRESENT = "past_key_values", "present"
LOGITS = "logits"
ENCODER_MASK = "encoder_attention_mask"


def find_model() -> Path:
    """The folder of the model.

    Raises:
        ConfigurationError: It is not installed, or a package that runs it.
    """
    found = {name: find_spec(name) for name in PACKAGES}
    missing = [name.replace("_", "-") for name, spec in found.items() if spec is None]
    if missing:
        problem = f"is local, for which {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        raise ConfigurationError("recognition.provider", problem, INSTALL)
    package = found["moonshine_voice"]
    folder = Path((package.origin if package is not None else None) or "").parent / "assets" / "tiny-en"
    if not all((folder / name).is_file() for name in (ENCODER, DECODER, TOKENS)):
        problem = "is local, and the installed moonshine-voice brings no model"
        raise ConfigurationError("recognition.provider", problem, INSTALL)
    return folder


def load_tokens(folder: Path) -> TokenTable:
    """The tokens of the model."""
    return TokenTable.read((folder / TOKENS).read_bytes())


class MoonshineModel(SpeechModel):
    """The model.

    Args:
        folder: Where its files are.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # an extra, and slow to import

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._encoder = onnxruntime.InferenceSession(str(folder / ENCODER), options)
        self._decoder = onnxruntime.InferenceSession(str(folder / DECODER), options)
        self._masked = ENCODER_MASK in {each.name for each in self._decoder.get_inputs()}
        self.past = {
            each.name: (int(each.shape[1]), int(each.shape[3]))
            for each in self._decoder.get_inputs()
            if each.name.startswith(PAST)
        }
        self._names = [each.name for each in self._decoder.get_outputs()]

    @override
    def encode(self, samples: ModelFloats) -> EncodedUtterance:
        audio = np.ascontiguousarray(samples, np.float32)[None]
        feeds = {"input_values": audio, "attention_mask": np.ones(audio.shape, np.int64)}
        (hidden,) = self._encoder.run(None, feeds)
        return _MoonshineUtterance(self, hidden, len(samples))

    def decode(
        self,
        rows: NDArray[np.int64],
        hidden: ModelFloats,
        samples: int,
        past: dict[str, ModelFloats],
        *,
        logits_only: bool,
    ) -> dict[str, ModelFloats]:
        """Run the decoder over rows of tokens; `past` is what it answered before, empty at the beginning."""
        count = len(rows)
        feeds: dict[str, Any] = {
            "input_ids": rows,
            "encoder_hidden_states": np.repeat(hidden, count, axis=0),
            "use_cache_branch": np.array([bool(past)]),
            **(
                past
                or {name: np.zeros((count, heads, 0, size), np.float32) for name, (heads, size) in self.past.items()}
            ),
        }
        if self._masked:
            feeds[ENCODER_MASK] = np.ones((count, samples), np.int64)
        names = [LOGITS] if logits_only else self._names
        return dict(zip(names, self._decoder.run(names, feeds), strict=True))


class _MoonshineUtterance(EncodedUtterance):
    """See `EncodedUtterance`."""

    def __init__(self, model: MoonshineModel, hidden: ModelFloats, samples: int) -> None:
        self._model = model
        self._hidden = hidden
        self._samples = samples
        self._past: dict[str, ModelFloats] = {}

    @override
    def next_logits(self, token: int) -> ModelFloats:
        rows = np.array([[token]], np.int64)
        found = self._model.decode(rows, self._hidden, self._samples, self._past, logits_only=False)
        logits: ModelFloats = found.pop(LOGITS)[0, -1]
        present = {name.replace(PRESENT, PAST): each for name, each in found.items()}
        # What was computed of the sound comes with the first token; after that the model answers it empty.
        sound = {name: each for name, each in self._past.items() if ".encoder." in name}
        self._past = {**present, **sound}
        return logits

    @override
    def all_logits(self, rows: Sequence[Sequence[int]]) -> ModelFloats:
        found = self._model.decode(np.array(rows, np.int64), self._hidden, self._samples, {}, logits_only=True)
        logits: ModelFloats = found[LOGITS]
        return logits
