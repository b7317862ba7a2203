"""The steps of nnguide.preprocessing.margins on TensorFlow tensors, for graphs."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nnguide.export import tf_grid as grid
from nnguide.preprocessing.margins import (
    COVERED,
    DARK,
    DEPTH,
    ENOUGH,
    FAINTEST,
    FRAME,
    LONGER_SIDE,
    ROOM,
    RUNS,
    SOLID,
    STROKE,
)


def widened(grey: Any) -> Any:
    """Add a margin to `grey` if its digit fills it.

    `grey` is (h, w) float32 in [0, 1]; the margin is its paper.
    """
    if is_filled(grey):
        grey = with_margin(grey)
    return grey


def rim(grey: Any) -> Any:
    """Return the levels along the four sides of `grey`."""
    return tf.concat([grey[0], grey[-1], grey[:, 0], grey[:, -1]], 0)


def is_filled(grey: Any) -> Any:
    """Return whether the ink of `grey` fills it.

    Strokes touch all sides, or thick ones two opposite sides.
    """
    small = grid.block_mean(grey, -(-tf.reduce_max(tf.shape(grey)) // LONGER_SIDE))
    longest = tf.reduce_max(tf.shape(small))
    off = tf.abs(small - grid.median(rim(small)))
    most = tf.reduce_max(off)
    ink = off > DARK * most
    reach = tf.maximum(tf.cast(SOLID / 2 * tf.cast(longest, tf.float64), tf.int32), 1)
    around = tf.pad(tf.cast(ink, tf.float32), tf.fill([2, 2], reach))
    solid = tf.reduce_any(grid.opened(around, (reach, reach)) > 0)

    deep = tf.maximum(longest // DEPTH, 2)
    strips = [
        tf.reduce_any(side, axis)
        for side, axis in (
            (ink[:deep], 0),
            (ink[-deep:], 0),
            (ink[:, :deep], 1),
            (ink[:, -deep:], 1),
        )
    ]
    touched = tf.stack([tf.reduce_sum(tf.cast(strip, tf.int32)) for strip in strips])
    steps = [tf.pad(tf.cast(strip, tf.int32), [[1, 0]]) for strip in strips]
    runs = tf.stack([tf.reduce_sum(tf.nn.relu(step[1:] - step[:-1])) for step in steps])
    fractions = touched / tf.stack([tf.size(strip) for strip in strips])
    calm = (tf.reduce_max(runs) <= RUNS) & (tf.reduce_min(fractions) <= FRAME) & ~solid
    thin, thick = (width * tf.cast(longest, tf.float64) for width in STROKE)
    pairs = tf.cast(tf.minimum(touched[::2], touched[1::2]), tf.float64)
    across = tf.reduce_any((pairs > thin) & (pairs <= thick))
    whole = tf.cast(2 * tf.reduce_sum(tf.shape(small)), tf.float64)
    across &= tf.cast(tf.reduce_sum(touched), tf.float64) <= COVERED * whole
    return (most >= FAINTEST) & calm & (tf.reduce_all(touched > 0) | across)


def with_margin(grey: Any) -> Any:
    """Return `grey` with a margin on all sides.

    The margin is as light as the median of the rim.
    """
    longest = tf.reduce_max(tf.shape(grey))
    room = longest // ROOM + 2
    paper = grid.median(rim(grey))
    wide = tf.pad(grey - paper, tf.fill([2, 2], room)) + paper
    sides = tf.shape(wide)
    shape = (sides - 2) * (-(-ENOUGH // longest))
    ends = tf.cast(sides - 1, tf.float64)
    return grid.resized(wide, tf.concat([tf.ones([2], tf.float64), ends], 0), (shape[0], shape[1]))
