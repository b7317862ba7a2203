"""Helpers that several experiments use."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from nnguide.blueprints.network2 import NumpyNet
from nnguide.errors import WorkError


def follow(network: NumpyNet, X: np.ndarray, y: np.ndarray) -> list[float]:
    """Fit, and return the loss before training and after each epoch.

    The loss is over all examples. The list ends early where the loss is not finite.
    """
    losses = [network.loss(X, y)]
    with contextlib.suppress(WorkError):
        network.fit(X, y, on_epoch=lambda net, _: losses.append(net.loss(X, y)))
    return [loss for loss in losses if np.isfinite(loss)]


def surface(network: Any, X: np.ndarray, points: int = 81) -> dict[str, Any]:
    """Compute the first output of a network over a grid.

    The network has two features; the grid covers the plane of X (n, 2).

    Returns:
        x, y: the grid's coordinates (points,); output: nested list (points along y, along x).
    """
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.1 * (high - low)
    x, y = (np.linspace(a, b, points) for a, b in zip(low - margin, high + margin, strict=True))
    plane = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    output = network.predict(plane)[:, 0].reshape(points, points)
    return {"x": x.tolist(), "y": y.tolist(), "output": output.tolist()}
