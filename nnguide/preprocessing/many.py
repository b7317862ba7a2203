"""Search for every digit on a picture, with NumPy only.

It gives each digit's box, and the digit in MNIST's form. What hangs together is a mark; marks that
lie over each other, or a short one close to another, are strokes of one digit. Digits stand in
lines, which may slope: one belongs to the line of the nearest digit on its left that it stands
beside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError, NoDigitError
from . import grid, ink, mnist_form

LONGER_SIDE = 800  # pixels of the longer side in which digits are looked for
MOST = 400  # digits on a picture
SHORT = 0.4  # of the usual height: what is shorter and narrower is no digit by itself
OVERLAP = 0.35  # of the smaller box: marks that share so much of it are one digit
CLOSE = 0.25  # of the usual height: how far a short stroke may be from its digit


class Mark:
    """A digit that was found on a picture of several.

    Attributes:
        levels: (28, 28) uint8, white on black, in MNIST's form; empty where the mark cannot be
            strokes of a digit.
        box: left, top, right and bottom on the picture, in pixels.
        line: which line it stands in, from 1.
    """

    ndim = 2

    def __init__(self, levels: np.ndarray, box: tuple[int, int, int, int], line: int) -> None:
        self.levels, self.box, self.line = levels, box, line

    def any(self) -> bool:
        """Return whether there is ink."""
        return bool(self.levels.any())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.levels.astype(dtype or self.levels.dtype)


def one(grey: np.ndarray) -> np.ndarray:
    """Return the only digit on a picture.

    Args, result and errors are those of `mnist_form.normalise`. Where it sees a pattern and no
    digit, the picture may be a page of digits: the error says so.
    """
    try:
        return mnist_form.normalise(grey)
    except NoDigitError:
        try:
            digits = find(grey, (grey.shape[1], grey.shape[0]))
        except InputError:
            digits = []
        if (marks := sum(mark.any() for mark in digits)) > 1:
            raise mnist_form.several(marks) from None
        raise


def find(grey: np.ndarray, size: tuple[int, int]) -> list[Mark]:
    """Return the digits on `grey`, line by line.

    Lines are ordered from the top, digits in a line from the left.

    Args:
        grey: (h, w) float in [0, 1], dark ink on light paper or light on dark.
        size: width and height of the picture that it was made from; boxes are in its pixels.
    Raises:
        NoDigitError: no ink is seen on it.
        InputError: the array is no such picture, or it holds too many marks.
    """
    grey = mnist_form.checked(grey)
    if ink.is_light(grey):
        grey = 1 - grey
    block = -(-max(grey.shape) // LONGER_SIDE)
    small = grid.block_mean(grey, block)
    contrast, level, floor = _contrast(small)
    components = grid.components(contrast > floor)
    if not components.any():
        raise NoDigitError(
            "no digit was seen: the picture is blank, or its ink hardly differs from its paper. "
            "Give a picture of digits, dark on light or light on dark."
        )
    groups = _groups(components, contrast)
    if len(groups) > MOST:
        raise InputError(
            f"expected at most {MOST} digits; the picture holds {len(groups):,} marks. Cut it."
        )
    marks = []
    for number, line in enumerate(_lines(groups), start=1):
        for group in line:
            levels = _levels(grey, block, group, components, contrast, level)
            marks.append(Mark(levels, _place(group.box, small.shape, size), number))
    return marks


def _contrast(small: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the ink's contrast without ruled lines, and two levels.

    These are a full stroke's contrast, and the least that is ink.
    """
    contrast = ink.without_lines(ink.raised(grid.softened(small)))
    quiet = max(ink.NOISE * ink.noise_of(small), ink.FAINTEST)
    full = contrast[contrast > max(quiet, 0.3 * float(contrast.max()))]
    level = float(np.quantile(full, 0.8)) if full.size else 1.0
    return contrast, level, max(quiet, 0.3 * level)


def _levels(
    grey: np.ndarray,
    block: int,
    group: _Group,
    components: np.ndarray,
    contrast: np.ndarray,
    level: float,
) -> np.ndarray:
    """Return the digit in MNIST's form.

    It is empty where the mark cannot be strokes of a digit.
    """
    top, left, bottom, right = group.box
    room = max(group.height, group.width) // 4 + 3
    first, start = max(top - room, 0), max(left - room, 0)
    window = slice(first, bottom + room), slice(start, right + room)
    around = components[window]
    inside = np.isin(around, group.components)
    near = (grid.highest(inside.astype(np.float32), 1) > 0) & (inside | (around == 0))
    strength = np.where(near, contrast[window], 0).astype(np.float32)
    stroke = ink.Ink(strength, level, (top - first, left - start, bottom - first, right - start), 1)
    region = grey[first * block : (bottom + room) * block, start * block : (right + room) * block]
    strokes = mnist_form.shaped(mnist_form.closer(region, stroke, block) or stroke)
    if strokes.max() > 0:
        levels = mnist_form.framed(strokes)
        if levels.any() and mnist_form.is_digit_like(levels):
            return levels
    return np.zeros((mnist_form.SIDE, mnist_form.SIDE), np.uint8)


def _place(
    box: tuple[int, int, int, int], shape: tuple[int, ...], size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return a box's left, top, right and bottom in pixels.

    The pixels are those of a picture of `size` (width, height).
    """
    across, down = size[0] / shape[1], size[1] / shape[0]
    top, left, bottom, right = box
    return (int(left * across), int(top * down), round(right * across), round(bottom * down))


class _Group:
    """Marks that are one digit.

    They have their numbers and their box (top, left, bottom, right).
    """

    def __init__(
        self, components: list[int], box: tuple[int, int, int, int], weight: float
    ) -> None:
        self.components, self.box, self.weight = components, box, weight

    @property
    def height(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def width(self) -> int:
        return self.box[3] - self.box[1]

    def joined(self, other: _Group) -> _Group:
        """Return both groups as one."""
        low = [min(a, b) for a, b in zip(self.box[:2], other.box[:2], strict=True)]
        high = [max(a, b) for a, b in zip(self.box[2:], other.box[2:], strict=True)]
        box = (low[0], low[1], high[0], high[1])
        return _Group([*self.components, *other.components], box, self.weight + other.weight)

    def gaps(self, other: _Group) -> tuple[int, int]:
        """Return the pixels between two groups, down and across.

        They are negative where the groups overlap.
        """
        a, b = self.box, other.box
        return max(a[0], b[0]) - min(a[2], b[2]), max(a[1], b[1]) - min(a[3], b[3])


def _groups(components: np.ndarray, contrast: np.ndarray) -> list[_Group]:
    """Return the digits among the connected components.

    These are (h, w) int, 0 where there is no ink.
    """
    numbers, index = np.unique(components, return_inverse=True)
    flat, (y, x) = index.ravel(), np.indices(components.shape).reshape(2, -1)
    count = len(numbers)
    top, left = (ink.lowest_of(flat, place, count) for place in (y, x))
    bottom, right = (-ink.lowest_of(flat, -place, count) + 1 for place in (y, x))
    weight = np.bincount(flat, contrast.ravel(), count)
    marks = [
        _Group(
            [int(numbers[n])],
            (int(top[n]), int(left[n]), int(bottom[n]), int(right[n])),
            float(weight[n]),
        )
        for n in range(1 if numbers[0] == 0 else 0, count)
    ]
    marks = [mark for mark in marks if not _is_margin(mark, components.shape)]
    if not marks:
        return []
    usual = _usual_height(marks)
    marks = [mark for mark in marks if max(mark.height, mark.width) > 0.08 * usual]
    marks.sort(key=lambda mark: -mark.height)
    groups: list[_Group] = []
    for mark in marks:
        near = [n for n, group in enumerate(groups) if _belongs(mark, group, usual)]
        for n in reversed(near):
            mark = groups.pop(n).joined(mark)
        groups.append(mark)
    return [
        group for group in groups if group.height >= SHORT * usual or group.width >= 0.6 * usual
    ]


def _is_margin(mark: _Group, shape: tuple[int, ...]) -> bool:
    """Return whether a mark is the sheet's end or a shadow.

    It is then long, and along the picture's edge.
    """
    top, left, bottom, right = mark.box
    across = (top <= 1 or bottom >= shape[0] - 1) and mark.width > 0.4 * shape[1]
    down = (left <= 1 or right >= shape[1] - 1) and mark.height > 0.4 * shape[0]
    return across or down


def _usual_height(marks: list[_Group]) -> float:
    """Return the height below which half of the ink is."""
    order = sorted(marks, key=lambda mark: mark.height)
    weights = np.cumsum([mark.weight for mark in order])
    return float(order[int(np.searchsorted(weights, weights[-1] / 2))].height)


def _belongs(mark: _Group, group: _Group, usual: float) -> bool:
    """Return whether `mark` is a stroke of the digit `group`.

    It is not taller than the digit.
    """
    down, across = mark.gaps(group)
    both = mark.joined(group)
    if both.height > 1.7 * usual or both.width > 1.5 * usual:
        return False
    if down < 0 and across < 0:
        smaller = min(mark.height * mark.width, group.height * group.width)
        if down * across > OVERLAP * smaller:
            return True
    beside = -across > 0.3 * min(mark.width, group.width)
    return mark.height < 0.6 * usual and beside and down < CLOSE * usual


def _lines(groups: list[_Group]) -> list[list[_Group]]:
    """Return the digits line by line.

    Lines are ordered from the top, digits in a line from the left.
    """
    lines: list[list[_Group]] = []
    for group in sorted(groups, key=lambda group: group.box[1]):

        def shared(line: list[_Group], group: _Group = group) -> float:
            """Return how far `group` overlaps a line's last digit in height.

            It is a fraction of the lower of both.
            """
            down, _ = group.gaps(line[-1])
            return -down / min(group.height, line[-1].height)

        best = max(lines, key=shared, default=None)
        if best is not None and shared(best) > 0.3:
            best.append(group)
        else:
            lines.append([group])
    middle = [np.mean([(group.box[0] + group.box[2]) / 2 for group in line]) for line in lines]
    return [lines[n] for n in np.argsort(middle, kind="stable")]
