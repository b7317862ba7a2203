"""Backward pass from the gradient of the score to the input's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnguide.explain.score import ScoreOf

Back = Callable[[np.ndarray, ScoreOf], tuple[np.ndarray, np.ndarray]]


def through_keras(model: Any, x: np.ndarray, score: ScoreOf) -> tuple[np.ndarray, np.ndarray]:
    """Return the score and its gradient through a Keras model.

    The gradient comes from TensorFlow's tape; the model maps x to sums z.

    Args:
        model: any function of a tensor; Keras models are one.
        x: (n, …) of the dtype that it takes.
        score: z to f and ∂f/∂z.
    """
    import tensorflow as tf

    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        z = model(tensor)
    f, slopes = score(z.numpy())
    gradient = tape.gradient(z, tensor, output_gradients=tf.constant(slopes, z.dtype))
    return f, gradient.numpy()
