"""Small seeded data sets.

Most have two features, so that they can be drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Data = tuple[np.ndarray, np.ndarray]  # X (n, features) float64, y (n,) int64 or float64


def xor(n: int, seed: int, noise: float = 0.2) -> Data:
    """Draw four clouds of points at the corners of a square.

    Clouds at opposite corners have the same label.
    """
    random = np.random.default_rng(seed)
    corner = np.arange(n) % 4
    right, top = corner % 2, corner // 2
    X = np.stack([2 * right - 1, 2 * top - 1], axis=1) + random.normal(0, noise, (n, 2))
    return X, right ^ top


def moons(n: int, seed: int, noise: float = 0.1) -> Data:
    """Draw two half circles that interlock."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle = random.uniform(0, np.pi, n)
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    X[y == 1] = [1, 0.5] - X[y == 1]
    return X + random.normal(0, noise, (n, 2)), y


def circles(n: int, seed: int, noise: float = 0.08) -> Data:
    """Draw a ring around a ring of half its size."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle = random.uniform(0, 2 * np.pi, n)
    radius = np.where(y == 1, 0.5, 1.0)
    X = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return X + random.normal(0, noise, (n, 2)), y


def spirals(n: int, seed: int, noise: float = 0.04) -> Data:
    """Draw two arms that wind around each other 1.5 times."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    along = np.sqrt(random.uniform(0.02, 1, n))  # evenly spread along the arm
    angle = 3 * np.pi * along + np.pi * y
    X = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return X + random.normal(0, noise, (n, 2)), y


def line(n: int, seed: int, noise: float = 0.1) -> Data:
    """Draw noisy points on the line y = 2 x + 1.

    This is a regression; x is in [-1, 1].
    """
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, n)
    return x[:, None], 2 * x + 1 + random.normal(0, noise, n)


TABLE: dict[str, Callable[[int, int], Data]] = {
    "xor": xor,
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "line": line,
}
