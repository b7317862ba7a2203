"""The warm-up requests of TensorFlow Serving, and its settings.

It sends them to itself before it answers others.

The form is TensorFlow Serving's: `assets.extra/tf_serving_warmup_requests`, a TFRecord file of
PredictionLog messages, one for each signature, answered when the model is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

PATH = Path("assets.extra") / "tf_serving_warmup_requests"
TEXTS = (b"WIN a free prize, call now", b"See you at six")


def write(folder: Path, logs: Iterable[Any]) -> None:
    """Write warm-up requests below `folder`.

    There is a PredictionLog for each signature.
    """
    (folder / PATH).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / PATH)) as file:
        for log in logs:
            file.write(log.SerializeToString(deterministic=True))


def of_rows(task: str, features: int) -> list[Any]:
    """Return the requests of a task with rows of numbers.

    A row has `features` numbers.
    """
    row = np.zeros(features, np.float32)
    rows = predict(task, "serving_default", "features", row[None])
    return [rows, classify(task, [example("features", float_list=row)])]


def of_texts(task: str) -> list[Any]:
    """Return the requests of a task that takes texts."""
    examples = [example("text", bytes_list=[text]) for text in TEXTS]
    texts = predict(task, "serving_default", "text", tf.constant(TEXTS))
    return [texts, classify(task, examples)]


def of_pictures(task: str) -> list[Any]:
    """Return the requests of a task that takes pictures."""
    levels = one()
    file = bytes(tf.io.encode_png(levels[..., None].astype(np.uint8)).numpy())
    return [
        predict(task, "serving_default", "image", levels[None]),
        predict(task, "serve_bytes", "image_bytes", tf.constant([file])),
        classify(task, [example("image", float_list=levels.reshape(-1))]),
    ]


def one() -> np.ndarray:
    """Draw a digit 1 as (28, 28) float32 levels 0-255."""
    levels = np.zeros((28, 28), np.float32)
    levels[4:24, 13:16] = 255
    return levels


def example(feature: str, **values: Any) -> tf.train.Example:
    """Return a tf.Example of one feature.

    `values` is float_list=… or bytes_list=….
    """
    lists = {"float_list": tf.train.FloatList, "bytes_list": tf.train.BytesList}
    ((kind, value),) = values.items()
    one_feature = tf.train.Feature(**{kind: lists[kind](value=value)})
    return tf.train.Example(features=tf.train.Features(feature={feature: one_feature}))


def predict(task: str, signature: str, name: str, values: Any) -> Any:
    """Return the log of a prediction whose input `name` is `values`."""
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = task
    request.model_spec.signature_name = signature
    request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )


def classify(task: str, examples: list[tf.train.Example]) -> Any:
    """Return the log of a classification of `examples`."""
    from tensorflow_serving.apis import classification_pb2, prediction_log_pb2

    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = task
    request.model_spec.signature_name = "classify"
    request.input.example_list.examples.extend(examples)
    return prediction_log_pb2.PredictionLog(
        classify_log=prediction_log_pb2.ClassifyLog(request=request)
    )
