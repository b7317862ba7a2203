"""The patterns that the units of a first layer detect."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.errors import ConfigError, InputError


def weights_of(run: str) -> np.ndarray:
    """Load the weights of the first layer of a digit network.

    Args:
        run: a run's folder or a task's name, as everywhere on the command line.
    Returns:
        (784, units) of a dense layer, or (k, k, 1, units) of a convolution. A convolution that
        sees blocks of 2×2 pixels as channels is unfolded to the pixels that it sees.
    Raises:
        ConfigError: the run does not read pictures. RunError: there is none, or it is damaged.
    """
    from nnguide import runs

    opened = runs.load(run)
    if opened.task.name != "digits":
        raise ConfigError(
            f"the first layer is drawn for a network of digits; {opened.folder} is of "
            f"{opened.task.name}. Make one with: nnguide blueprint train --data digits --out DIR"
        )
    kernels = [w for w in opened.model.trainable_variables if w.name == "kernel"]
    W = np.asarray(kernels[0])
    if W.ndim == 4 and W.shape[2] > 1:  # blocks of pixels became channels: space-to-depth
        side, block = W.shape[0], round(W.shape[2] ** 0.5)
        W = W.reshape(side, side, block, block, -1).transpose(0, 2, 1, 3, 4)
        W = W.reshape(side * block, side * block, 1, -1)
    return W


def filters(weights: np.ndarray, most: int = 64) -> dict[str, Any]:
    """Return the weights of each first-layer unit as a picture.

    Args:
        weights: (784, units), (28, 28, units), or a convolution's (k, k, 1, units).
        most: how many units are shown, those with the largest weights first.
    Returns:
        pictures: nested lists (units, side, side) in [-1, 1], each divided by its largest |w|;
        units: their numbers; side.
    Raises:
        InputError: an array of another shape.
    """
    W = np.asarray(weights, float)
    if W.ndim == 2 and round(len(W) ** 0.5) ** 2 == len(W):
        W = W.reshape(round(len(W) ** 0.5), -1, W.shape[1])
    if W.ndim == 4 and W.shape[2] == 1:
        W = W[:, :, 0]
    if W.ndim != 3 or W.shape[0] != W.shape[1]:
        raise InputError(
            "expected first-layer weights of a square grey picture, (784, units) or "
            f"(k, k, 1, units); got {np.shape(weights)}"
        )
    strength = np.linalg.norm(W, axis=(0, 1))
    units = np.argsort(-strength, kind="stable")[:most]
    largest = np.abs(W).max(axis=(0, 1))
    pictures = W / np.where(largest > 0, largest, 1)
    return {
        "side": W.shape[0],
        "units": units.tolist(),
        "pictures": np.moveaxis(pictures[:, :, units], 2, 0).tolist(),
    }
