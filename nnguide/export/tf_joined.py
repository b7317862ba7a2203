"""Tell several digits that touch from one, in a TensorFlow graph.

The twin of nnguide.preprocessing.joined.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nnguide.preprocessing import joined


def surely(levels: Any) -> Any:
    """Return which marks are surely several digits, (n,) bool.

    `levels` are (n, 28, 28) float32 in MNIST's form.
    """
    return scores(levels) > joined.SURE


def scores(levels: Any) -> Any:
    """Return the log-odds of several digits, (n,) float32."""
    weights = joined.network().weights
    levels = tf.concat([levels, tf.zeros([1, *levels.shape[1:]])], 0)  # an empty batch fails
    x = levels[..., None] / 255
    for kernel, bias in zip(weights[:4:2], weights[1:4:2], strict=True):
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, joined.STRIDE, "VALID") + bias)
    flat = tf.reshape(x, [-1, weights[4].shape[0]])
    hidden = tf.nn.relu(flat @ weights[4] + weights[5])
    return (hidden @ weights[6] + weights[7])[:-1, 0]
