"""Standardisation of columns of numbers.

A network learns best from numbers about 0 on average and about 1 in spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from nnguide.preprocessing.standardisation import mean_and_std


@keras.saving.register_keras_serializable(package="nnguide")
class Columns(keras.layers.Layer):
    """Layer that computes (x - mean) / std for each column.

    Args:
        mean, std: of each column in the training set.

    Input: (batch, features) numbers. Output: (batch, features) float32.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", "name": "columns", **kwargs})
        self.mean = [float(value) for value in mean]
        self.std = [float(value) for value in std]
        self.built = True

    @classmethod
    def adapted_to(cls, inputs: np.ndarray) -> Columns:
        """Return the layer for training rows `inputs`, (n, features)."""
        mean, std = mean_and_std(inputs)
        return cls(mean.tolist(), std.tolist())

    def call(self, rows: Any) -> Any:
        mean, std = (np.array(values, np.float32) for values in (self.mean, self.std))
        return (ops.cast(rows, "float32") - mean) / std

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "std": self.std}
