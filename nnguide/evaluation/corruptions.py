"""Fifteen corruptions of digits, to measure a network's robustness.

The kinds, and roughly the strengths, are those of MNIST-C (Mu & Gilmer, MNIST-C: A Robustness
Benchmark for Computer Vision, 2019), drawn by generators of our own. They are never used in
training: training uses nnguide.preprocessing.paper, which shares no code and no random numbers
with this file.

Each corruption takes (n, 28, 28) uint8 grey levels, white on black, and a random generator; it
returns pictures of the same kind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnguide.data.examples import Examples
from nnguide.evaluation import metrics
from nnguide.runs import Run

SIDE = 28
Corruption = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def corrupt(pictures: np.ndarray, name: str, seed: int) -> np.ndarray:
    """Apply the corruption `name` to pictures.

    (n, 28, 28) -> (n, 28, 28) uint8.
    """
    random = np.random.default_rng([seed, list(CORRUPTIONS).index(name)])
    changed = CORRUPTIONS[name](pictures.astype(np.float32) / 255, random)
    return np.rint(np.clip(changed, 0, 1) * 255).astype(np.uint8)


def shot_noise(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Add the shot noise of few photons, 6 for white."""
    return random.poisson(x * 6) / 6


def impulse_noise(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Add salt and pepper to 27 % of the pixels."""
    drawn = random.random(x.shape)
    return np.where(drawn < 0.135, 0, np.where(drawn > 0.865, 1, x))


def glass_blur(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Blur, swap pixels with near ones twice, and blur again."""
    from scipy import ndimage

    y = ndimage.gaussian_filter(x, (0, 0.7, 0.7))
    which = np.arange(len(x))
    for _ in range(2):
        for row in range(SIDE - 2, 1, -1):
            for column in range(SIDE - 2, 1, -1):
                dy, dx = random.integers(-1, 2, (2, len(x)))
                here, there = (which, row, column), (which, row + dy, column + dx)
                y[here], y[there] = y[there].copy(), y[here].copy()
    return ndimage.gaussian_filter(y, (0, 0.7, 0.7))


def motion_blur(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Blur by motion of up to ten pixels in random directions."""
    from scipy import ndimage

    moved = []
    for picture in x:
        angle = random.uniform(-math.pi / 4, math.pi / 4)
        steps = np.linspace(-4.5, 4.5, 10)
        weights = np.exp(-0.5 * (steps / 3) ** 2)
        shifted = [
            ndimage.shift(picture, (s * math.sin(angle), s * math.cos(angle)), order=1)
            for s in steps
        ]
        moved.append(np.tensordot(weights / weights.sum(), np.array(shifted), 1))
    return np.array(moved)


def shear(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Slant by 0.4, left or right."""
    return _affine(x, ([[1, 0], [random.choice([-0.4, 0.4]), 1]] for _ in x))


def scale(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Shrink to 0.55 of the size."""
    return _affine(x, ([[1 / 0.55, 0], [0, 1 / 0.55]] for _ in x))


def rotate(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rotate by 25 to 35 degrees, left or right."""

    def turns() -> Iterator[list[list[float]]]:
        for _ in x:
            angle = math.radians(random.uniform(25, 35)) * random.choice([-1, 1])
            yield [
                [math.cos(angle), math.sin(angle)],
                [-math.sin(angle), math.cos(angle)],
            ]

    return _affine(x, turns())


def brightness(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Brighten by 0.45: white stays white, black becomes grey."""
    return x + 0.45


def translate(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Move by 4 to 6 pixels each way."""
    from scipy import ndimage

    ways = random.integers(4, 7, (len(x), 2)) * random.choice([-1, 1], (len(x), 2))
    return np.array([ndimage.shift(p, way, order=0) for p, way in zip(x, ways, strict=True)])


def stripe(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Invert the seven columns right of the middle."""
    y = x.copy()
    y[:, :, 14:21] = 1 - y[:, :, 14:21]
    return y


def fog(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Add fog: noise of all sizes, the larger the stronger."""
    from scipy import ndimage

    cloud = np.zeros_like(x)
    for cells, strength in ((2, 1.0), (4, 0.5), (8, 0.25), (16, 0.12)):
        coarse = random.random((len(x), cells, cells)).astype(np.float32)
        fine = ndimage.zoom(coarse, (1, SIDE / cells, SIDE / cells), order=1)
        cloud += strength * fine[:, :SIDE, :SIDE]
    cloud -= cloud.min(axis=(1, 2), keepdims=True)
    cloud /= cloud.max(axis=(1, 2), keepdims=True)
    return (x + 1.2 * cloud) / 2.2


def spatter(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Add half transparent drops of water at smooth random places."""
    from scipy import ndimage

    wet = ndimage.gaussian_filter(random.normal(0.65, 0.3, x.shape), (0, 1.4, 1.4))
    limit = np.quantile(wet, 0.9, axis=(1, 2), keepdims=True)
    drops = np.clip((wet - limit) * 12, 0, 1)
    return x + (0.75 - x * 0.5) * drops


def dotted_line(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw a dotted line from one side to the other."""
    return _drawn(x, (_between(random, bends=0) for _ in x), dots=3)


def zigzag(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw a zigzag from one side to the other."""
    return _drawn(x, (_between(random, bends=5) for _ in x), dots=0)


def canny_edges(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Keep only the edges, in white and one pixel wide."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(x, (0, 1, 1))
    dy, dx = (  # Sobel's, in each picture by itself
        ndimage.correlate1d(ndimage.correlate1d(smooth, [-1, 0, 1], along), [1, 2, 1], across)
        for along, across in ((1, 2), (2, 1))
    )
    size = np.hypot(dy, dx)
    sector = np.rint(np.arctan2(dy, dx) / (math.pi / 4)).astype(int) % 4  # of the gradient
    ridge = np.zeros(x.shape, bool)
    for number, (down, right) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = np.roll(size, (-down, -right), (1, 2))
        behind = np.roll(size, (down, right), (1, 2))
        ridge |= (sector == number) & (size >= behind) & (size > ahead)
    strong, weak = ridge & (size > 1.2), ridge & (size > 0.6)
    joined = np.array(
        [
            ndimage.binary_propagation(s, mask=w, structure=np.ones((3, 3)))
            for s, w in zip(strong, weak, strict=True)
        ]
    )
    return joined.astype(np.float32)


def _affine(x: np.ndarray, matrices: Iterator[list[list[float]]]) -> np.ndarray:
    """Apply to each picture its matrix, about the centre.

    The matrix says where each pixel is taken from.
    """
    from scipy import ndimage

    middle = np.full(2, (SIDE - 1) / 2)
    made = []
    for picture, matrix in zip(x, matrices, strict=True):
        m = np.array(matrix).T
        made.append(ndimage.affine_transform(picture, m, middle - m @ middle, order=1))
    return np.array(made)


def _between(random: np.random.Generator, bends: int) -> np.ndarray:
    """Return the corners of a random path across the picture.

    They are (bends + 2, 2) in pixels, from the left side to the right or from top to bottom.
    """
    columns = np.linspace(0, SIDE - 1, bends + 2)
    start, end = random.uniform(3, SIDE - 4, 2)
    rows = np.linspace(start, end, bends + 2)
    rows[1:-1] += np.resize([3.5, -3.5], bends) * random.choice([-1, 1])
    corners = np.stack([rows, columns], axis=1)
    return corners if random.random() < 0.5 else corners[:, ::-1]


def _drawn(x: np.ndarray, ways: Iterator[np.ndarray], dots: int) -> np.ndarray:
    """Draw a white stroke along each path, one pixel wide.

    Only every `dots`-th pixel of it is drawn; 0 draws all.
    """
    y = x.copy()
    for picture, corners in zip(y, ways, strict=True):
        for (y0, x0), (y1, x1) in itertools.pairwise(corners):
            steps = int(max(abs(y1 - y0), abs(x1 - x0))) + 1
            rows = np.rint(np.linspace(y0, y1, steps)).astype(int)
            columns = np.rint(np.linspace(x0, x1, steps)).astype(int)
            keep = slice(None, None, dots or 1)
            picture[rows.clip(0, SIDE - 1)[keep], columns.clip(0, SIDE - 1)[keep]] = 1
    return y


CORRUPTIONS: dict[str, Corruption] = {
    function.__name__.replace("_", " "): function
    for function in (
        shot_noise,
        impulse_noise,
        glass_blur,
        motion_blur,
        shear,
        scale,
        rotate,
        brightness,
        translate,
        stripe,
        fog,
        spatter,
        dotted_line,
        zigzag,
        canny_edges,
    )
}


def measure(
    runs: list[Run], examples: Examples, seed: int, limit: int = 1000
) -> list[dict[str, Any]]:
    """Measure the accuracy of each run through each corruption.

    Args:
        runs: of digits, with the labels of `examples`.
        examples: pictures (n, 28, 28); the same `limit` of them go through every corruption.
        seed: of their choice and of the corruptions.
        limit: pictures through each.
    Returns:
        A row for each corruption: its name, what it does, n, and for every run accuracy with its
        95 % interval (Wilson, 1927).
    """
    chosen = examples.take(np.random.default_rng(seed).permutation(len(examples))[:limit])
    rows: list[dict[str, Any]] = []
    for name, function in CORRUPTIONS.items():
        changed = corrupt(chosen.inputs, name, seed)
        measured = []
        for run in runs:
            right = int((run.decision.numbers(run.outputs(changed)) == chosen.labels).sum())
            low, high = metrics.wilson_interval(right, len(chosen))
            measured.append(
                {"accuracy": right / len(chosen), "accuracy_low": low, "accuracy_high": high}
            )
        description = (function.__doc__ or "").strip().rstrip(".")
        rows.append(
            {
                "corruption": name,
                "description": description,
                "n": len(chosen),
                "runs": measured,
            }
        )
    return rows
