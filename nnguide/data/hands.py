"""Drawings of digits in styles that MNIST lacks, from no data set.

MNIST's writers were American. Elsewhere a one has a long upstroke and often a foot, a seven is
crossed, a four is open, closed or a triangle on a stick, and a nine curls or has corners. A
network that never saw them reads the one as a seven.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnguide.data.examples import Examples

SIDE, INNER = 28, 20  # pixels; MNIST fits its digits into 20 by 20 and centres their mass
LARGE = 4  # a digit is drawn this many times as large and then made smaller

Point = tuple[float, float]  # x to the right, y down, in a unit square
Stroke = tuple[Point, ...]  # corners, joined by straight lines
Shape = tuple[Stroke, ...]


def arc(x: float, y: float, wide: float, high: float, start: float, end: float) -> Stroke:
    """Return points on an ellipse about (x, y).

    They go from `start` to `end` degrees, clockwise from 3 h.
    """
    angles = np.radians(np.linspace(start, end, 2 + int(abs(end - start) / 12)))
    return tuple(zip(x + wide * np.cos(angles), y + high * np.sin(angles), strict=True))


UPSTROKE = ((0.12, 0.55), (0.58, 0.0), (0.55, 1.0))
SEVEN = ((0.08, 0.06), (0.86, 0.02), (0.36, 1.0))
CROSS = ((0.30, 0.52), (0.80, 0.48))

# (digit, its shape, how often among all)
SHAPES: tuple[tuple[int, Shape, int], ...] = (
    (1, (UPSTROKE,), 5),
    (1, (((0.22, 0.38), (0.56, 0.0), (0.54, 1.0)),), 3),
    (1, (UPSTROKE, ((0.24, 1.0), (0.86, 1.0))), 4),
    (1, (((0.3, 0.24), (0.54, 0.0), (0.54, 1.0)), ((0.2, 1.0), (0.88, 0.99))), 3),
    (7, (SEVEN, CROSS), 5),
    (7, (((0.1, 0.2), (0.12, 0.03), (0.88, 0.03), (0.6, 0.45), (0.44, 1.0)), CROSS), 3),
    (7, (((0.06, 0.1), (0.3, 0.0), (0.55, 0.08), (0.88, 0.02), (0.42, 1.0)), CROSS), 2),
    (4, (((0.3, 0.0), (0.12, 0.62), (0.9, 0.6)), ((0.66, 0.34), (0.6, 1.0))), 2),
    (4, (((0.18, 0.02), (0.14, 0.52), (0.84, 0.5)), ((0.76, 0.0), (0.74, 1.0))), 2),
    (4, (((0.66, 1.0), (0.66, 0.0), (0.08, 0.68), (0.94, 0.68)),), 3),
    (4, (((0.56, 0.02), (0.14, 0.56), (0.7, 0.56), (0.56, 0.02)), ((0.66, 0.3), (0.66, 1.0))), 2),
    (9, ((*arc(0.48, 0.27, 0.3, 0.27, 0, -360), *arc(0.46, 0.7, 0.32, 0.3, 0, 150)),), 3),
    (9, (((0.78, 0.06), (0.22, 0.06), (0.2, 0.46), (0.76, 0.46), (0.78, 0.06), (0.76, 1.0)),), 2),
    (9, (((0.8, 0.3), *arc(0.5, 0.26, 0.3, 0.26, 20, -340), (0.8, 0.1), (0.62, 1.0)),), 2),
    (9, ((*arc(0.5, 0.28, 0.3, 0.28, -30, -390), *arc(0.3, 0.42, 0.5, 0.58, 0, 90)),), 2),
)  # fmt: skip


def drawn(count: int, seed: int) -> Examples:
    """Draw `count` digits in MNIST's form.

    Inputs are (count, 28, 28) uint8, white on black. A pure function of `count` and `seed`.
    """
    random = np.random.default_rng([seed, 1_709])
    often = np.array([weight for *_, weight in SHAPES], float)
    chosen = random.choice(len(SHAPES), count, p=often / often.sum())
    pictures = np.zeros((count, SIDE, SIDE), np.uint8)
    for place, number in enumerate(chosen):
        pictures[place] = by_pen(SHAPES[number][1], random)
    labels = np.array([SHAPES[number][0] for number in chosen], np.int64)
    return Examples(pictures, labels, tuple("0123456789"))


def by_pen(shape: Shape, random: np.random.Generator) -> np.ndarray:
    """Draw `shape` once with a random hand and pen.

    The drawing is (28, 28) uint8.
    """
    from PIL import Image, ImageDraw

    size = SIDE * LARGE
    strokes = _by_hand(shape, random)
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    pen = random.uniform(1.4, 4.0)  # pixels of MNIST's form
    scale = (INNER - pen) * LARGE / max(*(high - low), 1e-3)
    drawing = Image.new("L", (size, size))
    ink = ImageDraw.Draw(drawing)
    radius = pen * LARGE / 2
    for stroke in strokes:
        placed = (stroke - (low + high) / 2) * scale + size / 2
        ink.line([tuple(p) for p in placed], fill=255, width=round(2 * radius), joint="curve")
        for x, y in placed[[0, -1]]:
            ink.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return picture(drawing, random)


def picture(drawing: Any, random: np.random.Generator) -> np.ndarray:
    """Return a large drawing in MNIST's form, (28, 28) uint8.

    `drawing` is an Image in mode L. The ink varies.
    """
    from PIL import Image, ImageFilter

    drawing = drawing.crop(drawing.getbbox())
    scale = INNER / max(drawing.size)
    width, height = (max(round(side * scale), 1) for side in drawing.size)
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    soft = drawing.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 0.4) / scale))
    small = Image.new("L", (SIDE, SIDE))
    small.paste(soft.resize((width, height), Image.Resampling.BOX), (left, top))
    grey = np.asarray(small, np.float32)
    grey = grey * random.uniform(200, 320) / max(grey.max(), 1.0)
    return _centred(np.minimum(grey, 255)).astype(np.uint8)


def _by_hand(shape: Shape, random: np.random.Generator) -> list[np.ndarray]:
    """Return the strokes (points, 2) as a random hand writes them.

    Each corner is off its place; all are slanted, turned and squeezed.
    """
    slant, wide = random.normal(0, 0.18), random.uniform(0.55, 1.1)
    turn = random.normal(0, 0.08)
    cos, sin = math.cos(turn), math.sin(turn)
    way = np.array([[wide, 0], [slant, 1]]) @ np.array([[cos, sin], [-sin, cos]])
    strokes = []
    for stroke in shape:
        points = np.array(stroke)
        loose = 0.045 if len(points) < 8 else 0.012
        points = points + random.normal(0, loose, points.shape)
        strokes.append(_rounded(points, random.uniform(0.0, 0.35)) @ way)
    return strokes


def _rounded(points: np.ndarray, fraction: float) -> np.ndarray:
    """Cut the corners of a stroke twice (Chaikin, 1974).

    Up to `fraction` of each side is cut; the ends stay.
    """
    for _ in range(2):
        start, end = points[:-1], points[1:]
        cut = np.stack([start + fraction * (end - start), end - fraction * (end - start)], axis=1)
        points = np.concatenate([points[:1], cut.reshape(-1, 2), points[-1:]])
    return points


def _centred(picture: np.ndarray) -> np.ndarray:
    """Move a picture by whole pixels to centre its mass."""
    total = max(float(picture.sum()), 1.0)
    middle = (SIDE - 1) / 2
    rows, columns = picture.sum(1), picture.sum(0)
    down = round(middle - float(rows @ np.arange(SIDE)) / total)
    right = round(middle - float(columns @ np.arange(SIDE)) / total)
    moved = np.pad(picture, SIDE)[SIDE - down : 2 * SIDE - down, SIDE - right : 2 * SIDE - right]
    return np.asarray(moved)
