"""The checks, batches and early stopping that all three networks share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from nnguide.blueprints.losses import targets
from nnguide.errors import InputError, WorkError

Record = dict[str, Any]  # one epoch: epoch, learning_rate, loss and perhaps val_loss


def updates_per_epoch(n: int, batch_size: int | str) -> int:
    """Return the number of updates in an epoch of `n` examples."""
    return 1 if batch_size == "full" else math.ceil(n / int(batch_size))


def batches(n: int, batch_size: int | str, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the indices of each batch, in random order.

    Every example comes once; the last batch may be shorter.
    """
    order = random.permutation(n)
    size = n if batch_size == "full" else int(batch_size)
    for start in range(0, n, size):
        yield order[start : start + size]


class HasWeights(Protocol):
    """Anything with get_weights and set_weights."""

    def get_weights(self) -> list[np.ndarray]: ...

    def set_weights(self, weights: list[np.ndarray]) -> None: ...


def examples(
    X: np.ndarray, y: np.ndarray, sizes: tuple[int, ...], dtype: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return checked inputs (n, in) and targets (n, out) of `dtype`.

    Raises an InputError that says what is wrong.
    """
    X, Y = inputs(X, sizes[0], dtype), targets(y, sizes[-1], dtype)
    if len(X) != len(Y):
        raise InputError(f"expected as many targets as inputs; got {len(X)} inputs, {len(Y)}")
    if len(X) == 0:
        raise InputError("expected at least one example; got none")
    return X, Y


def inputs(X: np.ndarray, features: int, dtype: str) -> np.ndarray:
    """Return checked inputs (n, in) of `dtype`, or raise InputError."""
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] != features:
        raise InputError(f"expected inputs of shape (n, {features}); got {X.shape}")
    if X.dtype.kind not in "fiub":
        raise InputError(f"expected numbers as inputs; got {X.dtype}")
    X = X.astype(dtype, copy=False)
    if not np.isfinite(X).all():
        raise InputError("expected finite inputs; got NaN or infinity among them")
    return X


def check_shapes(expected: list[np.ndarray], received: list[np.ndarray]) -> None:
    """Raise InputError for weights of other shapes than the network's."""
    wanted, got = [np.shape(w) for w in expected], [np.shape(w) for w in received]
    if wanted != got:
        raise InputError(f"expected weights of the shapes {wanted}; got {got}")


def check_finite(record: Record) -> None:
    """Raise WorkError for an epoch whose loss is not finite."""
    for name in ("loss", "val_loss"):
        if not math.isfinite(record.get(name, 0.0)):
            raise WorkError(
                f"{name} is {record[name]} after epoch {record['epoch']}: the steps are too "
                "large. Take a smaller learning rate, or scale the inputs."
            )


class EarlyStopping:
    """Early stopping that restores the weights of the best epoch.

    Training stops after `patience` epochs without a lower validation loss.

    However the training ends, the weights of the best epoch come back. patience 0 does nothing.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.lowest = math.inf
        self.epoch = 0  # the best one
        self.weights: list[np.ndarray] = []

    def should_stop(self, record: Record, network: HasWeights) -> bool:
        """Record an epoch's validation loss; return whether training should end."""
        if not self.patience or "val_loss" not in record:
            return False
        if record["val_loss"] < self.lowest:
            self.lowest, self.epoch = record["val_loss"], record["epoch"]
            self.weights = network.get_weights()
        return record["epoch"] - self.epoch >= self.patience

    def restore(self, network: HasWeights) -> None:
        """Set the network to its best weights."""
        if self.weights:
            network.set_weights(self.weights)
