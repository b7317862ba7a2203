"""The network by hand in NumPy beside scikit-learn's."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nnguide import data
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings

EPOCHS = 10
SIDES = ("nnguide by hand, NumPy", "scikit-learn MLPClassifier")


def by_hand(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """An epoch of 784-128-10, batch 128, Adam, on MNIST, float32, one BLAS thread for both."""
    source = data.find("digits", "mnist")
    training, test = source.load("train"), source.load("test")
    X = (training.inputs.reshape(-1, 784) / 255).astype(np.float32)
    X_test = (test.inputs.reshape(-1, 784) / 255).astype(np.float32)
    y = training.labels.astype(int)
    rounds = 3 if quick else 7
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    with threadpool_limits(1, "blas"):
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for side in SIDES[:: 1 if number % 2 else -1]:
                fit = _ours if side == SIDES[0] else _theirs
                seconds[side].append(fit(X, y, 1, number)[0])
        say(f"{EPOCHS} epochs by hand")
        _, network = _ours(X, y, EPOCHS, 0)
    right = accuracy(network.predict(X_test), test.labels)
    ratio = np.median(seconds[SIDES[0]]) / np.median(seconds[SIDES[1]])
    return {
        "rows": [
            {"what": "one epoch", "side": side, "values": seconds[side], "unit": "s"}
            for side in SIDES
        ]
        + [
            {
                "what": f"accuracy after {EPOCHS} epochs",
                "side": SIDES[0],
                "values": [right],
                "unit": "fraction",
            }
        ],
        "notes": [f"by hand takes {ratio:.2f} times as long as scikit-learn (medians)"],
    }


def _ours(X: np.ndarray, y: np.ndarray, epochs: int, seed: int) -> tuple[float, NumpyNet]:
    settings = Settings(
        (128,),
        "relu",
        loss="categorical_crossentropy",
        output="softmax",
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=128,
        epochs=epochs,
        seed=seed,
    )
    network = NumpyNet(784, 10, settings, "float32")
    started = time.perf_counter()
    network.fit(X, y)
    return time.perf_counter() - started, network


def _theirs(X: np.ndarray, y: np.ndarray, epochs: int, seed: int) -> tuple[float, Any]:
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        (128,), batch_size=128, learning_rate_init=1e-3, max_iter=epochs, alpha=0, random_state=seed
    )
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that one epoch is not the end
        network.fit(X, y)
    return time.perf_counter() - started, network
