"""Tell several digits that touch from one, in a TensorFlow graph.

The twin of nnguide.preprocessing.joined.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nnguide.preprocessing import joined


def is_one(levels: Any) -> Any:
    """Return whether a picture holds no more than one digit, () bool.

    `levels` is (28, 28) float32 in MNIST's form; an empty picture holds none.
    """
    return (score(levels) <= joined.network().bound) | ~tf.reduce_any(levels > 0)


def score(levels: Any) -> Any:
    """Return the log-odds of several digits on a picture, () float32."""
    weights = joined.network().weights
    x = levels[None, :, :, None] / 255
    for kernel, bias in zip(weights[:4:2], weights[1:4:2], strict=True):
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, joined.STRIDE, "VALID") + bias)
    hidden = tf.nn.relu(tf.reshape(x, [1, -1]) @ weights[4] + weights[5])
    return tf.reshape(hidden @ weights[6] + weights[7], [])
