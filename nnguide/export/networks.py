"""The network of a run alone, exported to ONNX and LiteRT.

It goes from prepared inputs to probabilities.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import logs
from nnguide.errors import ExtraError, WorkError
from nnguide.export import numpy_package
from nnguide.models import light_form
from nnguide.runs import Run

OPSET = 17
ONNX = "model.onnx"
LITERT = "model.tflite"
INT8 = "model.int8.tflite"
CALIBRATED_BY = 500  # pictures that the ranges of a full-integer network are taken from


def onnx(run: Run, folder: Path) -> dict[str, Any]:
    """Write model.onnx and the files beside it into `folder`.

    Returns:
        What the manifest says of it.
    Raises:
        ExtraError: tf2onnx or onnxruntime is not installed.
        WorkError: the network cannot be converted.
    """
    require_onnx()
    import tensorflow as tf
    import tf2onnx

    core = run.model.get_layer("core")
    tensor, answer = core.inputs[0], output_name(run)
    spec = tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name)
    function = tf.function(lambda x: {answer: core(x, training=False)}, input_signature=[spec])
    with logs.stderr_diverted():
        try:
            model, _ = tf2onnx.convert.from_function(function, [spec], opset=OPSET)
        except Exception as error:  # tf2onnx raises whatever its parts raise
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise WorkError(f"the network cannot be converted to ONNX ({reason})") from error
    (folder / ONNX).write_bytes(model.SerializeToString(deterministic=True))
    network = {
        "file": ONNX,
        "input": model.graph.input[0].name,
        "output": model.graph.output[0].name,
    }
    numpy_package.write(run, folder, network)
    return {"network": network, "opset": OPSET}


def require_onnx() -> None:
    """Raise ExtraError if the packages for ONNX are not installed.

    ONNX Runtime reports its use unless told not to: here, and in the processes started later.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    for package in ("tf2onnx", "onnxruntime"):
        try:
            __import__(package)
        except ImportError as error:
            raise ExtraError.missing(package, "onnx") from error


def output_name(run: Run) -> str:
    """Return the name of the output with the probabilities."""
    return "probabilities" if run.threshold is None else "probability"


def litert(run: Run, folder: Path, calibration: np.ndarray | None) -> dict[str, Any]:
    """Write the two .tflite files and the files beside them into `folder`.

    They are model.tflite and model.int8.tflite.

    Args:
        calibration: (n, 28, 28) pictures that give the ranges of the integer network; for texts
            None: only the weights become integers, and ranges are taken as the inputs come.
    Returns:
        What the manifest says of it.
    Raises:
        WorkError: an operation of the network is not one of LiteRT's own.
    """
    core = run.model.get_layer("core")
    (folder / LITERT).write_bytes(light_form.convert(core, folder))
    samples = None
    if calibration is not None:
        from nnguide.models.saving import preprocessor

        prepared = np.asarray(preprocessor(run.model)(calibration[:CALIBRATED_BY]))
        samples = lambda: ([row[None]] for row in prepared)  # noqa: E731
    (folder / INT8).write_bytes(integers(core, samples))
    network = {
        "file": LITERT,
        "int8": INT8,
        "input": core.inputs[0].name,
        "output": output_name(run),
    }
    numpy_package.write(run, folder, network)
    kind = "dynamic-range" if calibration is None else "full-integer"
    return {"network": network, "int8": {"kind": kind}}


def integers(core: Any, samples: Callable[[], Iterator[list[np.ndarray]]] | None) -> bytes:
    """Return the content of a .tflite file in 8-bit integers.

    The network is `core`; its inputs and outputs are floats.

    Args:
        samples: gives prepared inputs, one at a time; None quantises the weights alone.
    Raises:
        WorkError: an operation of `core` is not one of LiteRT's own.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import ConverterError

    with logs.stderr_diverted(), tempfile.TemporaryDirectory() as folder:
        core.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        try:
            return bytes(converter.convert())
        except ConverterError as error:
            lines = re.findall(r"^(?:TF Select|Custom) ops: .*", str(error), re.MULTILINE)
            reason = "; ".join(lines) or str(error).strip().splitlines()[0]
    raise WorkError(f"the network cannot be converted to LiteRT ({reason})")
