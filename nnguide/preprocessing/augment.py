"""Random changes to training pictures.

They are moved, turned, bent, thicker or thinner, paler and noisier. All changes of place are one
warp. Its field costs more than its use, so pictures share fields in groups of `GROUP`; a picture
meets another field each time it is shown. Everything is a pure function of the seed, so a resumed
training sees what the uninterrupted one would have seen.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import tensorflow as tf

from nnguide.config import AugmentConfig
from nnguide.preprocessing.paper import spoil

GROUP = 8  # pictures that are changed alike


def augment(images: Any, config: AugmentConfig, seed: Any, rows: slice | None = None) -> Any:
    """Change each picture at random.

    Args:
        images: (batch, height, width) grey levels 0-255 of any number type, 0 the background.
        config: how far each change may go.
        seed: (2,) int: the same seed gives the same changes.
        rows: the pictures wanted, with start and stop; None: all. They are changed as they would
            be among all.
    Returns:
        (rows, height, width) float32.
    """
    batch, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    first, end = (0, batch) if rows is None else (rows.start, rows.stop)
    first, end = tf.cast(first, tf.int32), tf.cast(end, tf.int32)
    low, high = (0, batch) if config.paper else (first, end)  # paper goes by the whole batch
    mine = _Groups((batch + GROUP - 1) // GROUP, low // GROUP, (high + GROUP - 1) // GROUP)
    groups = mine.stop - mine.start
    grey = images[mine.start * GROUP : mine.stop * GROUP]
    grey = tf.reshape(tf.cast(grey, tf.float32), (-1, height * width))
    grey = tf.pad(grey, [[0, groups * GROUP - tf.shape(grey)[0]], [0, 0]])
    grey = tf.transpose(tf.reshape(grey, (groups, GROUP, height * width)), (0, 2, 1))
    grey = tf.reshape(grey, (groups, height, width, GROUP))
    if config.thickness:
        grey = _swell(grey, mine, config.thickness, _seed(seed, 1))
    if config.shift or config.rotate or config.scale or config.shear or config.elastic:
        grey = _warp(grey, _field(mine, height, width, config, seed))
    if config.contrast:
        drawn = tf.random.stateless_uniform((2, mine.all, 1, 1, 1), _seed(seed, 2))
        share, level = tf.unstack(mine.of(drawn, axis=1))
        grey += config.contrast * share * (255 * level - grey)
    if config.noise:
        grey += _noise(mine, (height, width, 1), config.noise, _seed(seed, 3))
    grey = tf.transpose(tf.reshape(grey, (groups, height * width, GROUP)), (0, 2, 1))
    grey = tf.reshape(grey, (groups * GROUP, height, width))
    if config.paper:
        grey = spoil(grey[:batch], config.paper, _seed(seed, 6))
    start = mine.start * GROUP
    return grey[first - start : end - start]


class _Groups(NamedTuple):
    """Groups of pictures that are made, among all of a batch."""

    all: Any
    start: Any
    stop: Any

    def of(self, drawn: Any, axis: int = 0) -> Any:
        """Return these groups' part of what was drawn for all."""
        return drawn[(*[slice(None)] * axis, slice(self.start, self.stop))]


def _seed(seed: Any, number: int) -> Any:
    """Return another seed for each kind of change."""
    return tf.stack([seed[0], seed[1] + number * 1_000_003])


def _noise(mine: _Groups, shape: Any, strength: float, seed: Any) -> Any:
    """Return Gaussian noise of random strength.

    Its standard deviation is drawn up to `strength` of black to white.
    """
    share = tf.random.stateless_uniform((mine.all, 1, 1, 1), seed)
    drawn = tf.random.stateless_normal((mine.all, *shape), _seed(seed, 5))
    return mine.of(255 * strength * share) * mine.of(drawn)


def _field(mine: _Groups, height: int, width: int, config: AugmentConfig, seed: Any) -> Any:
    """Return the place that each pixel is read from.

    The field is (groups, height, width, 2) float32, row and column. It is the inverse of: scale,
    then slant, then turn about the centre, then move. The elastic part (Simard, Steinkraus & Platt,
    2003) is drawn on a 4 by 4 grid and enlarged smoothly, which costs less than blurring a fine
    field and bends strokes at the same scale.
    """
    draws = mine.of(tf.random.stateless_uniform((6, mine.all, 1, 1), seed, -1.0, 1.0), axis=1)
    angle = draws[0] * math.radians(config.rotate)
    wide, high = 1 + draws[1] * config.scale, 1 + draws[2] * config.scale
    slant = draws[3] * config.shear
    rows = (tf.range(height, dtype=tf.float32) - (height - 1) / 2)[:, None]
    columns = (tf.range(width, dtype=tf.float32) - (width - 1) / 2)[None, :]
    cos, sin = tf.cos(angle), tf.sin(angle)
    x = (columns * cos + rows * (slant * cos - sin)) / wide + draws[4] * config.shift
    y = (columns * sin + rows * (slant * sin + cos)) / high + draws[5] * config.shift
    field = tf.stack([y + (height - 1) / 2, x + (width - 1) / 2], axis=-1)
    if config.elastic:
        coarse = tf.random.stateless_normal(
            (mine.all, 4, 4, 2), _seed(seed, 4), stddev=config.elastic
        )
        field += tf.image.resize(mine.of(coarse), (height, width), method="bicubic")
    return field


def _warp(grey: Any, field: Any) -> Any:
    """Return `grey` read at `field`, by bilinear interpolation.

    `grey` is (groups, height, width, GROUP).
    """
    groups, height, width = tf.shape(grey)[0], grey.shape[1], grey.shape[2]
    low = tf.floor(field)
    fraction = (field - low)[..., None, :]
    y, x = tf.cast(low[..., 0], tf.int32), tf.cast(low[..., 1], tf.int32)
    flat = tf.reshape(tf.pad(grey, [[0, 0], [1, 1], [1, 1], [0, 0]]), (-1, GROUP))
    stride = width + 2
    start = (tf.range(groups) * ((height + 2) * stride))[:, None, None]

    def pixel(row: Any, column: Any) -> Any:
        inside_row = tf.clip_by_value(row + 1, 0, height + 1)  # the pad is background
        inside_column = tf.clip_by_value(column + 1, 0, width + 1)
        return tf.gather(flat, start + inside_row * stride + inside_column)

    fy, fx = fraction[..., 0], fraction[..., 1]
    return tf.add_n(
        [
            pixel(y, x) * ((1 - fy) * (1 - fx)),
            pixel(y, x + 1) * ((1 - fy) * fx),
            pixel(y + 1, x) * (fy * (1 - fx)),
            pixel(y + 1, x + 1) * (fy * fx),
        ]
    )


def _swell(grey: Any, mine: _Groups, strength: float, seed: Any) -> Any:
    """Mix each picture with its dilation or erosion, up to `strength`."""
    share = tf.random.stateless_uniform((mine.all, 1, 1, 1), seed, -strength, strength)
    share = mine.of(share)
    way = tf.sign(share)  # the erosion is the dilation of the negative
    swollen = way * tf.nn.max_pool2d(way * grey, 3, 1, "SAME")
    return grey + tf.abs(share) * (swollen - grey)
