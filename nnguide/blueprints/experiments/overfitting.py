"""Overfitting, and the methods that help against it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nnguide.blueprints import toy_data
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.errors import InputError

CURES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "dropout": {"dropout": 0.5},
    "L1": {"l1": 0.003},
    "L2": {"l2": 0.003},
    "early stopping": {"patience": 20},
}


def overfit(examples: int = 60, epochs: int = 300, seed: int = 0) -> dict[str, Any]:
    """Train a large network on little, noisy data with each remedy.

    The first run has no remedy.

    Returns:
        runs: [{cure, epochs, training_losses, validation_losses (without penalties),
        training_accuracy, test_accuracy, test_loss, zeros}], zeros the fraction of weights that
        are exactly 0.
    """
    if examples < 4:
        raise InputError(f"expected 4 examples or more; got {examples}")
    train = toy_data.moons(examples, seed, noise=0.3)
    validation = toy_data.moons(400, seed + 1, noise=0.3)
    test = toy_data.moons(2000, seed + 2, noise=0.3)
    base = Settings((64, 64), learning_rate=0.003, epochs=epochs, seed=seed)
    runs = []
    for cure, change in CURES.items():
        network = NumpyNet(2, 1, replace(base, **change), "float64")
        bare = NumpyNet(2, 1, base, "float64")  # the same weights, measured without penalties
        curves: dict[str, list[float]] = {"training_losses": [], "validation_losses": []}

        def measure(net: NumpyNet, _: Any, bare: NumpyNet = bare, to: Any = curves) -> None:
            bare.θ[:] = net.θ
            to["training_losses"].append(bare.loss(*train))
            to["validation_losses"].append(bare.loss(*validation))

        history = network.fit(*train, validation, on_epoch=measure)
        bare.θ[:] = network.θ
        weights = np.concatenate([W.ravel() for W in network.get_weights()[::2]])
        runs.append(
            {
                "cure": cure,
                "epochs": len(history),
                **curves,
                "training_accuracy": accuracy(network.predict(train[0]), train[1]),
                "test_accuracy": accuracy(network.predict(test[0]), test[1]),
                "test_loss": bare.loss(*test),
                "zeros": float(np.mean(weights == 0)),
            }
        )
    return {"examples": examples, "runs": runs}
