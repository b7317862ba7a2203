"""The same training with several batch sizes."""

from __future__ import annotations

import time
from typing import Any

from nnguide.blueprints import toy_data, training_loop
from nnguide.blueprints.experiments.shared import follow
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings


def batches(
    sizes: tuple[int | str, ...] = ("full", 128, 64, 32, 1), epochs: int = 20, seed: int = 0
) -> dict[str, Any]:
    """Train the same network with several batch sizes.

    The data, the network and the learning rate are the same; the optimizer is plain gradient
    descent.

    Returns:
        curves: [{batch_size, updates, seconds, losses (epochs + 1,), accuracy on new points}];
        losses over all training points, before the first and after each epoch.
    """
    X, y = toy_data.moons(512, seed)
    X_test, y_test = toy_data.moons(400, seed + 1)
    curves = []
    for size in sizes:
        settings = Settings(
            optimizer="sgd", learning_rate=0.1, batch_size=size, epochs=epochs, seed=seed
        )
        network = NumpyNet(2, 1, settings, "float64")
        began = time.perf_counter()
        losses = follow(network, X, y)
        curves.append(
            {
                "batch_size": size,
                "updates": epochs * training_loop.updates_per_epoch(len(X), size),
                "seconds": time.perf_counter() - began,
                "losses": losses,
                "accuracy": accuracy(network.predict(X_test), y_test),
            }
        )
    return {"examples": len(X), "curves": curves}
