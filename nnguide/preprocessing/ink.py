"""Search for one digit's ink on any paper, with NumPy only.

Paper may be shaded, ruled, framed, noisy or dark. What tells ink from all of these: ink is
narrow (a shadow is wide), it ends before the picture does (a ruled line does not), it hangs
together (noise does not), and it covers less than its paper (which tells dark from light).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import grid

FAINTEST = 0.04  # ink that differs less from its paper is not seen
NOISE = 5.0  # ink stands this many standard deviations out of the noise
PARALLEL = 0.7  # of 1: how far all edges of stripes run the same way
UNIFORM = 0.12  # of a picture's variance, at most, is along stripes; MNIST's digits have above 0.3
SEGMENTS = 16  # a ruled line is seen in nearly all of this many pieces of the picture's width


class Ink(NamedTuple):
    """Ink that one pass found.

    Attributes:
        strength: (h, w) float32, contrast of the digit's ink to its paper, 0 elsewhere.
        level: the contrast of a full stroke.
        box: top, left, bottom, right of the ink in pixels of `strength`.
        marks: how many marks of a digit's size the picture holds.
    """

    strength: np.ndarray
    level: float
    box: tuple[int, int, int, int]
    marks: int


def find(grey: np.ndarray, region: np.ndarray | None = None) -> Ink | None:
    """Find the dark ink on `grey` (h, w) float32 in [0, 1].

    None where there is no ink. With a `region` (h, w) bool, what lies outside of it is paper.
    """
    contrast = raised(grid.softened(grey))
    if region is not None:
        contrast = np.where(region, contrast, 0)
    quiet = max(NOISE * noise_of(grey), FAINTEST)

    components = Components(contrast, max(quiet, 0.05 * float(contrast.max())), blocks=128)
    frames = components.frames()
    ringed = components.ringed(frames)
    contrast = without_lines(np.where(components.pixels(frames), 0, contrast))
    components = Components(contrast, max(quiet, 0.12 * float(contrast.max())))
    digit = components.pixels(components.digit())
    full = contrast[digit & (contrast > components.floor)]
    if not full.size:
        return None
    level = grid.quantile(full, 0.8)
    marks = Components(contrast, max(quiet, 0.3 * level), blocks=160).marks() + ringed

    if region is None and is_striped(contrast):
        marks += 1

    contrast = np.where(digit, contrast, 0)  # again: what is faint beside this ink is not ink
    components = Components(contrast, max(quiet, 0.3 * level))
    digit = components.pixels(components.digit())
    inked = digit & (contrast > components.floor)
    if not inked.any():
        return None
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    return Ink(np.where(digit, contrast, 0), level, box, marks)


def noise_of(grey: np.ndarray) -> float:
    """Return the standard deviation of noise in `grey` once softened.

    Second differences along both axes see nothing of slopes, straight edges and lines
    (Immerkær, Fast Noise Variance Estimation, 1996); they amplify white noise by 6, and
    softening leaves 0.375 of it.
    """
    if min(grey.shape) < 3:
        return 0.0
    rough = np.abs(np.diff(np.diff(grey, 2, axis=0), 2, axis=1))
    return grid.median(rough) / 0.6745 / 6 * 0.375 / max(grid.median(grey), 0.1)


def is_light(grey: np.ndarray) -> bool:
    """Return whether the ink is lighter than its paper.

    Ink covers less than its surroundings and differs from them by more, so the third moment
    of what differs from the mean around has its sign.
    """
    small = grid.block_mean(grey, -(-max(grey.shape) // 128))
    rest = small - grid.mean_around(small, max(min(small.shape) // 4, 2))
    return float(((rest - grid.median(rest)) ** 3).sum()) > 0


def raised(grey: np.ndarray) -> np.ndarray:
    """Return how much darker each pixel is than its paper.

    It is a fraction of the paper's light. The paper under a stroke is what a closing leaves: what
    is narrower than the window is filled, and a shadow, being wider, stays as it is. At the
    picture's edge a closing misjudges a slope of light, and less its slope, the picture's hard
    shadows; the lower of both papers is right. Noise lifts a closing a little everywhere, so the
    middle of the contrast counts as no ink.
    """
    radius, slope = max(min(grey.shape) // 6, 3), grid.plane(grey)
    paper = np.minimum(grid.closed(grey, radius), slope + grid.closed(grey - slope, radius))
    contrast = 1 - grey / np.maximum(paper, 0.1)
    return contrast - grid.median(contrast)


def without_lines(contrast: np.ndarray) -> np.ndarray:
    """Remove lines that run from one side to the other."""
    rest = contrast - ruled(contrast) - ruled(contrast.T).T
    ink = rest > 0.5 * rest.max()
    across, down = ink.any(0), ink.any(1)
    if not ink.any() or (across[0] and across[-1]) or (down[0] and down[-1]):
        return contrast  # the "lines" were strokes of a digit that fills its picture
    return rest


def is_striped(contrast: np.ndarray) -> bool:
    """Return whether the ink is stripes.

    All edges then run the same way, and there are several. Stripes are counted where the ink,
    summed along them, is above half of its highest sum.
    """
    most = max(float(contrast.max()), 1e-6)
    alike, line = parallels(np.clip(contrast, 0, 0.5 * most).astype(np.float64))
    if alike <= PARALLEL:
        return False
    sums = np.bincount(line.ravel(), (contrast > 0.25 * most).ravel())
    ink = np.pad(sums > 0.5 * sums.max(), 1)
    return int((ink[1:] & ~ink[:-1]).sum()) > 1


def is_grating(grey: np.ndarray) -> bool:
    """Return whether the whole picture is stripes.

    It hardly changes along them, and there are several. This finds broad stripes too, which no
    paper surrounds. One stroke from edge to edge is not a stripe.
    """
    small = grid.block_mean(grey, -(-max(grey.shape) // 128))
    levels = grid.softened(small).astype(np.float64)
    line = parallels(levels)[1].ravel()
    count = np.bincount(line)
    mean = np.bincount(line, levels.ravel()) / np.maximum(count, 1)
    rest = ((levels.ravel() - mean[line]) ** 2).mean()
    mean = mean[count >= 0.15 * count.max()]  # shorter lines cut a corner
    dark = mean < (mean.min() + mean.max()) / 2
    bands = int((dark[1:] != dark[:-1]).sum()) + 1
    return bool(rest < UNIFORM * levels.var() and bands > 3)


def parallels(levels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return how parallel all edges are, and each pixel's line.

    The first is from 0 to 1, for `levels` (h, w). The way is that of the structure tensor (Bigün
    and Granlund, 1987). Lines are numbered from one side to the other, (h, w) int.
    """
    down, across = levels[2:, 1:-1] - levels[:-2, 1:-1], levels[1:-1, 2:] - levels[1:-1, :-2]
    x, y, both = (across**2).sum(), (down**2).sum(), (down * across).sum()
    angle = 0.5 * np.arctan2(2 * both, x - y)
    rows, columns = np.indices(levels.shape)
    place = columns * np.cos(angle) + rows * np.sin(angle)
    line = np.floor(place - place.min() + 1e-6).astype(int)
    return float(np.hypot(x - y, 2 * both) / max(x + y, 1e-12)), line


def ruled(contrast: np.ndarray) -> np.ndarray:
    """Return the contrast of the lines that run across, (h, w).

    A row belongs to a line if nearly every segment of it is dark. That is tried for every
    tilt; the one along which most is dark wins.
    """
    height, width = contrast.shape
    pieces = min(SEGMENTS, width)
    edges = np.linspace(0, width, pieces + 1).astype(int)
    segments = np.add.reduceat(contrast, edges[:-1], axis=1) / np.diff(edges)  # (h, pieces)
    places = (np.arange(pieces) + 0.5) / pieces - 0.5
    best, profile, shift = 0.0, np.zeros(height, np.float32), np.zeros(pieces, int)
    steepest = max(width // 25, 1)
    for tilt in range(-steepest, steepest + 1, max(steepest // 8, 1)):
        shifts = np.rint(tilt * places).astype(int)
        rows = np.arange(height)[:, None] + shifts
        there = np.take_along_axis(segments, np.clip(rows, 0, height - 1), 0)
        there = np.where((rows >= 0) & (rows < height), there, 0)
        # of a line, unlike of a long stroke, both ends lie at the picture's edge
        few = np.partition(there, pieces // 7, axis=1)[:, pieces // 7]
        excess = np.maximum(np.minimum(few, np.minimum(there[:, 0], there[:, -1])), 0)
        if (dark := float((excess**2).sum())) > best * 1.02:
            best, profile, shift = dark, excess, shifts
    thick = grid.opened(profile[:, None], (2 + height // 64, 0))[:, 0]
    profile = np.where(profile - thick > FAINTEST / 2, profile, 0)
    if not profile.any():
        return np.zeros_like(contrast)
    by_piece = np.repeat(shift, np.diff(edges))
    rows = np.clip(np.arange(height)[:, None] - by_piece, 0, height - 1)
    return 1.2 * profile[rows]


class Components:
    """Connected components of the ink.

    They are on a grid of blocks that bridges small gaps.
    """

    def __init__(self, contrast: np.ndarray, floor: float, blocks: int = 64) -> None:
        """Divide `contrast` (h, w) into components above `floor`."""
        self.shape = contrast.shape
        self.side = -(-max(self.shape) // blocks)
        self.floor = floor
        mask = grid.block_highest(contrast, self.side) > self.floor
        numbers = grid.components(mask)
        used = np.bincount(numbers.ravel(), minlength=mask.size + 1) > 0
        used[0] = True  # the first component, 0, is where no ink is
        self.count = int(used.sum())
        self.index = (np.cumsum(used) - 1)[numbers]
        flat, (y, x) = self.index.ravel(), np.indices(mask.shape).reshape(2, -1)
        top, left = (lowest_of(flat, place, self.count) for place in (y, x))
        bottom, right = (-lowest_of(flat, -place, self.count) + 1 for place in (y, x))
        self.boxes = np.stack([top, left, bottom, right], 1)  # (count, 4)

        weight = grid.block_highest(contrast, self.side).ravel()
        self.weight = np.bincount(flat, weight, self.count) / np.maximum(np.bincount(flat), 1)

        height, width = bottom - top, right - left
        self.cornered = np.ones(self.count, bool)  # has ink in all corners of its box
        for down in (y - top[flat], bottom[flat] - 1 - y):
            for across in (x - left[flat], right[flat] - 1 - x):
                corner = (down <= height[flat] // 10) & (across <= width[flat] // 10)
                self.cornered &= np.bincount(flat, corner, self.count) > 0
        rim = (y == 0) | (x == 0) | (y == mask.shape[0] - 1) | (x == mask.shape[1] - 1)
        self.along_edge = np.bincount(flat, rim, self.count) / np.maximum(height + width, 1)
        self.length = np.hypot(*(self.boxes[:, 2:] - self.boxes[:, :2]).T)

    def pixels(self, chosen: np.ndarray) -> np.ndarray:
        """Return the pixels of the `chosen` components, (h, w) bool.

        `chosen` is (count,) bool. A rim of a block is added.
        """
        blocks = grid.highest(chosen[self.index], 1)
        whole = np.repeat(np.repeat(blocks, self.side, 0), self.side, 1)
        return whole[: self.shape[0], : self.shape[1]]

    def frames(self) -> np.ndarray:
        """Return which components are drawn around another one, (count,) bool."""
        framing = np.zeros(self.count, bool)
        for component in np.flatnonzero(
            self.cornered & (self.length > 0.3 * max(self.index.shape))
        ):
            inside = (self.boxes[:, :2] > self.boxes[component, :2]).all(1)
            inside &= (self.boxes[:, 2:] < self.boxes[component, 2:]).all(1)
            framing[component] = (inside & (self.length > 0.15 * self.length[component]))[1:].any()
        framing[0] = False
        return framing

    def digit(self) -> np.ndarray:
        """Return which components make up the digit, (count,) bool.

        The longest and darkest component, and others near it if they are long enough to be a
        stroke. What lies along the picture's edge is rather a shadow or the end of a sheet.
        """
        length = self._lengths()
        main = (length * self.weight).argmax()
        reach = 0.25 * self.length[main]
        near = (self.boxes[:, :2] < self.boxes[main, 2:] + reach).all(1)
        near &= (self.boxes[:, 2:] > self.boxes[main, :2] - reach).all(1)
        dark = self.weight >= 0.3 * self.weight[main]
        return near & dark & (length > 0) & (length >= 0.15 * length[main])

    def marks(self) -> int:
        """Return how many marks could each be a digit.

        It is 1 for the main component, and those apart from it. Such a mark is dark and at least
        half as high and as long, and stands beside the main component, above it or below it.
        """
        length = self._lengths()
        main = (length * self.weight).argmax()
        height = self.boxes[:, 2] - self.boxes[:, 0]
        apart = (self.boxes[:, :2] > self.boxes[main, 2:]).any(1)
        apart |= (self.boxes[:, 2:] < self.boxes[main, :2]).any(1)
        dark = self.weight >= 0.5 * self.weight[main]
        alike = (height >= 0.5 * height[main]) & (length >= 0.5 * length[main])
        return 1 + int((apart & dark & alike).sum())

    def ringed(self, frames: np.ndarray) -> int:
        """Return 1 if the longest component is around another, else 0.

        The components `frames` (count,) bool do not count. That is a digit with a circle around it,
        or a zero with a stroke inside.
        """
        length = np.where(frames, 0, self._lengths())
        outer = length.argmax()
        inside = length * (self.boxes[:, :2] > self.boxes[outer, :2]).all(1)
        inside *= (self.boxes[:, 2:] < self.boxes[outer, 2:]).all(1)
        inner = inside.argmax()
        return int(inside[inner] > 0.25 * length[outer] and self.encloses(outer, inner))

    def encloses(self, outer: Any, inner: Any) -> bool:
        """Return whether component `outer` surrounds `inner`.

        It lies on all four sides of nearly every block of `inner`.
        """
        ring, free = self.index == outer, np.ones(self.index.shape, bool)
        for axis in (0, 1):
            free &= np.logical_or.accumulate(ring, axis)
            free &= np.flip(np.logical_or.accumulate(np.flip(ring, axis), axis), axis)
        return bool(free[self.index == inner].mean() > 0.9)

    def _lengths(self) -> np.ndarray:
        """Return the length of each component.

        Along the picture's edge a tenth of it counts. Component 0, without ink, has none.
        """
        length = self.length * 0.1 ** np.minimum(2 * self.along_edge, 1)
        length[0] = 0
        return length


def lowest_of(index: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return the least value of each component.

    `values` are (n,) int; a component without any has 0.
    """
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, index, values)
    return np.where(least == np.iinfo(np.int64).max, 0, least)
