"""Conversion of a Keras model to its light form.

It is written into the run folder and checked to answer the same.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import logs
from nnguide.errors import WorkError
from nnguide.files import atomic, temporary_files_in, write_json
from nnguide.inference.light import FILES, NETWORK, SCHEMA, SETTINGS, LightModel
from nnguide.inference.litert import packed

TOLERANCE = 1e-4  # between the probabilities of the two forms
CHECKED = 256  # inputs that they are compared on, at most


def write(model: Any, folder: Path, inputs: np.ndarray) -> None:
    """Write the light form of `model`, and check it.

    It stays only if it answers as the model does.

    Args:
        model: raw inputs to probabilities, from nnguide.training.network.assemble.
        folder: the run folder.
        inputs: raw inputs to compare the answers on, such as the validation set's.
    Raises:
        WorkError: LiteRT cannot hold the network, or the two forms disagree.
        ExtraError: this platform has no runtime to check the light form with.
    """
    from nnguide.models.saving import preprocessor

    try:
        with atomic(folder / NETWORK) as beside:
            beside.write_bytes(packed(convert(model.get_layer("core"), folder)))
        settings = {"schema": SCHEMA, "preprocessing": describe(preprocessor(model))}
        write_json(folder / SETTINGS, settings, indent=0)  # a vocabulary is long
        compare(LightModel(folder), model, inputs)
    except BaseException:
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
        raise


def convert(core: Any, beside: Path) -> bytes:
    """Convert the network `core` to a .tflite file's content.

    Sizes that are open stay open.

    Args:
        beside: a folder to work in: the one for temporary files may be full.
    Raises:
        WorkError: an operation of `core` is not one of LiteRT's own.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import ConverterError

    with (
        logs.stderr_diverted(),
        temporary_files_in(beside),
        tempfile.TemporaryDirectory() as folder,
    ):
        try:
            core.export(folder, format="tf_saved_model", verbose=False)
            return bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
        except ConverterError as error:
            lines = re.findall(r"^(?:TF Select|Custom) ops: .*", str(error), re.MULTILINE)
            reason = "; ".join(lines) or str(error).strip().splitlines()[0]
    raise WorkError(f"the network cannot be converted to LiteRT ({reason})")


def describe(layer: Any) -> dict[str, Any]:
    """Return the settings of a preprocessing layer as JSON values.

    nnguide.inference.preprocessing does with them as `layer` does.
    """
    if layer.name == "pixels":
        return {"kind": "pixels", "mean": layer.mean, "std": layer.std}
    if layer.name == "columns":
        return {"kind": "columns", "mean": layer.mean, "std": layer.std}
    return {"kind": "tokens", "tokeniser": layer.tokeniser.to_dict()}


def compare(light: LightModel, model: Any, inputs: np.ndarray) -> None:
    """Raise a WorkError if light form and Keras model differ.

    They are compared on some of `inputs`.
    """
    from nnguide.models.saving import outputs

    chosen = np.asarray(inputs[:: max(len(inputs) // CHECKED, 1)][:CHECKED])
    apart = np.abs(light.outputs(chosen) - outputs(model, chosen)).max(initial=0.0)
    if not apart <= TOLERANCE:  # NaN too
        raise WorkError(
            f"the light form and the Keras model are up to {apart:.3g} apart in their "
            f"probabilities; at most {TOLERANCE:g} is expected"
        )
