"""The operations of nnguide.preprocessing.grid on TensorFlow tensors, for graphs.

The same names and the same steps, in the same precision. Sizes are known only when the graph
runs; loops and branches on them become graph operations through AutoGraph.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

ANY = tf.TensorShape([None, None])
# A step that is taken in many places is a function of the graph, called there: written out each
# time, the graph has three times the nodes, and tracing, saving and loading take as much longer.
once = tf.function(reduce_retracing=True)


def edge(grey: Any, before: Any, after: Any, axis: int) -> Any:
    """Repeat the edge of `grey` along `axis`.

    It is repeated `before` and `after` times.
    """
    first, last = (grey[:1], grey[-1:]) if axis == 0 else (grey[:, :1], grey[:, -1:])
    return tf.concat([tf.repeat(first, before, axis), grey, tf.repeat(last, after, axis)], axis)


def blocks(grey: Any, side: Any) -> Any:
    """Return `grey` (h, w) as blocks (rows, side, columns, side).

    The edge fills a block that is cut short.
    """
    height, width = tf.shape(grey)[0], tf.shape(grey)[1]
    whole = edge(edge(grey, 0, -height % side, 0), 0, -width % side, 1)
    height, width = tf.shape(whole)[0], tf.shape(whole)[1]
    return tf.reshape(whole, [height // side, side, width // side, side])


@once
def block_mean(grey: Any, side: Any) -> Any:
    """Average blocks of side x side.

    A last block that is cut short repeats the edge.
    """
    if side > 1:
        sums = tf.reduce_sum(tf.reduce_sum(blocks(grey, side), axis=1), axis=2)
        grey = sums / tf.cast(side * side, grey.dtype)
    return grey


def block_highest(grey: Any, side: Any) -> Any:
    """Return the greatest value of each block of side x side.

    A last block may be smaller.
    """
    return tf.reduce_max(blocks(grey, side), axis=[1, 3])


@once
def softened(grey: Any) -> Any:
    """Smooth each pixel with weights 1 2 1 along both axes."""
    rows = edge(grey, 1, 1, 0)
    grey = (rows[:-2] + 2 * rows[1:-1] + rows[2:]) / 4
    columns = edge(grey, 1, 1, 1)
    return (columns[:, :-2] + 2 * columns[:, 1:-1] + columns[:, 2:]) / 4


def running_sums(grey: Any) -> Any:
    """Return the sums of the first 0, 1, 2, … rows.

    `grey` (h, w) -> (h + 1, w) float64.
    """
    return tf.pad(tf.cumsum(tf.cast(grey, tf.float64)), [[1, 0], [0, 0]])


@once
def mean_around(grey: Any, radius: Any) -> Any:
    """Return the mean within `radius` (rows, columns) of each pixel."""
    mean = tf.cast(grey, tf.float64)
    for _ in range(2):
        length = tf.shape(mean)[0]
        low = tf.maximum(tf.range(length) - radius, 0)
        high = tf.minimum(tf.range(length) + radius + 1, length)
        sums = running_sums(mean)
        count = tf.cast(high - low, tf.float64)[:, None]
        mean = tf.transpose((tf.gather(sums, high) - tf.gather(sums, low)) / count)
    return tf.cast(mean, tf.float32)


@once
def plane(grey: Any) -> Any:
    """Return the plane that fits `grey` best by least squares."""
    sides = [tf.cast(tf.shape(grey)[axis], tf.float32) for axis in (0, 1)]
    rows, columns = (tf.range(side) - (side - 1) / 2 for side in sides)
    down = tf.tensordot(rows, tf.reduce_mean(grey, 1), 1) / tf.maximum(tf.reduce_sum(rows**2), 1)
    across = tf.tensordot(columns, tf.reduce_mean(grey, 0), 1) / tf.maximum(
        tf.reduce_sum(columns**2), 1
    )
    return tf.reduce_mean(grey) + down * rows[:, None] + across * columns


@once
def highest_down(grey: Any, reach: Any) -> Any:
    """Return the greatest value within `reach` rows of each pixel.

    The window doubles from pass to pass.

    A `reach` that is a Python number is unrolled.
    """
    maximum = edge(grey, reach, reach, 0)
    covered = 1
    wanted = 2 * reach + 1
    while covered < wanted:
        tf.autograph.experimental.set_loop_options(shape_invariants=[(maximum, ANY)])
        step = wanted - covered
        if step > covered:
            step = covered
        maximum = tf.maximum(maximum[:-step], maximum[step:])
        covered += step
    return maximum


def highest(grey: Any, radius: Any) -> Any:
    """Return the greatest value within `radius` (rows, columns) of each pixel."""
    down, across = radius
    return tf.transpose(highest_down(tf.transpose(highest_down(grey, down)), across))


def lowest(grey: Any, radius: Any) -> Any:
    """Return the least value within `radius` (rows, columns) of each pixel."""
    return -highest(-grey, radius)


def closed(grey: Any, radius: Any) -> Any:
    """Fill dark spots that are too narrow for the window.

    This is a closing.
    """
    return lowest(highest(grey, radius), radius)


def opened(grey: Any, radius: Any) -> Any:
    """Remove light spots that are too narrow for the window.

    This is an opening.
    """
    return highest(lowest(grey, radius), radius)


@once
def grown(shape: Any, steps: Any) -> Any:
    """Return `shape` wider by `steps` pixels on each side.

    `steps` is float64; negative ones make it narrower.
    """
    narrower = steps < 0
    steps = tf.abs(steps)
    shape = tf.where(narrower, 1 - shape, shape)
    for step in tf.range(tf.cast(tf.math.ceil(steps), tf.int32)):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(shape, ANY)])
        across, down = highest(shape, (0, 1)), highest(shape, (1, 0))
        wider = tf.where(step % 2 == 1, highest(across, (1, 0)), tf.maximum(across, down))
        share = tf.cast(tf.minimum(steps - tf.cast(step, tf.float64), 1.0), tf.float32)
        shape = shape + share * (wider - shape)
    return tf.where(narrower, 1 - shape, shape)


def until(sums: Any, places: Any) -> Any:
    """Return running `sums` at `places`, by linear interpolation.

    `sums` is (h + 1, w), `places` (n,) float64.
    """
    length = tf.shape(sums)[0] - 1
    places = tf.clip_by_value(places, 0, tf.cast(length, tf.float64))
    whole = tf.minimum(tf.cast(places, tf.int32), length - 1)
    fraction = (places - tf.cast(whole, tf.float64))[:, None]
    return tf.gather(sums, whole) * (1 - fraction) + tf.gather(sums, whole + 1) * fraction


@once
def resampled(grey: Any, start: Any, stop: Any, pixels: Any) -> Any:
    """Return `grey` at evenly spaced rows from `start` to `stop`.

    There are `pixels` rows: (pixels, w) float64.
    """
    step = (stop - start) / tf.cast(pixels, tf.float64)
    sums = running_sums(grey)
    centres = start + (tf.cast(tf.range(pixels), tf.float64) + 0.5) * step
    covered = tf.maximum(step, 1.0)
    return (until(sums, centres + covered / 2) - until(sums, centres - covered / 2)) / covered


@once
def resized(grey: Any, box: Any, shape: tuple[Any, Any]) -> Any:
    """Resize the region `box` of `grey` to `shape` (rows, columns).

    `box` is (top, left, bottom, right), float64.
    """
    rows = resampled(grey, box[0], box[2], shape[0])
    return tf.cast(
        tf.transpose(resampled(tf.transpose(rows), box[1], box[3], shape[1])), tf.float32
    )


@once
def components(mask: Any) -> Any:
    """Number the connected components of `mask` (h, w) bool.

    The result is int32, 0 outside; each pixel has 8 neighbours.
    """
    shape = tf.shape(mask)
    places = tf.reshape(tf.range(1, tf.size(mask) + 1), shape)
    numbers = tf.where(mask, places, 0)
    before = tf.zeros_like(numbers) - 1
    while tf.reduce_any(numbers != before):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(numbers, ANY), (before, ANY)])
        before = numbers
        spread = tf.where(mask, highest(numbers, (1, 1)), 0)
        numbers = tf.gather(tf.pad(tf.reshape(spread, [-1]), [[1, 0]]), spread)
        numbers = tf.reshape(numbers, shape)
    return numbers


@once
def quantile(values: Any, share: float) -> Any:
    """Return a quantile of `values` (n,) by linear interpolation.

    It is 0 of no values.
    """
    values = tf.sort(values)
    values = tf.cond(tf.size(values) > 0, lambda: values, lambda: tf.zeros([1], values.dtype))
    place = share * tf.cast(tf.size(values) - 1, tf.float64)
    below = tf.cast(place, tf.int32)
    above = tf.minimum(below + 1, tf.size(values) - 1)
    fraction = tf.cast(place - tf.cast(below, tf.float64), values.dtype)
    return values[below] + (values[above] - values[below]) * fraction


def median(values: Any) -> Any:
    """Return the median of all `values`, a tensor of any shape."""
    return quantile(tf.reshape(values, [-1]), 0.5)


@once
def bounds(inked: Any) -> Any:
    """Return top, left, bottom and right of the true pixels.

    `inked` is (h, w), the result (4,) int32.
    """
    edges = []
    for axis in (1, 0):
        there = tf.where(tf.reduce_any(inked, axis))[:, 0]
        edges.append((tf.reduce_min(there), tf.reduce_max(there) + 1))
    (top, bottom), (left, right) = edges
    return tf.cast(tf.stack([top, left, bottom, right]), tf.int32)
