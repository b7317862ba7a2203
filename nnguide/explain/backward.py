"""The way back through each engine: from the slopes of the score to those of the input.

Each function gives f (n,) and ∂f/∂x, of the shape of x (n, …), by the engine's own means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnguide.explain.score import ScoreOf

Back = Callable[[np.ndarray, ScoreOf], tuple[np.ndarray, np.ndarray]]


def through_numpy(network: Any, X: np.ndarray, score: ScoreOf) -> tuple[np.ndarray, np.ndarray]:
    """Through a NumpyNet: its backward, with ∂f/∂z for δ[L] and one step further, to a[0] = X."""
    f, δ = score(network.forward(X.astype(network.dtype)))  # (batch,), (batch, out)
    layers = network.layers
    for layer, below in zip(layers[:0:-1], layers[-2::-1], strict=True):
        δ = network.g.back(δ @ layer.W.T, below.a)  # ∂f/∂z[l−1]  (batch, in)
    return f, δ @ layers[0].W.T  # ∂f/∂a[0]  (batch, features)


def through_torch(network: Any, X: np.ndarray, score: ScoreOf) -> tuple[np.ndarray, np.ndarray]:
    """Through a TorchNet, by autograd."""
    import torch

    network.eval()
    x = torch.from_numpy(X.astype(network.dtype)).to(network.device).requires_grad_()
    z = network(x)
    f, slopes = score(z.detach().cpu().numpy())
    (found,) = torch.autograd.grad(z, x, torch.from_numpy(slopes).to(z))
    return f, found.cpu().numpy()


def through_keras(model: Any, x: np.ndarray, score: ScoreOf) -> tuple[np.ndarray, np.ndarray]:
    """Through a Keras model from x to sums z, by TensorFlow's tape.

    Args:
        model: any function of a tensor; Keras models are one.
        x: (n, …) of the dtype that it takes.
        score: z to f and ∂f/∂z.
    """
    import tensorflow as tf

    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        z = model(given)
    f, slopes = score(z.numpy())
    found = tape.gradient(z, given, output_gradients=tf.constant(slopes, z.dtype))
    return f, found.numpy()
