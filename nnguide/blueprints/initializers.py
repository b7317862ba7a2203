"""Initial weights: random and with the right variance.

Random weights make the neurons differ.

A sum of `in` terms w·a has the variance in · var(w) · E[a²]. For signals that neither fade nor
blow up from layer to layer, var(w) has to undo the `in`:

    He (2015)      var(w) = 2 / in          ReLU lets half of the signal through, hence the 2
    Glorot (2010)  var(w) = 2 / (in + out)  forward asks for 1/in, backward for 1/out

Equal weights would keep all neurons of a layer equal forever: same input, same error, same step.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def initial_weights(
    sizes: tuple[int, ...], activation: str, seed: int, dtype: str = "float32"
) -> list[np.ndarray]:
    """Return random initial weights and zero biases for every twin.

    Args:
        sizes: units per layer, the input first: (784, 128, 10).
        activation: of the hidden layers; the ReLU family gets He's variance, the others and
            the last layer Glorot's.
    Returns:
        [W1 (in, out), b1 (out,), W2, b2, …], the order that Keras uses.
    """
    random = np.random.default_rng(seed)
    weights: list[np.ndarray] = []
    for depth, (fan_in, fan_out) in enumerate(pairwise(sizes), start=1):
        hidden = depth < len(sizes) - 1
        he = hidden and activation in ("relu", "leaky_relu")
        variance = 2 / fan_in if he else 2 / (fan_in + fan_out)
        W = random.normal(0, np.sqrt(variance), (fan_in, fan_out))
        weights += [W.astype(dtype), np.zeros(fan_out, dtype)]
    return weights
