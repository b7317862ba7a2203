"""Conversion of a grey picture of one digit to MNIST's form.

NumPy only. MNIST's digits were cut out, scaled so that the longer side of their ink is 20 pixels,
and laid into 28x28 with the centre of mass in the middle, white on black (LeCun et al., 1998). A
network that learned from them reads other pictures only in that form.

The digit is looked for twice, in the whole picture and then in what surrounds the find: a
digit may be small in its frame, and the second pass has a finer grid and its own light.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError, NoDigitError
from . import grid, margins
from .ink import Ink, find, is_grating, is_light

SIDE = 28  # of the result
BOX = 20  # the longer side of the ink
FINE = 80  # pixels of the ink's longer side while its strokes are shaped
STROKES = (2.6, 3.6)  # widths of MNIST's strokes in pixels, quantiles 25 % and 80 %
MOST_INK = 0.3  # of the result; even MNIST's boldest zeros, which are not asked, hold 0.35
MOST_RUNS = (4, 5)  # strokes that one row and one column of a digit cross
MOST_PARTS = 3  # pieces that a digit is written in
LIGHT = 160  # grey level 0-255 from which paper is light
LONGER_SIDES = (256, 160)  # pixels of the longer side in the first and the second pass
PATTERN = (
    "no digit was seen: the marks make a pattern, a frame or a block and no strokes of a digit. "
    "Give a picture of one digit, dark on light or light on dark."
)


def normalise(grey: np.ndarray) -> np.ndarray:
    """Bring a picture of one digit to MNIST's form.

    Args:
        grey: (h, w) float in [0, 1], dark ink on light paper or light on dark. A picture that
            is in MNIST's form already passes unchanged.
    Returns:
        (28, 28) uint8, white on black: the ink's longer side is 20 pixels, its centre of mass
        in the middle, its strokes two to four pixels wide.
    Raises:
        NoDigitError: no ink is seen on it, or none that could be strokes of a digit.
        InputError: the array is no such picture, or it holds several digits.
    """
    grey = checked(grey)
    if grey.shape == (SIDE, SIDE):
        for view in (grey, 1 - grey):
            if is_normal(levels := to_levels(view)):
                return levels

    if is_grating(grey):
        raise NoDigitError(PATTERN)
    grey = margins.widened(grey)
    if is_light(grey):
        grey = 1 - grey
    block = -(-max(grey.shape) // LONGER_SIDES[0])
    ink = find(grid.block_mean(grey, block))
    if ink is None:
        raise NoDigitError(
            "no digit was seen: the picture is blank, or its ink hardly differs from its paper. "
            "Give a picture of one digit, dark on light or light on dark."
        )
    nearer = closer(grey, ink, block) or ink
    if (marks := max(ink.marks, nearer.marks)) > 1:
        raise several(marks)
    strokes = shaped(nearer)
    levels = framed(strokes) if strokes.max() > 0 else np.zeros((SIDE, SIDE), np.uint8)
    if not levels.any() or not is_digit_like(levels):
        raise NoDigitError(PATTERN)
    return levels


def is_dark_on_white(levels: np.ndarray) -> np.ndarray:
    """Return which pictures are dark on white, (n,) bool.

    Most of such a picture is light, and so is most of its rim; `levels` are (n, 28, 28), 0-255.
    """
    rim = np.concatenate(
        [levels[:, 0], levels[:, -1], levels[:, 1:-1, 0], levels[:, 1:-1, -1]], axis=1
    )
    light = (rim >= LIGHT).mean(1) > 0.5
    places = np.flatnonzero(light)
    light[places] = (levels[places] >= LIGHT).mean((1, 2)) > 0.5
    return light


def white_on_black(levels: np.ndarray) -> tuple[np.ndarray, dict[int, InputError]]:
    """Bring pictures that are dark on white to MNIST's form.

    Each is read as a picture file of it is.

    Args:
        levels: (n, 28, 28) uint8; what is white on black already stays as it is.
    Returns:
        The same, and why some of them, by place, hold no digit.
    """
    places = np.flatnonzero(is_dark_on_white(levels)).tolist()
    levels, bad = levels.copy() if places else levels, {}
    for place in places:
        try:
            levels[place] = normalise(levels[place] / np.float32(255))
        except InputError as error:
            bad[place] = error
    return levels, bad


def several(marks: int) -> InputError:
    """Return the error for a picture of more than one digit."""
    return InputError(
        f"expected one digit; the picture holds {marks} or more marks of that size, beside, "
        "touching, within or around each other. Give one picture for each digit, or find each "
        "with: nnguide predict digits --many"
    )


def checked(grey: np.ndarray) -> np.ndarray:
    """Return `grey` as float32, checked.

    It is an InputError if it is not a picture in [0, 1].
    """
    expected = "expected a grey picture (height, width) of numbers in [0, 1]; got "
    if not isinstance(grey, np.ndarray) or grey.dtype.kind != "f":
        kind = grey.dtype if isinstance(grey, np.ndarray) else type(grey).__name__
        raise InputError(f"{expected}{kind}. Divide 8-bit levels by 255.")
    if grey.ndim != 2 or grey.size == 0:
        raise InputError(f"{expected}shape {grey.shape}")
    low, high = float(grey.min()), float(grey.max())  # a NaN makes both NaN
    if not (low >= 0 and high <= 1):
        values = f"values from {low:g} to {high:g}" if low <= high else "values that are not finite"
        raise InputError(f"{expected}{values}")
    return grey.astype(np.float32)


def to_levels(grey: np.ndarray) -> np.ndarray:
    """Return the levels 0-255, uint8, of `grey` in [0, 1]."""
    return np.rint(grey * 255).astype(np.uint8)


def is_normal(levels: np.ndarray) -> bool:
    """Return whether `levels` (h, w) uint8 is in MNIST's form.

    All 70,000 images of MNIST are.
    """
    if levels.shape != (SIDE, SIDE) or levels.max() < 250 or (levels == 0).mean() < 0.5:
        return False
    rows, columns = np.flatnonzero(levels.any(1)), np.flatnonzero(levels.any(0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    centred = all(SIDE // 2 - 0.1 < place < SIDE // 2 + 1.1 for place in mass_centre(levels))
    return longest in (BOX - 1, BOX) and centred


def is_digit_like(levels: np.ndarray) -> bool:
    """Return whether a picture could be strokes of a digit.

    `levels` is (28, 28) uint8 in MNIST's form. Checkerboards, hatching and dots cross a row too
    often or fall into many pieces; blocks hold too much ink; an upright frame has ink along all
    four sides and a width near its height; a circle around a digit has an outline that no digit but
    an empty zero has.
    """
    ink = levels > 127
    padded = np.pad(ink, 1)
    across = (padded[:, 1:] & ~padded[:, :-1]).sum(1).max()
    down = (padded[1:] & ~padded[:-1]).sum(0).max()
    pieces = grid.count(grid.components(ink))
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    sides = min(side.mean() for side in (box[:2].any(0), box[-2:].any(0),
                                         box[:, :2].any(1), box[:, -2:].any(1)))  # fmt: skip
    framed = sides > 0.9 and min(box.shape) >= 0.65 * max(box.shape)
    if is_circled(box):
        return False
    calm = across <= MOST_RUNS[0] and down <= MOST_RUNS[1] and pieces <= MOST_PARTS
    return bool(calm and ink.mean() <= MOST_INK and not framed)


def is_circled(box: np.ndarray) -> bool:
    """Return whether ink is a circle with something inside.

    `box` is (h, w) bool.
    """
    height, width = box.shape
    if min(height, width) < 0.8 * max(height, width):
        return False
    y, x = ((np.arange(side) + 0.5) / side * 2 - 1 for side in (height, width))
    reach = width / 2 * np.sqrt(1 - y**2)  # of an ellipse, from its axis
    there = np.where(box, np.arange(width), width / 2)
    left, right = width / 2 - there.min(1), there.max(1) + 1 - width / 2
    near = (np.abs(left - reach) < 1.6) & (np.abs(right - reach) < 1.6)
    within = y[:, None] ** 2 + x**2 < 0.25
    return bool(near.mean() > 0.75 and box[within].sum() >= 6)


def mass_centre(levels: np.ndarray) -> tuple[float, float]:
    """Return row and column of the centre of mass.

    The middle of the first pixel is 0.5.
    """
    total = float(levels.sum())
    return tuple(  # type: ignore[return-value]
        float(levels.sum(axis) @ (np.arange(levels.shape[1 - axis]) + 0.5)) / total
        for axis in (1, 0)
    )


def closer(grey: np.ndarray, ink: Ink, block: int) -> Ink | None:
    """Search again around `ink`, on a finer grid.

    It was found where `block` pixels of `grey` make one. What the first pass took for paper stays
    paper. None if the grid would not be finer.
    """
    top, left, bottom, right = (edge * block for edge in ink.box)
    room = max(bottom - top, right - left) // 4 + 2 * block
    top, left = max(top - room, 0), max(left - room, 0)
    window = grey[top : bottom + room, left : right + room]
    finer = -(-max(window.shape) // LONGER_SIDES[1])
    if finer >= block:
        return None
    small = grid.block_mean(window, finer)
    ends = top + small.shape[0] * finer, left + small.shape[1] * finer
    box = top / block, left / block, ends[0] / block, ends[1] / block
    region = grid.resized((ink.strength > 0).astype(np.float32), box, small.shape) > 0
    return find(small, region)


def shaped(ink: Ink) -> np.ndarray:
    """Return the ink with MNIST's strokes, (h, w) float32 in [0, 1].

    Its longer side is about FINE. A stroke is solid where its contrast is above half the level, so
    pencil and chalk become as even as MNIST's ink, and then as wide.
    """
    top, left, bottom, right = ink.box
    longest = max(bottom - top, right - left)
    room = 0.3 * longest  # for a stroke that is made wider, and the soft rim of each
    box = (top - room, left - room, bottom + room, right + room)
    scale = FINE / longest
    shape = (round((bottom - top + 2 * room) * scale), round((right - left + 2 * room) * scale))
    fine = grid.softened(grid.softened(grid.resized(ink.strength, box, shape)))
    solid = np.clip(3 * (fine / ink.level - 0.2), 0, 1)
    width = stroke_width(solid)
    # the ink's box grows with its strokes, and both are scaled to BOX afterwards
    wanted = min(max(width * BOX / FINE, STROKES[0]), STROKES[1])
    steps = (wanted * FINE - width * BOX) / (2 * (BOX - wanted))
    return grid.grown(solid, max(steps, -width / 4, -FINE / 16))


def stroke_width(shape: np.ndarray) -> float:
    """Return the mean width of the strokes.

    It is twice the area, divided by what one step off each side takes.
    """
    area = float(shape.sum())
    return 2 * area / max(area - float(grid.grown(shape, -1).sum()), 1e-6)


def framed(shape: np.ndarray) -> np.ndarray:
    """Frame `shape` (h, w) in [0, 1] like MNIST: (28, 28) uint8."""
    inked = shape > 0.5 * shape.max()
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    sides = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    step = max(sides) / BOX
    pixels = [max(round(side / step), 1) for side in sides]
    middle = (rows[0] + rows[-1] + 1) / 2, (columns[0] + columns[-1] + 1) / 2
    low = [centre - count * step / 2 for centre, count in zip(middle, pixels, strict=True)]
    high = [start + count * step for start, count in zip(low, pixels, strict=True)]
    small = grid.resized(shape, (low[0], low[1], high[0], high[1]), (pixels[0], pixels[1]))
    full = grid.median(small[small > 0.5 * small.max()])  # half of MNIST's ink is full white
    levels = to_levels(np.clip(small / full, 0, 1))

    place = [
        min(max(SIDE // 2 - int(centre), 0), SIDE - count)
        for centre, count in zip(mass_centre(levels), pixels, strict=True)
    ]
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[place[0] : place[0] + pixels[0], place[1] : place[1] + pixels[1]] = levels
    return picture
