"""Operations on a grey picture that TensorFlow can repeat.

They are pooling and sums, on (h, w) float32. Nothing here looks at single pixels in a loop, so an
export can hold the same steps as graph operations: block means and windows are pooling, other means
are differences of running sums. No matrix products: their threads cost more than they give on
arrays so small.
"""

from __future__ import annotations

import numpy as np


def quantile(values: np.ndarray, share: float) -> float:
    """Return a quantile of all values, linear between neighbours.

    np.quantile is the same. It imports all of numpy.ma, which takes longer than to read a picture.
    """
    place = share * (values.size - 1)
    low = int(place)
    high = min(low + 1, values.size - 1)
    parted = np.partition(values, (low, high), axis=None)
    return float(parted[low] + (place - low) * (parted[high] - parted[low]))


def median(values: np.ndarray) -> float:
    """Return the median of all values, without np.median for the same reason."""
    return quantile(values, 0.5)


def block_mean(grey: np.ndarray, side: int) -> np.ndarray:
    """Average blocks of side x side.

    A last block that is cut short repeats the edge.
    """
    if side == 1:
        return grey
    below, beside = -grey.shape[0] % side, -grey.shape[1] % side
    whole = _widened(_widened(grey, 0, 0, below), 1, 0, beside)
    height, width = whole.shape[0] // side, whole.shape[1] // side
    rows = whole.reshape(height, side, width * side).sum(1)
    return rows.reshape(height, width, side).sum(2) / np.float32(side * side)


def block_highest(grey: np.ndarray, side: int) -> np.ndarray:
    """Return the greatest value of each block of side x side.

    A last block may be smaller.
    """
    rows = np.maximum.reduceat(grey, np.arange(0, grey.shape[0], side), axis=0)
    return np.maximum.reduceat(rows, np.arange(0, grey.shape[1], side), axis=1)


def softened(grey: np.ndarray) -> np.ndarray:
    """Return the picture smoothed with weights 1 2 1 along both axes."""
    for axis in (0, 1):
        padded = _widened(grey, axis, 1, 1)
        first, middle, last = (
            padded.take(range(start, start + grey.shape[axis]), axis) for start in (0, 1, 2)
        )
        grey = (first + 2 * middle + last) / 4
    return grey


def mean_around(grey: np.ndarray, radius: int) -> np.ndarray:
    """Return the mean of the pixels around each pixel.

    They are within `radius` rows and columns of it.
    """
    for axis in (0, 1):
        length = grey.shape[axis]
        sums = np.cumsum(grey, axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        low = np.maximum(np.arange(length) - radius, 0)
        high = np.minimum(np.arange(length) + radius + 1, length)
        count = (high - low)[:, None] if axis == 0 else high - low
        grey = (sums.take(high, axis) - sums.take(low, axis)) / count
    return grey.astype(np.float32)


def plane(grey: np.ndarray) -> np.ndarray:
    """Return the plane nearest to `grey` by least squares."""
    rows, columns = (np.arange(side, dtype=np.float32) - (side - 1) / 2 for side in grey.shape)
    down = rows @ grey.mean(1) / max(float(rows @ rows), 1.0)
    across = columns @ grey.mean(0) / max(float(columns @ columns), 1.0)
    return (grey.mean() + down * rows[:, None] + across * columns).astype(np.float32)


def highest(grey: np.ndarray, radius: int | tuple[int, int]) -> np.ndarray:
    """Return the greatest value around each pixel.

    It is among the pixels within `radius` (rows, columns). The window doubles from pass to pass, so
    a large one costs little more than a small one.
    """
    by_axis = (radius, radius) if isinstance(radius, int) else radius
    for axis, reach in enumerate(by_axis):
        if reach == 0:
            continue
        maximum = np.moveaxis(_widened(grey, axis, reach, reach), axis, 0)
        covered, wanted = 1, 2 * reach + 1
        while covered < wanted:
            step = min(covered, wanted - covered)
            maximum = np.maximum(maximum[:-step], maximum[step:])
            covered += step
        grey = np.moveaxis(maximum, 0, axis)
    return grey


def lowest(grey: np.ndarray, radius: int | tuple[int, int]) -> np.ndarray:
    """Return the least value around each pixel.

    It is among the pixels within `radius` (rows, columns).
    """
    return -highest(-grey, radius)


def closed(grey: np.ndarray, radius: int | tuple[int, int]) -> np.ndarray:
    """Fill dark spots that are narrower than the window (a closing)."""
    return lowest(highest(grey, radius), radius)


def opened(grey: np.ndarray, radius: int | tuple[int, int]) -> np.ndarray:
    """Remove light spots that are narrower than the window (an opening)."""
    return highest(lowest(grey, radius), radius)


def grown(shape: np.ndarray, steps: float) -> np.ndarray:
    """Widen `shape` by `steps` pixels on each side.

    Negative steps make it narrower. Square and cross take turns, which makes an octagon, near
    enough a disc; a part of a step mixes two neighbours.
    """
    if steps < 0:
        return 1 - grown(1 - shape, -steps)
    for step in range(int(np.ceil(steps))):
        across, down = highest(shape, (0, 1)), highest(shape, (1, 0))
        wider = highest(across, (1, 0)) if step % 2 else np.maximum(across, down)
        share = min(steps - step, 1.0)
        shape = shape + share * (wider - shape)
    return shape


def resampled(grey: np.ndarray, axis: int, start: float, stop: float, pixels: int) -> np.ndarray:
    """Resample `grey` along `axis`, evenly from `start` to `stop`.

    It is read at `pixels` places. Each place averages the stretch it covers, and at least one
    pixel's length: where that is finer than a pixel, it is a straight line between neighbours.
    Beyond the ends all is 0.
    """
    length, step = grey.shape[axis], (stop - start) / pixels
    sums = np.cumsum(grey, axis, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)

    def until(places: np.ndarray) -> np.ndarray:
        places = np.clip(places, 0, length)
        whole = np.minimum(places.astype(int), length - 1)
        fraction = (places - whole)[:, None] if axis == 0 else places - whole
        return sums.take(whole, axis) * (1 - fraction) + sums.take(whole + 1, axis) * fraction

    centres, covered = start + (np.arange(pixels) + 0.5) * step, max(step, 1.0)
    return (until(centres + covered / 2) - until(centres - covered / 2)) / covered


def resized(
    grey: np.ndarray, box: tuple[float, float, float, float], shape: tuple[int, int]
) -> np.ndarray:
    """Resize a box of `grey` to `shape` (rows, columns).

    `box` is top, left, bottom and right.
    """
    top, left, bottom, right = box
    rows = resampled(grey, 0, top, bottom, shape[0])
    return resampled(rows, 1, left, right, shape[1]).astype(np.float32)


def components(mask: np.ndarray) -> np.ndarray:
    """Number the connected components of `mask` (h, w) bool.

    The result is int, 0 outside; a pixel has 8 neighbours. Each pixel takes the highest number
    around it, then the number that stands at that pixel, so a long thin part needs few rounds.
    """
    height, width = mask.shape
    numbers = np.where(mask, np.arange(1, height * width + 1).reshape(height, width), 0)
    while True:
        spread = np.where(mask, highest(numbers, 1), 0)
        spread = np.concatenate([[0], spread.ravel()])[spread]
        if np.array_equal(spread, numbers):
            return numbers
        numbers = spread


def count(components: np.ndarray) -> int:
    """Return how many components there are, as `components` numbers them."""
    flat = components.ravel()  # each has the number of its last pixel
    return int(np.count_nonzero(flat == np.arange(1, flat.size + 1)))


def _widened(grey: np.ndarray, axis: int, before: int, after: int) -> np.ndarray:
    """Repeat the edges along `axis`, as np.pad does in ten times the time."""
    parts = [grey]
    if before:
        parts.insert(0, np.repeat(grey.take([0], axis), before, axis))
    if after:
        parts.append(np.repeat(grey.take([-1], axis), after, axis))
    return np.concatenate(parts, axis) if len(parts) > 1 else grey
