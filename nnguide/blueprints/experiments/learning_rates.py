"""Gradient descent at several learning rates."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.blueprints import toy_data
from nnguide.blueprints.experiments.shared import follow
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings


def rates(
    learning_rates: tuple[float, ...] = (0.01, 0.1, 0.5, 2.1), steps: int = 60, seed: int = 0
) -> dict[str, Any]:
    """Fit a line by gradient descent at several learning rates.

    Returns the loss after each full-batch step.

    The loss of a linear neuron is a bowl. Along its steepest direction, whose curvature is λ,
    a step multiplies the distance from the bottom by 1 − α λ: it shrinks only for α < 2/λ.

    Returns:
        paths: [{learning_rate, losses (steps + 1,), verdict}]; a path ends early where the loss
        leaves the numbers. lowest: the least loss that there is. largest_rate: 2/λ.
    """
    X, y = toy_data.line(200, seed)
    features = np.hstack([X, np.ones_like(X)])  # the bias is the weight of a constant 1
    best = np.linalg.lstsq(features, y, rcond=None)[0]
    lowest = float(0.5 * np.mean((features @ best - y) ** 2))
    curvature = float(np.linalg.eigvalsh(features.T @ features / len(X)).max())
    paths = []
    for α in learning_rates:
        settings = Settings(
            (),
            output="linear",
            loss="mse",
            optimizer="sgd",
            learning_rate=α,
            batch_size="full",
            epochs=steps,
            seed=seed,
        )
        network = NumpyNet(1, 1, settings, "float64")
        losses = follow(network, X, y)
        paths.append({"learning_rate": α, "losses": losses, "verdict": _verdict(losses, lowest)})
    return {"paths": paths, "lowest": lowest, "largest_rate": 2 / curvature}


def _verdict(losses: list[float], lowest: float) -> str:
    if losses[-1] > losses[0]:
        return "diverges"
    left = (losses[-1] - lowest) / (losses[0] - lowest)  # fraction of the way that remains
    return "converges" if left < 0.01 else "crawls"
