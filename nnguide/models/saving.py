"""Saving, loading and prediction of Keras models.

Equal weights give equal files, byte for byte, and only known layers are loaded.
"""

from __future__ import annotations

import importlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import logs
from nnguide.errors import RunError
from nnguide.files import atomic, temporary_files_in
from nnguide.models import model_check

_WITH_LAYERS = (
    "models.convolutional",
    "models.heads",
    "models.text",
    "preprocessing.images",
    "preprocessing.text",
)
PREPROCESSORS = ("pixels", "tokens", "columns")  # the names of the layers before the core
BATCH = 512  # examples at a time
CHUNK = 65_536  # texts of records that are in memory together
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold


def save(model: Any, target: Path) -> None:
    """Write `model` as a .keras file, atomically.

    Keras stamps the file with the time in two places and with addresses in memory in others.
    All are made constant, so that equal models give equal files and a hash says whether
    anything changed. The content is deflated, which Keras does not do.

    Raises:
        ValueError: the model is compiled: Keras would save its optimiser, whatever it is told.
    """
    if model.compiled:
        raise ValueError(
            "expected an uncompiled model: saving a compiled one saves its optimizer too"
        )
    with atomic(target) as beside:
        with temporary_files_in(target.parent):
            model.save(beside)
        with zipfile.ZipFile(beside) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist()]
        with zipfile.ZipFile(beside, "w") as archive:
            for info, content in members:
                if info.filename == "metadata.json":
                    metadata = {**json.loads(content), "date_saved": ""}
                    content = json.dumps(metadata).encode()
                if info.filename == "config.json":
                    content = _renumbered(content)
                member = zipfile.ZipInfo(info.filename, _EPOCH)
                archive.writestr(member, content, compress_type=zipfile.ZIP_DEFLATED)


def _renumbered(config: bytes) -> bytes:
    """Return Keras's description with renumbered shared objects.

    They are counted 1, 2, … as they appear.
    """
    numbers: dict[bytes, int] = {}

    def number(match: re.Match[bytes]) -> bytes:
        return match[1] + b"%d" % numbers.setdefault(match[2], len(numbers) + 1)

    return re.sub(rb'("shared_object_id": )(\d+)', number, config)


def register_layers() -> None:
    """Register every layer of nnguide's models in Keras."""
    for module in _WITH_LAYERS:
        importlib.import_module(f"nnguide.{module}")


def load(path: Path, *, run: bool = True) -> Any:
    """Load the model in a .keras file, after `model_check`.

    A file cannot bring code.

    Args:
        run: whether it is a run's own, which is loaded uncompiled and has layers that nnguide
            builds with; else it may have Keras's, and is compiled as it was saved.
    Raises:
        RunError: the file is damaged, or holds what is not allowed.
    """
    model_check.check(path, run=run)
    logs.tensorflow()
    import keras

    register_layers()
    try:
        with logs.stderr_diverted(), model_check.bounded(path):
            model = keras.models.load_model(path, compile=not run, safe_mode=True)
    except RunError:
        raise
    except Exception as error:  # Keras raises whatever its parts raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise RunError(f"{path} cannot be loaded as a Keras model: {reason[:300]}") from error
    model_check.check_outputs(path, model)
    return model


def outputs(model: Any, inputs: np.ndarray) -> np.ndarray:
    """Return a Keras model's probabilities, (n, nodes) float32.

    The inputs are raw.

    Args:
        model: takes raw inputs, as saved in a run.
        inputs: (n, 28, 28) grey levels 0-255, or (n,) object texts, also Records of them.
    """
    import tensorflow as tf

    if not len(inputs):
        return np.zeros((0, model.output_shape[-1]), np.float32)
    if not isinstance(inputs, np.ndarray) and hasattr(inputs, "chunks"):  # read from a disk
        return np.concatenate([outputs(model, texts) for texts in inputs.chunks(CHUNK)])
    if inputs.dtype == object:
        encoded = [text.encode("utf-8", "replace") for text in inputs]
        batches = tf.data.Dataset.from_tensor_slices(tf.constant(encoded)).batch(BATCH)
    else:
        batches = tf.data.Dataset.from_tensor_slices(inputs).batch(BATCH)
        batches = batches.map(lambda x: tf.cast(x, tf.float32))
    return np.asarray(model.predict(batches, verbose=0), np.float32)


def preprocessor(model: Any) -> Any:
    """Return the preprocessing layer of a model from `assemble`.

    It is between the raw input and the core.
    """
    (layer,) = (layer for layer in model.layers if layer.name in PREPROCESSORS)
    return layer
