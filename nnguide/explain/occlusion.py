"""Occlusion: how far the score falls without a part.

Source: Zeiler & Fergus, Visualizing and Understanding Convolutional Networks (2014).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnguide.explain.features import SIDE

WINDOW = 5  # pixels: side of the black square that moves over a picture


def of_parts(f: Callable[[np.ndarray], np.ndarray], parts: int) -> np.ndarray:
    """Return f(x) − f(x without the part) for each part.

    The parts are words or numbers; the result is (parts,).

    Args:
        f: masks (n, parts) bool of what stays -> scores (n,).
        parts: how many there are.
    """
    masks = np.concatenate([np.ones((1, parts), bool), ~np.eye(parts, dtype=bool)])
    scores = f(masks)
    return scores[0] - scores[1:]


def of_pixels(f: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the mean fall of the score for each pixel.

    It is the mean over all squares that cover the pixel, (28, 28).

    Args:
        f: masks (n, 784) bool of the pixels that stay -> scores (n,).
    """
    reach = WINDOW // 2
    place = np.arange(SIDE)
    near = np.abs(place[:, None] - place) <= reach  # (centre, pixel)
    covers = (near[:, None, :, None] & near[None, :, None, :]).reshape(SIDE**2, SIDE**2)
    scores = f(np.concatenate([np.zeros((1, SIDE**2), bool), covers]) ^ True)
    fall = (scores[0] - scores[1:]) @ covers / covers.sum(axis=0)
    return fall.reshape(SIDE, SIDE)
