"""The reason why a network needs activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.blueprints import toy_data
from nnguide.blueprints.experiments.shared import surface
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings


def two_linear_layers(seed: int = 0, epochs: int = 100) -> dict[str, Any]:
    """Train two layers on XOR, with and without an activation.

    Two linear layers are one, and one linear layer cannot solve XOR; with a ReLU between them
    two can.

    (x W₁ + b₁) W₂ + b₂ = x (W₁ W₂) + (b₁ W₂ + b₂)
    """
    X, y = toy_data.xor(400, seed)
    X_test, y_test = toy_data.xor(400, seed + 1)
    reached, surfaces = {}, {}
    for activation in ("linear", "relu"):
        network = NumpyNet(2, 1, Settings((16,), activation, epochs=epochs, seed=seed), "float64")
        network.fit(X, y)
        reached[activation] = accuracy(network.predict(X_test), y_test)
        surfaces[activation] = surface(network, X_test)
        if activation == "linear":
            first, second = network.layers
            W, b = first.W @ second.W, first.b @ second.W + second.b
            two_layers = network.forward(X_test)
            one_layer = X_test @ W + b
    return {
        "W": W.tolist(),
        "b": b.tolist(),
        "example": X_test[0].tolist(),
        "two_layers": two_layers[0].tolist(),
        "one_layer": one_layer[0].tolist(),
        "largest_difference": float(np.abs(two_layers - one_layer).max()),
        "xor_accuracy": reached,
        "points": {"X": X_test.tolist(), "y": y_test.tolist()},
        "surfaces": surfaces,
    }
