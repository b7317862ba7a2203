"""Heads of networks: softmax over labels, or one sigmoid node.

This is the one place that knows how a network ends. A head gives the last layers, the loss, the
metrics, the form of the labels, and the decision, so no verb asks which task it serves.
"""

from __future__ import annotations

from typing import Any, Protocol

import keras
import numpy as np
from keras import layers

from nnguide.config import ModelConfig
from nnguide.models.blocks import Penalty


@keras.saving.register_keras_serializable(package="nnguide")
class Calibration(layers.Layer):
    """Layer that calibrates scores: scale * z + shift.

    It is the identity until it is fitted. `scale` is one over a temperature (Guo et al., On
    Calibration of Modern Neural Networks, 2017); with `shift` it is Platt's scaling. Neither is
    trained with the network: both are fitted afterwards on predictions for examples that the
    network did not learn from.

    Input and output: (batch, nodes); float32 out.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.scale = self.add_weight(shape=(), initializer="ones", trainable=False, name="scale")
        self.shift = self.add_weight(shape=(), initializer="zeros", trainable=False, name="shift")
        self.built = True

    def call(self, logits: Any) -> Any:
        return self.scale * logits + self.shift

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


class Head(Protocol):
    """Last layers of a network, with loss, metrics and decision."""

    nodes: int

    def __call__(self, x: Any, config: ModelConfig) -> Any:
        """Map (batch, features) to (batch, nodes) float32 probabilities."""

    def loss(self, label_smoothing: float = 0.0) -> keras.losses.Loss:
        """Return the loss that fits this head."""

    def metrics(self) -> list[keras.metrics.Metric]:
        """Return the metrics of training, `accuracy` among them."""

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """Return int labels (n,) as float32 targets (n, nodes).

        The loss takes them.
        """

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability of every label, (n, labels).

        The outputs are (n, nodes).
        """


class AccuracyOfLabelled(keras.metrics.CategoricalAccuracy):
    """Accuracy over the examples that have a label.

    A target without a most probable label does not count.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        labelled = keras.ops.cast(keras.ops.max(y_true, axis=-1) > 0.5, "float32")
        return super().update_state(y_true, y_pred, labelled)


class Softmax:
    """Head of k softmax nodes, with categorical cross-entropy.

    The probabilities sum to 1.
    """

    def __init__(self, nodes: int) -> None:
        self.nodes = nodes

    def __call__(self, x: Any, config: ModelConfig) -> Any:
        return _outputs(
            x, self.nodes, layers.Softmax(dtype="float32", name="probabilities"), config
        )

    def loss(self, label_smoothing: float = 0.0) -> keras.losses.Loss:
        return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)

    def metrics(self) -> list[keras.metrics.Metric]:
        return [AccuracyOfLabelled(name="accuracy")]

    def targets(self, labels: np.ndarray) -> np.ndarray:
        return np.eye(self.nodes, dtype=np.float32)[labels]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return outputs


class Sigmoid:
    """Head of ONE sigmoid node, with binary cross-entropy.

    Its output is the probability of the second of two labels.
    """

    nodes = 1

    def __call__(self, x: Any, config: ModelConfig) -> Any:
        sigmoid = layers.Activation("sigmoid", dtype="float32", name="probability")
        return _outputs(x, 1, sigmoid, config)

    def loss(self, label_smoothing: float = 0.0) -> keras.losses.Loss:
        return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)

    def metrics(self) -> list[keras.metrics.Metric]:
        return [keras.metrics.BinaryAccuracy(name="accuracy")]

    def targets(self, labels: np.ndarray) -> np.ndarray:
        return labels.astype(np.float32)[:, None]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return np.concatenate([1 - outputs, outputs], axis=1)


def _outputs(x: Any, nodes: int, squash: layers.Layer, config: ModelConfig) -> Any:
    """Apply logits, calibration and activation, in float32.

    They are float32 even under mixed_float16.
    """
    x = layers.Dense(
        nodes,
        dtype="float32",  # the range of a softmax or a sigmoid needs it
        kernel_regularizer=Penalty(config.l1, config.l2),
        name="logits",
    )(x)
    return squash(Calibration(name="calibration")(x))
