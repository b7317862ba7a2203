"""The steps of nnguide.preprocessing.ink on TensorFlow tensors, for graphs."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from nnguide.export import tf_grid as grid
from nnguide.preprocessing.ink import FAINTEST, NOISE, PARALLEL, SEGMENTS, UNIFORM


class Ink(NamedTuple):
    """The result of one pass, as in nnguide.preprocessing.ink.Ink.

    Attributes:
        strength: (h, w) float64.
        level: () float64.
        box: (4,) int32.
        seen: () bool; where it is false, the rest has no meaning.
        marks: () int32.
    """

    strength: Any
    level: Any
    box: Any
    seen: Any
    marks: Any


def find(grey: Any, region: Any, whole: bool) -> Ink:
    """Find the dark ink on `grey` (h, w) float32 in [0, 1].

    Outside of `region` (h, w) bool is paper.

    Args:
        whole: the region is all of it.
    """
    contrast = tf.where(region, raised(grid.softened(grey)), 0)
    quiet = tf.maximum(NOISE * noise_of(grey), FAINTEST)

    strokes = components(contrast, tf.maximum(quiet, 0.05 * greatest(contrast)), 128)
    drawn_around = frames(strokes)
    ring = ringed(strokes, drawn_around)
    contrast = without_lines(tf.where(~pixels(strokes, drawn_around, grey), contrast, 0))
    strokes = components(contrast, tf.maximum(quiet, 0.12 * greatest(contrast)))
    digit = pixels(strokes, digit_components(strokes), grey)
    seen = tf.reduce_any(digit)
    level = grid.quantile(tf.boolean_mask(contrast, digit & (contrast > strokes.floor)), 0.8)
    marks = count_marks(components(contrast, tf.maximum(quiet, 0.3 * level), 160)) + ring

    if whole:
        marks += tf.cast(is_striped(contrast), tf.int32)

    contrast = tf.where(digit, contrast, 0)  # once more: what is faint beside this ink is none
    strokes = components(contrast, tf.maximum(quiet, 0.3 * level))
    digit = pixels(strokes, digit_components(strokes), grey)
    inked = digit & (contrast > strokes.floor)
    seen &= tf.reduce_any(inked)
    return Ink(tf.where(digit, contrast, 0), level, grid.bounds(inked), seen, marks)


def greatest(values: Any) -> Any:
    """Return the greatest of `values`, () float64."""
    return tf.cast(tf.reduce_max(values), tf.float64)


@grid.once
def noise_of(grey: Any) -> Any:
    """Estimate the noise that is left in `grey` once it is softened.

    It is a standard deviation.
    """
    down = grey[2:] - 2 * grey[1:-1] + grey[:-2]
    rough = tf.abs(down[:, 2:] - 2 * down[:, 1:-1] + down[:, :-2])  # empty below 3 pixels: 0
    noise = tf.cast(grid.median(rough), tf.float64) / 0.6745 / 6 * 0.375
    return noise / tf.maximum(tf.cast(grid.median(grey), tf.float64), 0.1)


@grid.once
def is_light(grey: Any) -> Any:
    """Return whether the ink on `grey` is lighter than its paper.

    `grey` is (h, w).
    """
    small = grid.block_mean(grey, -(-tf.reduce_max(tf.shape(grey)) // 128))
    rest = small - grid.mean_around(small, tf.maximum(tf.reduce_min(tf.shape(small)) // 4, 2))
    return tf.reduce_sum((rest - grid.median(rest)) ** 3) > 0


@grid.once
def raised(grey: Any) -> Any:
    """Return how far each pixel is darker than its paper.

    It is a fraction of the paper's light.
    """
    radius = tf.maximum(tf.reduce_min(tf.shape(grey)) // 6, 3)
    slope = grid.plane(grey)
    around = (radius, radius)
    paper = tf.minimum(grid.closed(grey, around), slope + grid.closed(grey - slope, around))
    contrast = 1 - grey / tf.maximum(paper, 0.1)
    return contrast - grid.median(contrast)


def without_lines(contrast: Any) -> Any:
    """Remove lines that run from side to side from `contrast`.

    The result is float64.
    """
    contrast = tf.cast(contrast, tf.float64)
    rest = contrast - ruled(contrast) - tf.transpose(ruled(tf.transpose(contrast)))
    ink = rest > 0.5 * tf.reduce_max(rest)
    across, down = tf.reduce_any(ink, 0), tf.reduce_any(ink, 1)
    strokes = (across[0] & across[-1]) | (down[0] & down[-1]) | ~tf.reduce_any(ink)
    return tf.where(strokes, contrast, rest)


def is_striped(contrast: Any) -> Any:
    """Return whether the ink of `contrast` is stripes, () bool.

    `contrast` is (h, w) float64.
    """
    most = tf.maximum(tf.reduce_max(contrast), 1e-6)
    alike, line = parallels(tf.clip_by_value(contrast, 0, 0.5 * most))
    inked = tf.cast(contrast > 0.25 * most, tf.int32)
    sums = tf.math.bincount(line, tf.reshape(inked, [-1]))
    ink = tf.pad(tf.cast(2 * sums > tf.reduce_max(sums), tf.int32), [[1, 0]])
    return (alike > PARALLEL) & (tf.reduce_sum(tf.nn.relu(ink[1:] - ink[:-1])) > 1)


def is_grating(grey: Any) -> Any:
    """Return whether all of `grey` (h, w) float32 is stripes, () bool."""
    small = grid.block_mean(grey, -(-tf.reduce_max(tf.shape(grey)) // 128))
    levels = tf.cast(grid.softened(small), tf.float64)
    line, flat = parallels(levels)[1], tf.reshape(levels, [-1])
    lines = tf.reduce_max(line) + 1
    count = tf.math.unsorted_segment_sum(tf.ones_like(flat), line, lines)
    mean = tf.math.unsorted_segment_sum(flat, line, lines) / tf.maximum(count, 1)
    rest = tf.reduce_mean((flat - tf.gather(mean, line)) ** 2)
    mean = tf.boolean_mask(mean, count >= 0.15 * tf.reduce_max(count))
    dark = mean < (tf.reduce_min(mean) + tf.reduce_max(mean)) / 2
    bands = tf.reduce_sum(tf.cast(dark[1:] != dark[:-1], tf.int32)) + 1
    return (rest < UNIFORM * tf.math.reduce_variance(flat)) & (bands > 3)


def parallels(levels: Any) -> tuple[Any, Any]:
    """Return how parallel all edges of `levels` are.

    `levels` is (h, w) float64. The second value is the line in that direction of each pixel.

    The lines are (h * w,) int32.
    """
    down, across = levels[2:, 1:-1] - levels[:-2, 1:-1], levels[1:-1, 2:] - levels[1:-1, :-2]
    x, y, both = (tf.reduce_sum(product) for product in (across**2, down**2, down * across))
    angle = 0.5 * tf.atan2(2 * both, x - y)
    rows = tf.cast(tf.range(tf.shape(levels)[0]), tf.float64)[:, None]
    columns = tf.cast(tf.range(tf.shape(levels)[1]), tf.float64)[None]
    place = columns * tf.cos(angle) + rows * tf.sin(angle)
    line = tf.cast(tf.floor(place - tf.reduce_min(place) + 1e-6), tf.int32)
    alike = tf.sqrt((x - y) ** 2 + (2 * both) ** 2) / tf.maximum(x + y, 1e-12)
    return alike, tf.reshape(line, [-1])


@grid.once
def ruled(contrast: Any) -> Any:
    """Return the contrast of the lines that run across.

    It is (h, w) float64 like `contrast`.
    """
    height, width = tf.shape(contrast)[0], tf.shape(contrast)[1]
    pieces = tf.minimum(SEGMENTS, width)
    edges = tf.range(pieces + 1) * width // pieces
    lengths = edges[1:] - edges[:-1]
    piece = tf.repeat(tf.range(pieces), lengths)
    segments = tf.math.segment_sum(tf.transpose(contrast), piece)
    segments = segments / tf.cast(lengths, tf.float64)[:, None]  # (pieces, h)
    places = (tf.cast(tf.range(pieces), tf.float64) + 0.5) / tf.cast(pieces, tf.float64) - 0.5
    steepest = tf.maximum(width // 25, 1)
    tilts = tf.range(-steepest, steepest + 1, tf.maximum(steepest // 8, 1))
    shifts = tf.cast(tf.round(tf.cast(tilts, tf.float64)[:, None] * places), tf.int32)

    rows = tf.range(height) + shifts[:, :, None]  # (tilts, pieces, h)
    there = tf.gather(
        tf.repeat(segments[None], tf.size(tilts), 0),
        tf.clip_by_value(rows, 0, height - 1),
        batch_dims=2,
    )
    there = tf.where((rows >= 0) & (rows < height), there, 0)
    few = tf.sort(there, axis=1)[:, pieces // 7]  # (tilts, h)
    ends = tf.minimum(there[:, 0], there[:, -1])
    profiles = tf.maximum(tf.minimum(few, ends), 0)
    dark = tf.reduce_sum(profiles**2, axis=1)

    best = tf.constant(0.0, tf.float64)
    chosen = 0
    for tilt in tf.range(tf.size(tilts)):
        if dark[tilt] > best * 1.02:
            best = dark[tilt]
            chosen = tilt
    profile = tf.where(best > 0, profiles[chosen], 0)
    thick = grid.opened(profile[:, None], (2 + height // 64, 0))[:, 0]
    profile = tf.where(profile - thick > FAINTEST / 2, profile, 0)
    rows = tf.range(height)[:, None] - tf.repeat(shifts[chosen], lengths)
    return 1.2 * tf.gather(profile, tf.clip_by_value(rows, 0, height - 1))


class Components(NamedTuple):
    """The connected components, as in nnguide.preprocessing.ink.Components.

    Attributes:
        side: pixels of a block's side, () int32.
        floor: () float64.
        index: (rows, columns) int32, the component that each block is of; 0 is where no ink is.
        boxes: (count, 4) int32, in blocks.
        weight, along_edge, length: (count,) float64.
        cornered: (count,) bool.
    """

    side: Any
    floor: Any
    index: Any
    boxes: Any
    weight: Any
    along_edge: Any
    length: Any
    cornered: Any


@grid.once
def components(contrast: Any, floor: Any, blocks: int = 64) -> Components:
    """Find the components of `contrast` (h, w) above `floor`.

    They lie on a grid of blocks.
    """
    side = -(-tf.reduce_max(tf.shape(contrast)) // blocks)
    peaks = grid.block_highest(contrast, side)
    mask = peaks > tf.cast(floor, peaks.dtype)
    numbers = grid.components(mask)
    used = tf.math.bincount(tf.reshape(numbers, [-1]), minlength=tf.size(mask) + 1) > 0
    used = tf.concat([[True], used[1:]], 0)  # the first component, 0, is where no ink is
    count = tf.reduce_sum(tf.cast(used, tf.int32))
    index = tf.gather(tf.cumsum(tf.cast(used, tf.int32)) - 1, numbers)

    flat = tf.reshape(index, [-1])
    rows, columns = tf.shape(mask)[0], tf.shape(mask)[1]
    y = tf.repeat(tf.range(rows), columns)
    x = tf.tile(tf.range(columns), [rows])
    size = tf.math.unsorted_segment_sum(tf.ones_like(flat), flat, count)
    top, left = (
        tf.where(size > 0, tf.math.unsorted_segment_min(place, flat, count), 0) for place in (y, x)
    )
    bottom, right = (
        tf.where(size > 0, tf.math.unsorted_segment_max(place, flat, count), 0) + 1
        for place in (y, x)
    )
    height, width = bottom - top, right - left

    def total(values: Any) -> Any:
        values = tf.cast(tf.reshape(values, [-1]), tf.float64)
        return tf.math.unsorted_segment_sum(values, flat, count)

    cornered = tf.ones([count], tf.bool)
    near, beside = tf.gather(height // 10, flat), tf.gather(width // 10, flat)
    for down in (y - tf.gather(top, flat), tf.gather(bottom, flat) - 1 - y):
        for across in (x - tf.gather(left, flat), tf.gather(right, flat) - 1 - x):
            cornered = cornered & (total((down <= near) & (across <= beside)) > 0)
    rim = (y == 0) | (x == 0) | (y == rows - 1) | (x == columns - 1)
    tall, wide = tf.cast(height, tf.float64), tf.cast(width, tf.float64)
    return Components(
        side=side,
        floor=floor,
        index=index,
        boxes=tf.stack([top, left, bottom, right], 1),
        weight=total(peaks) / tf.maximum(tf.cast(size, tf.float64), 1),
        along_edge=total(rim) / tf.maximum(tall + wide, 1),
        length=tf.sqrt(tall**2 + wide**2),
        cornered=cornered,
    )


@grid.once
def pixels(of: Components, chosen: Any, picture: Any) -> Any:
    """Return where the `chosen` components lie, with a rim of one block.

    `chosen` is (count,) bool; the result has the shape of `picture`.
    """
    blocks = grid.highest(tf.cast(tf.gather(chosen, of.index), tf.int32), (1, 1))
    whole = tf.repeat(tf.repeat(blocks, of.side, 0), of.side, 1)
    return whole[: tf.shape(picture)[0], : tf.shape(picture)[1]] > 0


def not_first(chosen: Any) -> Any:
    """Return `chosen` (count,) bool without component 0, which is no ink."""
    return chosen & (tf.range(tf.size(chosen)) > 0)


def frames(of: Components) -> Any:
    """Return which components are drawn around another one, (count,) bool."""
    largest = tf.cast(tf.reduce_max(tf.shape(of.index)), tf.float64)
    long = not_first(of.cornered & (of.length > 0.3 * largest))
    outer = tf.where(long)[:, 0]  # (k,)
    boxes, length = tf.gather(of.boxes, outer)[:, None], tf.gather(of.length, outer)[:, None]
    inside = tf.reduce_all(of.boxes[:, :2] > boxes[..., :2], -1)  # (k, count)
    inside &= tf.reduce_all(of.boxes[:, 2:] < boxes[..., 2:], -1)
    inside &= (of.length > 0.15 * length) & (tf.range(tf.size(of.length)) > 0)
    around = tf.boolean_mask(outer, tf.reduce_any(inside, 1))
    marks = tf.ones_like(around, tf.int32)
    return tf.math.unsorted_segment_sum(marks, around, tf.size(of.length)) > 0


@grid.once
def lengths(of: Components) -> Any:
    """Return how long each component is, (count,) float64.

    Along the edge it is a tenth; component 0, which is no ink, has none.
    """
    length = of.length * 0.1 ** tf.minimum(2 * of.along_edge, 1)
    return tf.where(tf.range(tf.size(length)) > 0, length, 0)


def count_marks(of: Components) -> Any:
    """Count the marks that could each be a digit, () int32."""
    length = lengths(of)
    main = tf.argmax(length * of.weight)
    height = of.boxes[:, 2] - of.boxes[:, 0]
    apart = tf.reduce_any(of.boxes[:, :2] > of.boxes[main, 2:], 1)
    apart |= tf.reduce_any(of.boxes[:, 2:] < of.boxes[main, :2], 1)
    dark = of.weight >= 0.5 * of.weight[main]
    alike = (2 * height >= height[main]) & (length >= 0.5 * length[main])
    return 1 + tf.reduce_sum(tf.cast(apart & dark & alike, tf.int32))


def ringed(of: Components, frames: Any) -> Any:
    """Return 1 if the longest component is drawn around another.

    Otherwise it is 0. The `frames` (count,) bool are not considered.
    """
    length = tf.where(~frames, lengths(of), 0)
    outer = tf.argmax(length)
    within = tf.reduce_all(of.boxes[:, :2] > of.boxes[outer, :2], 1)
    within &= tf.reduce_all(of.boxes[:, 2:] < of.boxes[outer, 2:], 1)
    inside = tf.where(within, length, 0)
    inner = tf.argmax(inside)
    around = (inside[inner] > 0.25 * length[outer]) & encloses(of, outer, inner)
    return tf.cast(around, tf.int32)


def encloses(of: Components, outer: Any, inner: Any) -> Any:
    """Return whether component `outer` encloses `inner`.

    It lies on all four sides of nearly every block of `inner`.
    """
    index = tf.cast(of.index, tf.int64)
    ring = tf.cast(index == outer, tf.int32)
    free = tf.ones_like(ring, tf.bool)
    for axis in (0, 1):
        free &= (tf.cumsum(ring, axis) > 0) & (tf.cumsum(ring, axis, reverse=True) > 0)
    inside = tf.boolean_mask(free, index == inner)
    count = tf.reduce_sum(tf.cast(inside, tf.int32))
    return 10 * count > 9 * tf.size(inside)


@grid.once
def digit_components(of: Components) -> Any:
    """Return which components make up the digit, (count,) bool."""
    length = lengths(of)
    main = tf.argmax(length * of.weight)
    reach = 0.25 * of.length[main]
    boxes = tf.cast(of.boxes, tf.float64)
    near = tf.reduce_all(boxes[:, :2] < boxes[main, 2:] + reach, 1)
    near &= tf.reduce_all(boxes[:, 2:] > boxes[main, :2] - reach, 1)
    dark = of.weight >= 0.3 * of.weight[main]
    return near & dark & (length > 0) & (length >= 0.15 * length[main])
