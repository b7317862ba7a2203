"""A SavedModel as a servable, run by TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import logs, tasks
from nnguide.errors import RunError
from nnguide.files import sha256
from nnguide.preprocessing import picture_limits, pictures
from nnguide.serving import graph_check
from nnguide.serving.bounds import RefusedError
from nnguide.serving.servable import Feature
from nnguide.serving.signatures import STRING, Signature, Tensor
from nnguide.serving.tensors import Arrays

MODEL = "saved_model.pb"
MANIFEST = "manifest.json"
# HTTP's status for what TensorFlow raises, as TensorFlow Serving chooses it; 500 for the others.
_STATUS = {
    "InvalidArgumentError": 400,
    "FailedPreconditionError": 400,
    "OutOfRangeError": 400,
    "NotFoundError": 404,
    "ResourceExhaustedError": 429,
    "UnimplementedError": 501,
    "UnavailableError": 503,
    "DeadlineExceededError": 504,
}


def verified(folder: Path) -> dict[str, Any]:
    """Read and check the manifest of an export.

    {} for a SavedModel that nnguide did not make.

    Raises:
        RunError: a file is missing or is not as the manifest says.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        files = dict(manifest.get("files", {}))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
    for name, wanted in files.items():
        file = folder / name
        if not file.is_file() or sha256(file) != wanted:
            raise RunError(f"{file} is missing or does not match its manifest. Export it again.")
    return dict(manifest)


class SavedModelServable:
    """A SavedModel in memory."""

    gains = True
    platform = "tensorflow_savedmodel"

    def __init__(self, folder: Path, trust: bool = False) -> None:
        """Load the SavedModel in `folder` and try it once.

        Args:
            trust: whether its graph may hold operations that touch files or run Python.
        Raises:
            RunError: none, damaged, not as its manifest says, or not to be trusted.
        """
        manifest = verified(folder)
        task = manifest.get("task")
        self.threshold: float | None = manifest.get("threshold")
        self.refuse_below: float | None = manifest.get("refuse_below")
        self.labels = tuple(manifest.get("labels") or ()) if manifest else None
        self._kind = tasks.get(task).kind if task in tasks.names() else None
        tf = self._tf = logs.tensorflow()
        try:
            with logs.stderr_diverted():
                self.signatures: Mapping[str, Signature] = _signatures(tf, folder, trust)
                loaded = tf.saved_model.load(str(folder))
        except RunError:
            raise
        except Exception as error:  # of a damaged file, one of a dozen kinds
            raise RunError(f"{folder} cannot be loaded as a SavedModel: {_first(error)}") from error
        self._loaded = loaded  # the functions below hold its variables weakly
        self._functions = {name: loaded.signatures[name] for name in self.signatures}
        self.origin = f"{folder}, TensorFlow"
        self._warm_up()

    def _warm_up(self) -> None:
        """Call each signature before the first request.

        It traces and allocates then. A signature may refuse the zeros that it receives.
        """
        for name, signature in self.signatures.items():
            try:
                self.run(name, {key: _blank(tensor) for key, tensor in signature.inputs.items()})
            except RefusedError as refusal:
                if refusal.status >= 500:
                    raise RunError(f"signature {name} does not work: {refusal}") from refusal

    def prepare(self, name: str, inputs: Arrays) -> Arrays:
        kind = self._kind
        if kind is not None and kind.tensor in inputs:
            inputs = {kind.tensor: kind.check(kind.received(inputs[kind.tensor]))}
        return {key: _as_bytes(array) for key, array in inputs.items()}

    def pictures(self, name: str, inputs: Arrays) -> list[bytes] | None:
        if self._kind is not None and self._kind.files in inputs:
            for content in inputs[self._kind.files]:
                _examine(content)  # the graph decodes them within these limits
        return None

    def examples(self, name: str, examples: list[dict[str, Feature]]) -> Arrays:
        serialized = [self._example(features) for features in examples]
        (key,) = self.signatures[name].inputs
        return {key: np.array(serialized, object)}

    def _example(self, features: dict[str, Feature]) -> bytes:
        train = self._tf.train
        made = {}
        for name, (kind, values) in features.items():
            if kind == "bytes":
                raw = [value.encode() if isinstance(value, str) else value for value in values]
                made[name] = train.Feature(bytes_list=train.BytesList(value=raw))
            elif kind == "float":
                made[name] = train.Feature(float_list=train.FloatList(value=values))
            elif kind == "int64":
                made[name] = train.Feature(int64_list=train.Int64List(value=values))
            else:
                made[name] = train.Feature()
        example = train.Example(features=train.Features(feature=made))
        return bytes(example.SerializeToString())

    def run(self, name: str, prepared: Arrays) -> Arrays:
        wanted = self.signatures[name].inputs
        tf = self._tf
        try:
            tensors = {
                key: tf.constant(array, dtype=wanted[key].dtype, shape=array.shape)
                for key, array in prepared.items()
            }
            return {key: value.numpy() for key, value in self._functions[name](**tensors).items()}
        except tf.errors.OpError as error:
            status = _STATUS.get(type(error).__name__, 500)
            raise RefusedError(status, _first(error)) from error


def _examine(content: str | bytes) -> None:
    """Raise an error if a picture file exceeds the graph's limits."""
    data = content.encode() if isinstance(content, str) else content
    picture_limits.check(pictures.opened(data, "the picture"), data)


def _signatures(tf: Any, folder: Path, trust: bool) -> dict[str, Signature]:
    """Return the signatures of the SavedModel in `folder`.

    They are read without loading it.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((folder / MODEL).read_bytes())
    if not trust:
        graph_check.check(folder, saved.meta_graphs)
    serving = [meta for meta in saved.meta_graphs if "serve" in meta.meta_info_def.tags]
    if not serving:
        raise ValueError("it has no graph with the tag serve")
    return {
        name: Signature(
            {key: _tensor(tf, info) for key, info in proto.inputs.items()},
            {key: _tensor(tf, info) for key, info in proto.outputs.items()},
            proto.method_name,
        )
        for name, proto in serving[0].signature_def.items()
        if not name.startswith("__") and proto.inputs
    }


def _tensor(tf: Any, info: Any) -> Tensor:
    shape = info.tensor_shape
    sizes = tuple(None if dim.size < 0 else int(dim.size) for dim in shape.dim)
    dtype = tf.dtypes.as_dtype(info.dtype)
    return Tensor(
        STRING if dtype == tf.string else dtype.name,
        None if shape.unknown_rank else sizes,
        info.name,
    )


def _blank(tensor: Tensor) -> np.ndarray:
    shape = tuple(1 if size is None else size for size in tensor.shape or ())
    return np.full(shape, b"", object) if tensor.dtype == STRING else np.zeros(shape, tensor.dtype)


def _as_bytes(array: np.ndarray) -> np.ndarray:
    """Return strings as the UTF-8 bytes that TensorFlow holds.

    Other arrays stay as they are.
    """
    if array.dtype.kind != "O":
        return array
    raw = [item.encode() if isinstance(item, str) else item for item in array.ravel()]
    return np.array(raw, object).reshape(array.shape)


def _first(error: Exception) -> str:
    """Return the line of a TensorFlow error that says what is wrong.

    The lines around it show graph and code.
    """
    around = ("Graph execution error", "Detected at node", "<stack traces", " ", "\t")
    text = str(getattr(error, "message", "") or error).strip()
    lines = [line for line in text.splitlines() if line and not line.startswith(around)]
    return (lines or [type(error).__name__])[0][:500]
