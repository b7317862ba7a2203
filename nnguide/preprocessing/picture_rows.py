"""Pictures that are read when a batch needs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


class PictureRows:
    """Batchwise substitute for a tensor of all pictures."""

    def __init__(self, pictures: Any) -> None:
        """Make the rows of `pictures`, nnguide.data.records.PictureRecords."""
        self.pictures = pictures

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.pictures.shape)

    def gather(self, places: Any) -> tf.Tensor:
        """Return the pictures at `places` (k,) int64, (k, 28, 28) uint8."""
        rows = tf.numpy_function(self._rows, [places], tf.uint8)
        return tf.ensure_shape(rows, (None, *self.shape[1:]))

    def _rows(self, places: np.ndarray) -> np.ndarray:
        return np.asarray(self.pictures[places])
