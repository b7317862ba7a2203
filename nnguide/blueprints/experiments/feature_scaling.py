"""The same training with and without scaled inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.blueprints.experiments.shared import follow
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings


def scaling(epochs: int = 60, seed: int = 0) -> dict[str, Any]:
    """Train on raw and on standardised inputs, everything else equal.

    The task is to predict from age in years and salary in money who buys.

    Returns:
        runs: [{inputs, losses (epochs + 1,), accuracy on new people}]; features: mean and
        standard deviation of each on the training set; `deviation` is the old name of std.
    """
    random = np.random.default_rng(seed)
    age, salary = random.uniform(18, 70, 800), random.uniform(15_000, 120_000, 800)
    X = np.stack([age, salary], axis=1)
    score = (age - 44) / 15 + (salary - 67_500) / 30_000 + random.normal(0, 0.3, 800)
    y = (score > 0).astype(int)
    mean, std = X[:400].mean(axis=0), X[:400].std(axis=0)
    runs = []
    for name, inputs in (("raw", X), ("standardised", (X - mean) / std)):
        settings = Settings(
            (8,), "sigmoid", optimizer="sgd", learning_rate=0.5, epochs=epochs, seed=seed
        )
        network = NumpyNet(2, 1, settings, "float64")
        losses = follow(network, inputs[:400], y[:400])
        reached = accuracy(network.predict(inputs[400:]), y[400:])
        runs.append({"inputs": name, "losses": losses, "accuracy": reached})
    features = [
        {"name": name, "mean": float(m), "std": float(s), "deviation": float(s)}
        for name, m, s in zip(("age", "salary"), mean, std, strict=True)
    ]
    return {"features": features, "runs": runs}
