"""Samples of a training: inputs, targets and weights in the loss."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nnguide.config import Config
from nnguide.data.examples import Examples, joined
from nnguide.tasks import Task


class Taught(NamedTuple):
    """What a training learns from the network that it starts from.

    Attributes:
        targets: (n, nodes) float32 to learn instead of the training set's labels.
        usual: raw inputs that normalization statistics are measured on.
    """

    targets: np.ndarray
    usual: Any


class Samples(NamedTuple):
    """A training set as `keras.Model.fit` takes it.

    Attributes:
        inputs: (n, …) raw, in memory or read from a disk.
        targets: (n, nodes) float32, as the loss takes them.
        weights: (n,) float32 in the loss, 1 on average.
    """

    inputs: Any
    targets: np.ndarray
    weights: np.ndarray


def samples_of(
    task: Task, config: Config, training: Examples, taught: Taught | None = None
) -> Samples:
    """Return the training set, followed by what the task draws."""
    if taught is None:
        targets = task.head(len(training.label_names)).targets(training.labels)
    else:
        targets = taught.targets
    weights = _weights(config, training.labels)
    if task.draw is None:
        return Samples(training.inputs, targets, weights)
    inputs, more = task.draw(config, training)
    if not len(more):
        return Samples(training.inputs, targets, weights)
    return Samples(
        joined(training.inputs, inputs),
        np.concatenate([targets, more]),
        np.concatenate([weights, np.ones(len(more), np.float32)]),
    )


def _weights(config: Config, labels: np.ndarray) -> np.ndarray:
    """Return each example's weight in the loss.

    It is 1 on average; `balanced` gives each label the same sum.
    """
    if config.train.class_weight == "none":
        return np.ones(len(labels), np.float32)
    counts = np.bincount(labels)
    return (len(labels) / (np.count_nonzero(counts) * counts[labels])).astype(np.float32)
