"""Random changes to training pictures: moved, turned, scaled, slanted and bent a little.

Each change is a pure function of the seed, so a resumed training sees what the uninterrupted
one would have seen.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nnguide.config import AugmentConfig


def augment(images: Any, config: AugmentConfig, seed: Any) -> Any:
    """Change each picture at random.

    Args:
        images: (batch, height, width) any number type, 0 is the background.
        config: how far each change may go.
        seed: (2,) int: the same seed gives the same changes.
    Returns:
        (batch, height, width) float32.
    """
    grey = tf.cast(images, tf.float32)[..., None]
    if config.elastic:
        grey = _bend(grey, config.elastic, tf.stack([seed[0], seed[1] + 1_000_003]))
    if config.shift or config.rotate or config.scale or config.shear:
        grey = _affine(grey, config, seed)
    return grey[..., 0]


def _affine(grey: Any, config: AugmentConfig, seed: Any) -> Any:
    """Turn, scale, slant and move about the centre, by bilinear interpolation."""
    batch, height, width = tf.shape(grey)[0], grey.shape[1], grey.shape[2]
    draws = tf.random.stateless_uniform((6, batch), seed, -1.0, 1.0)
    angle = draws[0] * (config.rotate * 3.14159265 / 180)
    wide, high = 1 + draws[1] * config.scale, 1 + draws[2] * config.scale
    slant = draws[3] * config.shear
    # The inverse map, output pixel -> input pixel: rotation, then slant, then scale.
    cos, sin = tf.cos(angle), tf.sin(angle)
    a, b = cos / wide, (slant * cos - sin) / wide
    c, d = sin / high, (slant * sin + cos) / high
    cx, cy = (width - 1) / 2, (height - 1) / 2
    dx, dy = draws[4] * config.shift, draws[5] * config.shift
    zero = tf.zeros_like(a)
    transforms = tf.stack(
        [a, b, cx - a * cx - b * cy + dx, c, d, cy - c * cx - d * cy + dy, zero, zero], axis=1
    )
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=grey,
        transforms=transforms,
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _bend(grey: Any, strength: float, seed: Any) -> Any:
    """Elastic distortion (Simard, Steinkraus & Platt, 2003): a coarse field of random moves.

    The field is drawn on a 4 by 4 grid and enlarged smoothly, which costs less than blurring
    a fine one and bends strokes at the same scale.
    """
    batch, height, width = tf.shape(grey)[0], grey.shape[1], grey.shape[2]
    coarse = tf.random.stateless_normal((batch, 4, 4, 2), seed, stddev=strength)
    moves = tf.image.resize(coarse, (height, width), method="bicubic")  # (batch, h, w, 2)
    rows, columns = tf.meshgrid(tf.range(height), tf.range(width), indexing="ij")
    at = tf.cast(tf.stack([rows, columns], axis=-1), tf.float32)[None] + moves
    low = tf.floor(at)
    part = at - low
    y, x = tf.cast(low[..., 0], tf.int32), tf.cast(low[..., 1], tf.int32)
    flat = tf.reshape(tf.pad(grey[..., 0], [[0, 0], [1, 1], [1, 1]]), (-1,))
    stride = width + 2
    start = (tf.range(batch) * ((height + 2) * stride))[:, None, None]

    def pixel(row: Any, column: Any) -> Any:
        inside_row = tf.clip_by_value(row + 1, 0, height + 1)  # the pad is background
        inside_column = tf.clip_by_value(column + 1, 0, width + 1)
        return tf.gather(flat, start + inside_row * stride + inside_column)

    fy, fx = part[..., 0], part[..., 1]
    top = pixel(y, x) * (1 - fx) + pixel(y, x + 1) * fx
    bottom = pixel(y + 1, x) * (1 - fx) + pixel(y + 1, x + 1) * fx
    return (top * (1 - fy) + bottom * fy)[..., None]
