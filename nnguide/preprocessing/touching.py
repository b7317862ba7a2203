"""Take digits apart that touch, by cuts and the network's judgement.

A cut runs from the top of a mark to its bottom, along the way that crosses least ink. There are
more cuts than digits; of all ways to part the mark along them, the one wins whose pieces the
network is surest of (over-segmentation, as in Casey and Lecolinet, A Survey of Methods and
Strategies in Character Segmentation, 1996). NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np

from . import mnist_form

# Pictures (n, 28, 28) uint8 in MNIST's form -> (n,) how sure the network is of each, 0 to 1.
Judge = Callable[[np.ndarray], np.ndarray]

MOST_CUTS = 9  # of one mark
DEAREST = 3.0  # widths of a stroke that one cut may cross
SURE = 0.99  # a mark that is less sure, or wider than WIDE, is tried
CUT = 0.15  # what each cut costs, in nats
CROSSED = 0.2  # and for each width of a stroke that it crosses
WIDE, WIDER = 0.78, 1.6  # of the usual height: what a piece that is wider costs
LOW, LOWER = 0.65, 4.0  # and one that is lower
SHARED = 0.6  # of a stroke's width beyond a cut: ink that belongs to both digits
LEAST = 0.01  # so sure is a piece that cannot be a digit


class Piece(NamedTuple):
    """A part of a mark, between two of its cuts.

    Attributes:
        first, last: the numbers of the cuts on its left and right.
        mask: (h, w) bool, where it lies.
        box: top, left, bottom and right of its ink.
    """

    first: int
    last: int
    mask: np.ndarray
    box: tuple[int, int, int, int]

    @property
    def height(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def width(self) -> int:
        return self.box[3] - self.box[1]


class Cuts(NamedTuple):
    """Where a mark may be cut, from left to right.

    Attributes:
        places: (cuts, h) int, the column from which on each row is right of the cut.
        crossed: (cuts,) float, how many widths of a stroke each crosses.
        stroke: the width of a stroke in pixels.
    """

    places: np.ndarray
    crossed: np.ndarray
    stroke: float


def cuts(strength: np.ndarray, level: float, usual: float) -> Cuts:
    """Return the cuts of a mark, each at its own place.

    Args:
        strength: (h, w) float, the contrast of the mark's ink, 0 elsewhere.
        level: the contrast of a full stroke.
        usual: the usual height of a digit in pixels.
    """
    height, width = strength.shape
    ink = np.clip(strength / level, 0, 1).astype(np.float64)
    stroke = max(mnist_form.stroke_width(ink.astype(np.float32)), 1.0)
    cost = ink + 0.02
    above, from_above = _ways(cost)
    below, from_below = (way[::-1] for way in _ways(cost[::-1]))
    middle = height // 2
    total = above[middle] + below[middle] - cost[middle]
    edge, step = max(int(0.1 * usual), 1), max(int(usual / 20), 1)
    places: list[np.ndarray] = []
    crossed: list[float] = []
    seen: set[int] = set()
    order = sorted(range(edge, width - edge, step), key=lambda column: total[column])
    for column in order:
        price = max(float(total[column]) - 0.02 * height, 0.0) / stroke
        if price > DEAREST or len(places) == MOST_CUTS:
            break
        way = np.empty(height, int)
        way[middle] = column
        for row in range(middle, 0, -1):
            way[row - 1] = way[row] + from_above[row, way[row]]
        for row in range(middle, height - 1):
            way[row + 1] = way[row] + from_below[row, way[row]]
        left = (np.arange(width) < way[:, None]) & (ink > 0.3)
        amount = int(left.sum() / max(0.1 * stroke * usual, 1))  # cuts nearly the same are one
        if amount not in seen:
            seen.add(amount)
            places.append(way)
            crossed.append(price)
    ranked = sorted(range(len(places)), key=lambda n: float(places[n].mean()))
    sides = np.zeros(height, int), np.full(height, width)
    return Cuts(
        np.array([sides[0], *(places[n] for n in ranked), sides[1]]),
        np.array([0.0, *(crossed[n] for n in ranked), 0.0]),
        stroke,
    )


def _ways(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each pixel's least cost, and the step back.

    The cost is that from the top row, the step that of the column.
    """
    total, back = cost.copy(), np.zeros(cost.shape, int)
    for row in range(1, len(cost)):
        before = np.pad(total[row - 1], 1, constant_values=np.inf)
        three = np.stack([before[1:-1], before[:-2] + 0.01, before[2:] + 0.01])
        best = three.argmin(0)
        back[row] = np.array([0, -1, 1])[best]
        total[row] += three[best, np.arange(cost.shape[1])]
    return total, back


def pieces(strength: np.ndarray, cut: Cuts, floor: float, usual: float) -> list[Piece]:
    """Return every part of the mark that has a digit's size.

    It lies between two cuts and has the size of a digit. Where two strokes meet, the ink about the
    cut belongs to the pieces on both sides of it.
    """
    columns, shared = np.arange(strength.shape[1]), round(SHARED * cut.stroke)
    made = []
    for first, last in combinations(range(len(cut.places)), 2):
        mask = columns >= cut.places[first][:, None] - shared  # (h, w)
        mask &= columns < cut.places[last][:, None] + shared
        inked = mask & (strength > floor)
        if not inked.any():
            continue
        rows, across = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
        box = int(rows[0]), int(across[0]), int(rows[-1]) + 1, int(across[-1]) + 1
        piece = Piece(first, last, mask, box)
        whole = last - first == len(cut.places) - 1
        if whole or (0.35 * usual <= piece.height and piece.width <= 1.3 * usual):
            made.append(piece)
    return made


def best(cut: Cuts, made: list[Piece], sure: np.ndarray, usual: float) -> list[int]:
    """Return the pieces, from the left, that part the mark best.

    Args:
        sure: (pieces,) how sure the network is of each.
    """
    last = len(cut.places) - 1
    score = {0: 0.0}
    chosen: dict[int, list[int]] = {0: []}
    for place in range(1, last + 1):
        for number, piece in enumerate(made):
            if piece.last != place or piece.first not in score:
                continue
            value = score[piece.first] + float(np.log(max(sure[number], LEAST)))
            value -= WIDER * max(piece.width / usual - WIDE, 0)
            value -= LOWER * max(LOW - piece.height / usual, 0)
            if place < last:
                value -= CUT + CROSSED * float(cut.crossed[place])
            if value > score.get(place, -np.inf):
                score[place], chosen[place] = value, [*chosen[piece.first], number]
    return chosen.get(last, [])
