"""Effects of paper, pens and cameras on pictures of digits.

They are ruled lines, blots, bands, shadows, blur, neighbours and others. Each effect takes (batch,
height, width) float32 grey levels 0-255, white on black, and a seed (2,) int; it returns pictures
of the same shape. Everything is a pure function of the seed. `EFFECTS` has them by name;
docs/augmentation.png shows one picture through each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

POINTS = 48  # along a drawn stroke
Effect = Callable[[Any, Any], Any]


def spoil(images: Any, share: float, seed: Any) -> Any:
    """Apply one effect each to a fraction of a batch.

    The rest stays as it is. The batch is cut into pieces, each for one effect; those in `HARD` have
    two. Training shuffles its pictures, so the place in the batch is chance enough, and a piece
    costs as much as its pictures.

    Args:
        images: (batch, height, width) float32 grey levels 0-255, white on black.
        share: fraction of the batch, in [0, 1].
        seed: (2,) int.
    """
    count = tf.cast(tf.round(tf.cast(tf.shape(images)[0], tf.float32) * share), tf.int32)
    effects = [*EFFECTS.values(), *(EFFECTS[name] for name in HARD)]
    turn = tf.random.stateless_uniform((), seed, 0, len(effects), tf.int32)
    pieces = []
    for number, effect in enumerate(effects):
        # which piece an effect gets changes with the seed, since pieces differ by one in size
        place = (number + turn) % len(effects)
        start, stop = place * count // len(effects), (place + 1) * count // len(effects)
        mine = tf.stack([seed[0] + 7919 * (number + 1), seed[1]])
        piece = tf.clip_by_value(effect(images[start:stop], mine), 0.0, 255.0)
        pieces.append((tf.range(start, stop), piece))
    spoiled = tf.concat([piece for _, piece in pieces], axis=0)
    places = tf.concat([place for place, _ in pieces], axis=0)
    return tf.tensor_scatter_nd_update(images, places[:, None], spoiled)


def _draw(
    images: Any, seed: Any, number: int, low: float = 0.0, high: float = 1.0, *more: int
) -> Any:
    """Return uniform draws, one a picture or (batch, *more), for broadcasting."""
    shape = (tf.shape(images)[0], *(more or (1, 1)))
    another = tf.stack([seed[0], seed[1] + 104_729 * number])
    return tf.random.stateless_uniform(shape, another, low, high)


def _grid(images: Any) -> tuple[Any, Any]:
    """Return rows (height, 1) and columns (1, width) from the centre.

    They are in pixels.
    """
    height, width = images.shape[1], images.shape[2]
    rows = tf.range(height, dtype=tf.float32)[:, None] - (height - 1) / 2
    columns = tf.range(width, dtype=tf.float32)[None, :] - (width - 1) / 2
    return rows, columns


def _across(images: Any, angle: Any) -> tuple[Any, Any]:
    """Return pixels' places across and along lines at `angle` (batch, 1, 1)."""
    rows, columns = _grid(images)
    across = rows * tf.cos(angle) - columns * tf.sin(angle)
    along = rows * tf.sin(angle) + columns * tf.cos(angle)
    return across, along


def _ink(images: Any, shape: Any, level: Any) -> Any:
    """Put ink of `level` where `shape`, in [0, 1], says."""
    return tf.maximum(images, level * tf.clip_by_value(shape, 0.0, 1.0))


def crossing_lines(images: Any, seed: Any) -> Any:
    """Draw one to three whole, dashed or dotted strokes across the picture."""
    for stroke in range(3):
        base = 10 * stroke
        angle = _draw(images, seed, base, 0, math.pi)
        offset = _draw(images, seed, base + 1, -11, 11)
        wide = _draw(images, seed, base + 2, 0.4, 1.3)
        across, along = _across(images, angle)
        gap = tf.cast(_draw(images, seed, base + 3) < 0.5, tf.float32)
        period = _draw(images, seed, base + 4, 2.0, 7.0)
        dash = tf.clip_by_value(
            1.5 * tf.sin(2 * math.pi * (along / period + _draw(images, seed, base + 5))) + 0.5, 0, 1
        )
        here = tf.cast(_draw(images, seed, base + 6) < (1.0, 0.5, 0.25)[stroke], tf.float32)
        level = here * _draw(images, seed, base + 7, 110, 255)
        shape = (wide + 0.5 - tf.abs(across - offset)) * (1 - gap + gap * dash)
        images = _ink(images, shape, level)
    return images


def _polyline(images: Any, x: Any, y: Any, wide: Any) -> Any:
    """Return how much of each pixel a stroke covers, in [0, 1].

    The stroke goes through the points (batch, points).
    """
    rows, columns = _grid(images)
    squares = (rows[None, :, :, None] - y[:, None, None, :]) ** 2
    squares += (columns[None, :, :, None] - x[:, None, None, :]) ** 2
    return wide + 0.5 - tf.sqrt(tf.reduce_min(squares, axis=-1))


def scribble(images: Any, seed: Any) -> Any:
    """Draw a curve with two bends or a zigzag over digits."""
    corners = 5
    steps = (POINTS - 1) / (corners - 1)
    place = tf.range(POINTS, dtype=tf.float32) / steps
    left = tf.minimum(tf.cast(place, tf.int32), corners - 2)
    fraction = place - tf.cast(left, tf.float32)
    smooth = fraction * fraction * (3 - 2 * fraction)
    spread = tf.linspace(-13.0, 13.0, corners)[None, :]
    free = _draw(images, seed, 1, -12, 12, corners)
    zigzag = tf.cast(_draw(images, seed, 2, 0, 1, 1) < 0.5, tf.float32)
    y = _draw(images, seed, 3, -10, 10, corners)
    x = zigzag * spread + (1 - zigzag) * free
    turned = tf.cast(_draw(images, seed, 4, 0, 1, 1) < 0.5, tf.float32)
    x, y = turned * x + (1 - turned) * y, turned * y + (1 - turned) * x

    def along(values: Any) -> Any:
        start, end = tf.gather(values, left, axis=1), tf.gather(values, left + 1, axis=1)
        weight = zigzag * fraction + (1 - zigzag) * smooth
        return start + (end - start) * weight

    shape = _polyline(images, along(x), along(y), _draw(images, seed, 5, 0.2, 0.9))
    return _ink(images, shape, _draw(images, seed, 6, 120, 255))


def ruled(images: Any, seed: Any) -> Any:
    """Draw ruled paper: parallel lines, level or almost."""
    return _rule(images, seed, _draw(images, seed, 1, -0.15, 0.15))


def squared(images: Any, seed: Any) -> Any:
    """Draw squared paper: lines both ways."""
    angle = _draw(images, seed, 1, -0.15, 0.15)
    other = tf.stack([seed[0], seed[1] + 31])
    return _rule(_rule(images, seed, angle), other, angle + math.pi / 2)


def _rule(images: Any, seed: Any, angle: Any) -> Any:
    across, _ = _across(images, angle)
    apart = _draw(images, seed, 2, 4.0, 13.0)
    phase = _draw(images, seed, 3)
    distance = tf.abs((across / apart + phase) % 1.0 - 0.5) * apart
    shape = _draw(images, seed, 4, 0.1, 0.7) + 0.5 - distance
    return _ink(images, shape, _draw(images, seed, 5, 50, 220))


def inverted_band(images: Any, seed: Any) -> Any:
    """Invert a band of the picture, at times all of it."""
    across, _ = _across(images, _draw(images, seed, 1, 0, math.pi))
    half = _draw(images, seed, 2, 1.5, 7.0)
    whole = tf.cast(_draw(images, seed, 3) < 0.3, tf.float32)
    inside = tf.abs(across - _draw(images, seed, 4, -9, 9)) < half + 40 * whole
    return tf.where(inside, 255 - images, images)


def salt_and_pepper(images: Any, seed: Any) -> Any:
    """Make up to a third of the pixels black or white."""
    height, width = images.shape[1], images.shape[2]
    drawn = _draw(images, seed, 1, 0, 1, height, width)
    density = _draw(images, seed, 2, 0, 0.17)
    return tf.where(drawn < density, 255.0, tf.where(drawn > 1 - density, 0.0, images))


def grain(images: Any, seed: Any) -> Any:
    """Add the noise of dim light: of paper, and of ink.

    That of the ink is in proportion to its light.
    """
    height, width = images.shape[1], images.shape[2]
    another = tf.stack([seed[0], seed[1] + 1])
    noise = tf.random.stateless_normal((tf.shape(images)[0], height, width), another)
    even, with_light = _draw(images, seed, 2, 0, 70), _draw(images, seed, 3, 0, 90)
    return images + noise * (even + with_light * tf.sqrt(tf.maximum(images, 0.0) / 255))


def _smooth_noise(images: Any, seed: Any, number: int, cells: int) -> Any:
    """Return noise as smooth as a grid of `cells` by `cells`.

    It is (batch, height, width), in about [0, 1].
    """
    coarse = _draw(images, seed, number, 0, 1, cells, cells)
    size = (images.shape[1], images.shape[2])
    return tf.image.resize(coarse[..., None], size, method="bicubic")[..., 0]


def blots(images: Any, seed: Any) -> Any:
    """Draw splashes of ink, or of something that removes ink."""
    fine = _smooth_noise(images, seed, 1, 9)
    shape = (fine - _draw(images, seed, 2, 0.62, 0.9)) * 6
    wet = _ink(images, shape, _draw(images, seed, 3, 80, 255))
    dry = images * (1 - tf.clip_by_value(shape, 0.0, 1.0))
    return tf.where(_draw(images, seed, 4) < 0.6, wet, dry)


def outline(images: Any, seed: Any) -> Any:
    """Keep the edges of strokes: outside, inside or both."""
    ink = tf.cast(images > _draw(images, seed, 1, 60, 160), tf.float32)[..., None]
    thick = tf.nn.max_pool2d(ink, 3, 1, "SAME")
    thin = -tf.nn.max_pool2d(-ink, 3, 1, "SAME")
    rim = tf.where(_draw(images, seed, 2)[..., None] < 0.5, thick - ink, ink - thin)[..., 0]
    both = _draw(images, seed, 3) < 0.6
    return tf.where(both, _ridges(images, seed), rim) * _draw(images, seed, 4, 150, 255)


def _ridges(images: Any, seed: Any) -> Any:
    """Return 1 where a row's or column's gradient is steepest, else 0."""
    soft = tf.nn.avg_pool2d(images[..., None], 3, 1, "SAME")[..., 0] / 255
    dy = tf.roll(soft, -1, 1) - tf.roll(soft, 1, 1)
    dx = tf.roll(soft, -1, 2) - tf.roll(soft, 1, 2)
    steep = tf.sqrt(dy * dy + dx * dx)
    over = tf.abs(dx) > tf.abs(dy)
    along_row = (steep >= tf.roll(steep, 1, 2)) & (steep > tf.roll(steep, -1, 2))
    along_column = (steep >= tf.roll(steep, 1, 1)) & (steep > tf.roll(steep, -1, 1))
    ridge = (over & along_row) | (~over & along_column)
    return tf.cast(ridge & (steep > _draw(images, seed, 5, 0.1, 0.4)), tf.float32)


def uneven_light(images: Any, seed: Any) -> Any:
    """Add a shadow or glow: brighter or foggy ground, paler ink."""
    rows, columns = _grid(images)
    slope_y, slope_x = _draw(images, seed, 1, -6, 6), _draw(images, seed, 2, -6, 6)
    fog = _smooth_noise(images, seed, 3, 4) * _draw(images, seed, 4, 0, 140)
    ground = tf.maximum(_draw(images, seed, 5, -30, 120) + slope_y * rows + slope_x * columns, 0.0)
    ground = tf.clip_by_value(ground + fog, 0.0, 185.0)
    keep = _draw(images, seed, 6)
    return (
        ground
        + images * tf.maximum(1 - ground / 255, 0.25) * (0.6 + 0.4 * keep)
        + (keep * 0.3 * images)
    )


def blur(images: Any, seed: Any) -> Any:
    """Blur a piece of the batch as out of focus or moved."""
    draws = tf.random.stateless_uniform((4,), seed)
    reach = tf.range(-4, 5, dtype=tf.float32)
    y, x = reach[:, None], reach[None, :]
    angle = draws[0] * math.pi
    along, across = x * tf.cos(angle) + y * tf.sin(angle), y * tf.cos(angle) - x * tf.sin(angle)
    wide = 0.5 + 1.1 * draws[1]
    long = tf.where(draws[2] < 0.5, wide, 1.0 + 2.5 * draws[3])
    thin = tf.where(draws[2] < 0.5, wide, 0.45)
    kernel = tf.exp(-0.5 * ((along / long) ** 2 + (across / thin) ** 2))
    kernel /= tf.reduce_sum(kernel)
    return tf.nn.conv2d(images[..., None], kernel[..., None, None], 1, "SAME")[..., 0]


def low_resolution(images: Any, seed: Any) -> Any:
    """Reduce pictures to a camera of 9 to 16 pixels."""
    side = tf.random.stateless_uniform((), seed, 9, 17, tf.int32)
    small = tf.image.resize(images[..., None], (side, side), method="area")
    coarse = tf.random.stateless_uniform((), tf.stack([seed[1], seed[0]])) < 0.5
    size = (images.shape[1], images.shape[2])
    smooth, blocks = (
        tf.image.resize(small, size, method=method)[..., 0] for method in ("bilinear", "nearest")
    )
    return tf.where(coarse, blocks, smooth)


def neighbours(images: Any, seed: Any) -> Any:
    """Show another digit at an edge."""
    others = tf.roll(images, 1, axis=0)
    shift = tf.random.stateless_uniform((2,), seed, 17, 23, tf.int32)
    sideways = tf.random.stateless_uniform((), tf.stack([seed[1], seed[0]])) < 0.75
    sign = tf.where(tf.random.stateless_uniform((), tf.stack([seed[0], seed[1] + 1])) < 0.5, 1, -1)
    size = images.shape[1]
    padded = tf.pad(others, [[0, 0], [size, size], [size, size]])
    y = tf.where(sideways, size, size + sign * shift[0])
    x = tf.where(sideways, size + sign * shift[1], size)
    return tf.maximum(images, padded[:, y : y + size, x : x + size])


def _project(images: Any, transforms: Any) -> Any:
    """Read pixels where `transforms` (batch, 8) says, bilinear, ground outside."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images[..., None],
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )[..., 0]


def _about_centre(
    images: Any, a: Any, b: Any, c: Any, d: Any, x: Any, y: Any, p: Any, q: Any
) -> Any:
    """Return rows for `_project`, about the centre; all are (batch, 1).

    They go from output to input.
    """
    middle = (images.shape[1] - 1) / 2
    scale = 1 - p * middle - q * middle
    a0, a1 = a + middle * p, b + middle * q
    b0, b1 = c + middle * p, d + middle * q
    a2 = x + middle - a * middle - b * middle - middle * (p + q) * middle
    b2 = y + middle - c * middle - d * middle - middle * (p + q) * middle
    rows = tf.concat([a0, a1, a2, b0, b1, b2, p, q], axis=1)
    return rows / scale


def small_and_off_centre(images: Any, seed: Any) -> Any:
    """Draw the digit small, somewhere else, or larger than usual."""
    size = _draw(images, seed, 1, 0.45, 1.1, 1)
    room = tf.maximum(14.5 - 10 * size, 5.5)
    x, y = _draw(images, seed, 2, -1, 1, 1) * room, _draw(images, seed, 3, -1, 1, 1) * room
    zero = tf.zeros_like(x)
    inverse = 1 / size
    return _project(
        images,
        _about_centre(images, inverse, zero, zero, inverse, -x * inverse, -y * inverse, zero, zero),
    )


def perspective(images: Any, seed: Any) -> Any:
    """Show the sheet from the side, turned and slanted a lot."""
    angle = _draw(images, seed, 1, -0.62, 0.62, 1)
    slant = _draw(images, seed, 2, -0.45, 0.45, 1)
    p, q = _draw(images, seed, 3, -0.012, 0.012, 1), _draw(images, seed, 4, -0.012, 0.012, 1)
    cos, sin, zero = tf.cos(angle), tf.sin(angle), tf.zeros_like(angle)
    return _project(
        images,
        _about_centre(images, cos, cos * slant - sin, sin, sin * slant + cos, zero, zero, p, q),
    )


def thin_pen(images: Any, seed: Any) -> Any:
    """Make strokes one or two pixels narrower."""
    grey = images[..., None]
    thin = -tf.nn.max_pool2d(-grey, 2, 1, "SAME")
    thinner = -tf.nn.max_pool2d(-grey, 3, 1, "SAME")
    share = _draw(images, seed, 1, 0, 1, 1, 1, 1)
    return tf.where(share < 0.6, thin, 0.4 * thin + 0.6 * thinner)[..., 0]


def thick_pen(images: Any, seed: Any) -> Any:
    """Make strokes one or two pixels wider."""
    grey = images[..., None]
    wide = tf.nn.max_pool2d(grey, 2, 1, "SAME")
    wider = tf.nn.max_pool2d(grey, 3, 1, "SAME")
    return tf.where(_draw(images, seed, 1, 0, 1, 1, 1, 1) < 0.6, wide, wider)[..., 0]


def ground_glass(images: Any, seed: Any) -> Any:
    """Swap pixels with their neighbours, as behind ground glass."""
    height, width = images.shape[1], images.shape[2]
    rows, columns = tf.range(height)[:, None], tf.range(width)[None, :]
    reach = _draw(images, seed, 1, 0.6, 2.2)

    def moved(places: Any, number: int, size: int) -> Any:
        way = tf.round(_draw(images, seed, number, -1, 1, height, width) * reach)
        return tf.clip_by_value(places + tf.cast(way, tf.int32), 0, size - 1)

    flat = moved(rows, 2, height) * width + moved(columns, 3, width)
    pixels = tf.reshape(images, (-1, height * width))
    fetched = tf.gather(pixels, tf.reshape(flat, (-1, height * width)), batch_dims=1)
    fetched = tf.reshape(fetched, tf.shape(images))
    softly = tf.nn.avg_pool2d(fetched[..., None], 3, 1, "SAME")[..., 0]
    return tf.where(_draw(images, seed, 4) < 0.5, softly * 1.3, fetched)


EFFECTS: dict[str, Effect] = {
    "crossing lines": crossing_lines,
    "scribble": scribble,
    "ruled paper": ruled,
    "squared paper": squared,
    "inverted band": inverted_band,
    "salt and pepper": salt_and_pepper,
    "grain": grain,
    "blots": blots,
    "outline": outline,
    "uneven light": uneven_light,
    "blur": blur,
    "low resolution": low_resolution,
    "neighbours": neighbours,
    "small and off centre": small_and_off_centre,
    "perspective": perspective,
    "thin pen": thin_pen,
    "thick pen": thick_pen,
    "ground glass": ground_glass,
}
# What a network learns to see through last
HARD = ("inverted band", "blur", "small and off centre", "perspective", "ground glass")
