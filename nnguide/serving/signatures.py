"""The inputs and outputs of a model: TensorFlow Serving's signatures.

TensorFlow is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT = "serving_default"  # the signature of a request that names none
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"
STRING = "string"

# TensorFlow's names of what NumPy calls otherwise; the others are DT_ and NumPy's name.
_TYPES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}


@dataclass(frozen=True)
class Tensor:
    """An input or an output.

    Attributes:
        dtype: NumPy's name of it, or "string".
        shape: its sizes, None for one that is open; None for a shape of any rank.
        name: in the graph.
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    name: str

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether an array of `shape` can be this tensor."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            mine in (None, theirs) for mine, theirs in zip(self.shape, shape, strict=True)
        )

    @property
    def has_open_batch(self) -> bool:
        """Whether its first dimension may have any length."""
        return self.shape is not None and self.shape[:1] == (None,)


@dataclass(frozen=True)
class Signature:
    """One method of a model with named inputs and outputs.

    It also has TensorFlow's name of the method.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    method: str = PREDICT

    @property
    def batched(self) -> bool:
        """Whether rows of several requests may be in one batch."""
        tensors = [*self.inputs.values(), *self.outputs.values()]
        return all(tensor.has_open_batch for tensor in tensors)


def metadata(name: str, version: int, signatures: Mapping[str, Signature]) -> dict[str, Any]:
    """Return the answer to GET …/metadata.

    It has the JSON form of TensorFlow Serving's protos.
    """
    described = {
        key: {
            "inputs": {name: _described(tensor) for name, tensor in signature.inputs.items()},
            "outputs": {name: _described(tensor) for name, tensor in signature.outputs.items()},
            "method_name": signature.method,
        }
        for key, signature in signatures.items()
    }
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": described}},
    }


def _described(tensor: Tensor) -> dict[str, Any]:
    sizes = [] if tensor.shape is None else tensor.shape
    return {
        "dtype": f"DT_{_TYPES.get(tensor.dtype, tensor.dtype.upper())}",
        "tensor_shape": {
            "dim": [{"size": str(-1 if size is None else size), "name": ""} for size in sizes],
            "unknown_rank": tensor.shape is None,
        },
        "name": tensor.name,
    }
