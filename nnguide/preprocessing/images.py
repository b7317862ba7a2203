"""Standardisation of grey pictures.

A network learns best from numbers about 0 on average and about 1 in spread.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

AT_ONCE = 16_384  # pictures whose levels are counted together


@keras.saving.register_keras_serializable(package="nnguide")
class Pixels(keras.layers.Layer):
    """Layer that computes (grey - mean) / std, with a channel axis.

    Args:
        mean, std: of all grey levels 0-255 in the training set.

    Input: (batch, height, width) grey levels 0-255, any number type.
    Output: (batch, height, width, 1) float32.
    """

    def __init__(self, mean: float, std: float, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", "name": "pixels", **kwargs})
        self.mean = float(mean)
        self.std = float(std)
        self.built = True  # else a model file would hold the shape of the first batch

    @classmethod
    def adapted_to(cls, images: np.ndarray) -> Pixels:
        """Return the layer for training pictures, (n, height, width) uint8."""
        levels = np.arange(256)
        counts = np.zeros(256, np.int64)
        for start in range(0, len(images), AT_ONCE):  # they may be read from a disk
            batch = np.asarray(images[start : start + AT_ONCE])
            counts += np.bincount(batch.reshape(-1), minlength=256)
        share = counts / max(counts.sum(), 1)
        mean = float(share @ levels)
        std = float(np.sqrt(share @ (levels - mean) ** 2))
        return cls(mean, max(std, 1.0))

    def call(self, images: Any) -> Any:
        grey = ops.cast(images, "float32")
        return ((grey - self.mean) / self.std)[..., None]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "std": self.std}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Pixels:
        """Return the layer of a model file.

        Older files call the std `deviation`.
        """
        layer: Pixels = super().from_config(
            {"std" if key == "deviation" else key: value for key, value in config.items()}
        )
        return layer
