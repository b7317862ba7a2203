"""The distance between NumPy, PyTorch and Keras after the same training.

The network, the initial weights and the batches are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nnguide.blueprints.backends import build
from nnguide.blueprints.gradient_check import random_case
from nnguide.blueprints.settings import Settings
from nnguide.errors import ExtraError

RULES = (
    ("sgd", "constant"),
    ("momentum", "constant"),
    ("adam", "constant"),
    ("adamw", "constant"),
    ("momentum", "onecycle"),
)
OTHERS = ("torch", "keras")


def apart(first: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """Return the largest distance between arrays of two lists.

    The unit is the norm of an array.
    """
    return max(
        float(np.linalg.norm(a - b)) / max(float(np.linalg.norm(b)), 1e-3)
        for a, b in zip(first, other, strict=True)
    )


def parted(first: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """Return the distance between all weights of two networks.

    The unit is the norm of all weights.
    """
    return apart(
        [np.concatenate([w.ravel() for w in first])], [np.concatenate([w.ravel() for w in other])]
    )


def paths(updates: int = 100, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Train with each optimizer in all three backends.

    All compute in float64 and start from the same weights.

    Args:
        updates: steps of training, a multiple of 10: each epoch is ten batches.
        seed: of the weights, the examples and their order.
    Yields:
        optimizer, schedule, and for torch and keras the distance of the weights from NumPy's
        in units of their norm; None where the framework is not installed.
    """
    for optimizer, schedule in RULES:
        settings = Settings(
            (5, 4),
            "tanh",
            optimizer=optimizer,
            schedule=schedule,
            l2=0.01,
            batch_size=10,
            epochs=max(updates // 10, 1),
            seed=seed,
        )
        network, X, Y = random_case(settings, inputs=3, outputs=2, n=100, seed=seed)
        start = network.get_weights()
        network.fit(X, Y)
        row: dict[str, Any] = {"optimizer": optimizer, "schedule": schedule}
        for engine in OTHERS:
            try:
                twin = build(engine, 3, 2, settings, "float64")
            except ExtraError:
                row[engine] = None
                continue
            twin.set_weights(start)
            twin.fit(X, Y)
            row[engine] = parted(twin.get_weights(), network.get_weights())
        yield row
