"""Search for every digit on a picture, with NumPy only.

It gives each digit's box, and the digit in MNIST's form. What hangs together is a mark; marks that
lie over each other, or a short one close to another, are strokes of one digit. Digits stand in
lines, which may slope: one belongs to the line of the nearest digit on its left that it stands
beside.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError, NoDigitError
from . import grid, ink, joined, mnist_form, sheets, touching

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

    Args, result and errors are those of `mnist_form.normalise`. A sheet on a table is looked at
    alone. Where a pattern is seen and no digit, the picture may be a page of digits: the error
    says so. The result is a `joined.Mark`, but of a picture of 28 by 28 pixels.
    """
    grey = sheets.alone(mnist_form.checked(grey))
    try:
        levels = mnist_form.normalise(grey)
        return levels if grey.shape == levels.shape else levels.view(joined.Mark)
    except NoDigitError:
        try:
            marks = sum(mark.any() for mark in _find(grey, (grey.shape[1], grey.shape[0])))
        except InputError:
            marks = 0
        if marks > 1:
            raise mnist_form.several(marks) from None
        raise


def find(
    grey: np.ndarray, size: tuple[int, int], judge: touching.Judge | None = None
) -> list[Mark]:
    """Return the digits on `grey`, line by line.

    Lines are ordered from the top, digits in a line from the left.

    Args:
        grey: (h, w) float in [0, 1], dark ink on light paper or light on dark.
        size: width and height of the picture that it was made from; boxes are in its pixels.
        judge: how sure a network is of digits; with it those that touch are taken apart.
    Raises:
        NoDigitError: no ink is seen on it.
        InputError: the array is no such picture, or it holds too many marks.
    """
    return _find(sheets.alone(mnist_form.checked(grey)), size, judge)


def _find(
    grey: np.ndarray, size: tuple[int, int], judge: touching.Judge | None = None
) -> list[Mark]:
    """Return the digits on `grey`, whose sheet is alone already."""
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
    sheet = _Sheet(grey, block, components, contrast, level, floor)
    lines = [[sheet.stroke(group) for group in line] for line in _lines(groups)]
    if judge is not None and lines:
        lines = _taken_apart(sheet, lines, _usual_height(groups), judge)
    return [
        Mark(stroke.levels, _place(stroke.box, small.shape, size), number)
        for number, line in enumerate(lines, start=1)
        for stroke in line
    ]


def _taken_apart(
    sheet: _Sheet, lines: list[list[_Strokes]], usual: float, judge: touching.Judge
) -> list[list[_Strokes]]:
    """Return the same lines, with those digits apart that touched."""
    marks = [strokes for line in lines for strokes in line]
    likely = iter(joined.likely(np.stack([each.levels for each in marks])))
    sure = iter(_sure(judge, marks))
    tried = []
    for line in lines:
        for place, strokes in enumerate(line):
            width = strokes.box[3] - strokes.box[1]
            unsure = next(sure) < touching.SURE
            if next(likely) and (unsure or width > touching.WIDE * usual):
                cut = touching.cuts(strokes.strength, sheet.level, usual)
                made = touching.pieces(strokes.strength, cut, sheet.floor, usual)
                tried.append((line, place, cut, made, [sheet.piece(strokes, p) for p in made]))
    if not tried:
        return lines
    judged = _sure(judge, [piece for *_, pieces in tried for piece in pieces])
    parted = {}
    for line, place, cut, made, pieces in tried:
        mine, judged = judged[: len(pieces)], judged[len(pieces) :]
        chosen = touching.best(cut, made, mine, usual)
        if len(chosen) > 1:
            whole = line[place]
            parted[id(line), place] = [sheet.piece(whole, made[n], fine=True) for n in chosen]
    return [
        [
            part
            for place, strokes in enumerate(line)
            for part in parted.get((id(line), place), [strokes])
        ]
        for line in lines
    ]


def _sure(judge: touching.Judge, strokes: list[_Strokes]) -> np.ndarray:
    """Return the network's confidence in each, (n,); 0 for empty ones."""
    levels = np.stack([each.levels for each in strokes])
    return np.where(levels.any((1, 2)), judge(levels), 0)


def _contrast(small: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the ink's contrast without ruled lines, and two levels.

    These are a full stroke's contrast, and the least that is ink.
    """
    contrast = ink.without_lines(ink.raised(grid.softened(small)))
    quiet = max(ink.NOISE * ink.noise_of(small), ink.FAINTEST)
    full = contrast[contrast > max(quiet, 0.3 * float(contrast.max()))]
    level = grid.quantile(full, 0.8) if full.size else 1.0
    return contrast, level, max(quiet, 0.3 * level)


class _Strokes(NamedTuple):
    """Hold what may be a digit.

    Attributes:
        strength: (h, w) float32, the contrast of its ink in its box, 0 elsewhere.
        box: top, left, bottom and right on the sheet.
        levels: (28, 28) uint8, MNIST's form, empty where it cannot be strokes of a digit.
    """

    strength: np.ndarray
    box: tuple[int, int, int, int]
    levels: np.ndarray


class _Sheet(NamedTuple):
    """Hold a picture in which digits are looked for.

    Attributes:
        grey: (h, w) float32 in [0, 1], dark ink.
        block: how many pixels of `grey` make one of the arrays that follow.
        components: (h, w) int, the number of the mark that each pixel belongs to, 0 for paper.
        contrast: (h, w) float32, how dark the ink is.
        level, floor: the contrast of a full stroke, and the least of ink.
    """

    grey: np.ndarray
    block: int
    components: np.ndarray
    contrast: np.ndarray
    level: float
    floor: float

    def stroke(self, group: _Group) -> _Strokes:
        """Return the strokes of a group."""
        top, left, bottom, right = group.box
        first, start = max(top - 1, 0), max(left - 1, 0)  # with the soft rim of the ink
        window = slice(first, bottom + 1), slice(start, right + 1)
        around = self.components[window]
        inside = np.isin(around, group.components)
        near = (grid.highest(inside.astype(np.float32), 1) > 0) & (inside | (around == 0))
        strength = np.where(near, self.contrast[window], 0).astype(np.float32)
        return _Strokes(strength, group.box, self._levels(strength, (first, start), group.box))

    def piece(self, of: _Strokes, piece: touching.Piece, fine: bool = False) -> _Strokes:
        """Return a part of strokes that was cut off.

        With `fine` it is read on a finer grid.
        """
        first, start = max(of.box[0] - 1, 0), max(of.box[1] - 1, 0)
        top, left, bottom, right = piece.box
        box = (first + top, start + left, first + bottom, start + right)
        strength = np.where(piece.mask, of.strength, 0)
        return _Strokes(strength, box, self._levels(strength, (first, start), box, fine))

    def _levels(
        self,
        strength: np.ndarray,
        corner: tuple[int, int],
        box: tuple[int, int, int, int],
        fine: bool = True,
    ) -> np.ndarray:
        """Return MNIST's form of the ink `strength` with this `corner`."""
        top, left, bottom, right = box
        room = max(bottom - top, right - left) // 4 + 3
        first, start = max(top - room, 0), max(left - room, 0)
        shape = self.contrast[first : bottom + room, start : right + room].shape
        around = np.zeros(shape, np.float32)
        y, x = corner[0] - first, corner[1] - start
        cut = strength[max(-y, 0) :, max(-x, 0) :][: shape[0] - max(y, 0), : shape[1] - max(x, 0)]
        around[max(y, 0) : max(y, 0) + cut.shape[0], max(x, 0) : max(x, 0) + cut.shape[1]] = cut
        place = (top - first, left - start, bottom - first, right - start)
        strip = ink.Ink(around, self.level, place, 1)
        if fine:
            block = self.block
            region = self.grey[
                first * block : (bottom + room) * block, start * block : (right + room) * block
            ]
            strip = mnist_form.closer(region, strip, block) or strip
        strokes = mnist_form.shaped(strip)
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
