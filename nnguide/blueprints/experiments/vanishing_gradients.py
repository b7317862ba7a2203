"""The gradient of each layer of a deep network."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.errors import ConfigError


def vanishing(depth: int = 10, units: int = 50, seed: int = 0) -> dict[str, Any]:
    """Compute the norm of ∂L/∂W of each layer before training.

    The activations are sigmoid, tanh and ReLU.

    On the way back a sigmoid multiplies by at most ¼ at each layer; ten of them leave nothing.

    Returns:
        norms: {activation: [layer 1, …, layer depth]}; ratio: {activation: first / last}.
    """
    if depth < 2:
        raise ConfigError(f"the depth is a whole number of layers from 2 on; got {depth}")
    random = np.random.default_rng(seed)
    X, y = random.normal(size=(200, units)), random.integers(2, size=200)
    norms = {}
    for activation in ("sigmoid", "tanh", "relu"):
        settings = Settings((units,) * (depth - 1), activation, seed=seed)
        slopes = NumpyNet(units, 1, settings, "float64").gradients(X, y)
        norms[activation] = [float(np.linalg.norm(dW)) for dW in slopes[::2]]
    return {"norms": norms, "ratio": {name: n[0] / n[-1] for name, n in norms.items()}}
