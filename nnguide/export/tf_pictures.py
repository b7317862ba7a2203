"""A picture file to MNIST's form in one TensorFlow graph.

The twin of nnguide.preprocessing.pictures and mnist_form: an export holds these steps, so that
it takes the bytes of PNG, JPEG, GIF and BMP files as they are.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nnguide.export import tf_grid as grid
from nnguide.export import tf_ink, tf_margins
from nnguide.preprocessing.grey_levels import ENOUGH
from nnguide.preprocessing.mnist_form import (
    BOX,
    FINE,
    LONGER_SIDES,
    MOST_INK,
    MOST_PARTS,
    MOST_RUNS,
    SIDE,
    STROKES,
)
from nnguide.preprocessing.picture_limits import MAX_PIXELS
from nnguide.preprocessing.pictures import MAX_BYTES

KINDS = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "bmp": b"BM", "gif": b"GIF8"}
HEADER = 65_536 + 64  # bytes in which the orientation of a photo is looked for
# what turns a picture that lies as EXIF's orientation says: transposed, then flipped (down, across)
TURNS = {
    1: (False, False, False), 2: (False, False, True), 3: (False, True, True),
    4: (False, True, False), 5: (True, False, False), 6: (True, False, True),
    7: (True, True, True), 8: (True, True, False),
}  # fmt: skip


def read(data: Any, refuses: bool = False) -> tuple[Any, Any]:
    """Return the digit on a picture, in MNIST's form.

    Args:
        data: () string, the bytes of a PNG, JPEG, GIF or BMP file.
        refuses: give an empty picture where no digit is seen.
    Returns:
        (28, 28) float32, white on black, whole levels 0-255; and () bool, whether it is a mark,
        as nnguide.preprocessing.joined.Mark. Running it fails with InvalidArgumentError where the
        bytes are no such picture, it holds several digits that do not touch, or no digit is seen
        on it.
    """
    grey = decode(data)
    picture = tf.ensure_shape(normalise(grey, refuses), (SIDE, SIDE))
    return picture, tf.reduce_any(tf.shape(grey) != SIDE)


def normalise(grey: Any, refuses: bool = False) -> Any:
    """Bring a picture (h, w) to MNIST's form.

    float32 in [0, 1] becomes (28, 28) float32 levels 0-255.
    """
    as_is = tf.zeros([SIDE, SIDE])
    ready = False
    if tf.reduce_all(tf.shape(grey) == SIDE):
        white, black = to_levels(tf.reshape(grey, [SIDE, SIDE])), tf.reshape(1 - grey, [SIDE, SIDE])
        black = to_levels(black)
        ready = is_normal(white) | is_normal(black)
        as_is = tf.where(is_normal(white), white, black)
    return as_is if ready else from_ink(grey, refuses)


def from_ink(grey: Any, refuses: bool) -> Any:
    """Normalise a picture that is not in MNIST's form yet."""
    grating = tf_ink.is_grating(grey)
    grey = tf_margins.widened(grey)
    grey = tf.where(tf_ink.is_light(grey), 1 - grey, grey)
    block = -(-tf.reduce_max(tf.shape(grey)) // LONGER_SIDES[0])
    small = grid.block_mean(grey, block)
    ink = tf_ink.find(small, tf.ones_like(small, tf.bool), whole=True)
    marks = 1
    levels = tf.zeros([SIDE, SIDE])
    if ink.seen & ~grating:
        nearer = closer(grey, ink, block)
        marks = tf.maximum(ink.marks, nearer.marks)
        strokes = shaped(nearer)
        if tf.reduce_max(strokes) > 0:
            framed_ink = tf.reshape(framed(strokes), [SIDE, SIDE])
            if is_digit_like(framed_ink):
                levels = framed_ink
    checks = [tf.debugging.Assert(marks < 2, ["expected one digit on the picture"])]
    if not refuses:
        some = tf.reduce_any(levels > 0)
        checks.append(tf.debugging.Assert(some, ["no digit was seen on the picture"]))
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(levels)


def is_digit_like(levels: Any) -> Any:
    """Return whether `levels` could be the strokes of a digit.

    `levels` is (28, 28) float32 in MNIST's form; the result is () bool.
    """
    ink = levels > 127
    padded = tf.pad(tf.cast(ink, tf.int32), [[1, 1], [1, 1]])
    across = tf.reduce_max(tf.reduce_sum(tf.nn.relu(padded[:, 1:] - padded[:, :-1]), 1))
    down = tf.reduce_max(tf.reduce_sum(tf.nn.relu(padded[1:] - padded[:-1]), 0))
    pieces = tf.size(tf.unique(tf.reshape(grid.components(ink), [-1]))[0]) - 1
    top, left, bottom, right = tf.unstack(grid.bounds(ink))
    box = ink[top:bottom, left:right]
    sides = [
        tf.reduce_mean(tf.cast(tf.reduce_any(side, axis), tf.float64))
        for side, axis in ((box[:2], 0), (box[-2:], 0), (box[:, :2], 1), (box[:, -2:], 1))
    ]
    height, width = tf.shape(box)[0], tf.shape(box)[1]
    square = 100 * tf.minimum(height, width) >= 65 * tf.maximum(height, width)
    is_frame = (tf.reduce_min(tf.stack(sides)) > 0.9) & square
    calm = (across <= MOST_RUNS[0]) & (down <= MOST_RUNS[1]) & (pieces <= MOST_PARTS)
    light = tf.reduce_mean(tf.cast(ink, tf.float64)) <= MOST_INK
    return calm & light & ~is_frame & ~is_circled(box)


def is_circled(box: Any) -> Any:
    """Return whether the ink is a circle with something inside.

    `box` is (h, w) bool, the result () bool.
    """
    height, width = tf.shape(box)[0], tf.shape(box)[1]
    tall, wide = tf.cast(height, tf.float64), tf.cast(width, tf.float64)
    y = (tf.cast(tf.range(height), tf.float64) + 0.5) / tall * 2 - 1
    x = (tf.cast(tf.range(width), tf.float64) + 0.5) / wide * 2 - 1
    reach = wide / 2 * tf.sqrt(1 - y**2)
    there = tf.where(box, tf.cast(tf.range(width), tf.float64)[None], wide / 2)
    left, right = wide / 2 - tf.reduce_min(there, 1), tf.reduce_max(there, 1) + 1 - wide / 2
    near = (tf.abs(left - reach) < 1.6) & (tf.abs(right - reach) < 1.6)
    within = box & (y[:, None] ** 2 + x**2 < 0.25)
    filled = tf.reduce_sum(tf.cast(within, tf.int32)) >= 6
    like = tf.reduce_mean(tf.cast(near, tf.float64)) > 0.75
    square = 10 * tf.minimum(height, width) >= 8 * tf.maximum(height, width)
    return square & like & filled


@grid.once
def to_levels(grey: Any) -> Any:
    """Return `grey` in [0, 1] as whole float32 levels 0-255."""
    return tf.round(grey * 255)


@grid.once
def is_normal(levels: Any) -> Any:
    """Return whether `levels` (28, 28) is in MNIST's form, () bool.

    `levels` is float32.
    """
    inked = levels > 0
    high = (tf.reduce_max(levels) >= 250) & (tf.reduce_mean(tf.cast(inked, tf.float32)) <= 0.5)
    top, left, bottom, right = tf.unstack(grid.bounds(inked))
    longest = tf.maximum(bottom - top, right - left)
    y, x = mass_centre(levels)
    centred = [(place > SIDE // 2 - 0.1) & (place < SIDE // 2 + 1.1) for place in (y, x)]
    return high & ((longest == BOX) | (longest == BOX - 1)) & centred[0] & centred[1]


def mass_centre(levels: Any) -> tuple[Any, Any]:
    """Return row and column of the centre of mass, float64.

    The middle of the first pixel is 0.5.
    """
    levels = tf.cast(levels, tf.float64)
    total = tf.reduce_sum(levels)
    row, column = (
        tf.reduce_sum(
            tf.reduce_sum(levels, axis)
            * (tf.cast(tf.range(tf.shape(levels)[1 - axis]), tf.float64) + 0.5)
        )
        / total
        for axis in (1, 0)
    )
    return row, column


def closer(grey: Any, ink: tf_ink.Ink, block: Any) -> tf_ink.Ink:
    """Find `ink` again on a finer grid where there is one."""
    top, left, bottom, right = tf.unstack(ink.box * block)
    room = tf.maximum(bottom - top, right - left) // 4 + 2 * block
    top, left = tf.maximum(top - room, 0), tf.maximum(left - room, 0)
    window = grey[top : bottom + room, left : right + room]
    finer = -(-tf.reduce_max(tf.shape(window)) // LONGER_SIDES[1])
    thinner = ink
    if finer < block:
        small = grid.block_mean(window, finer)
        ends = tf.stack([top, left]) + tf.shape(small) * finer
        box = tf.concat([tf.stack([top, left]), ends], 0) / block  # float64
        there = tf.cast(ink.strength > 0, tf.float32)
        region = grid.resized(there, box, (tf.shape(small)[0], tf.shape(small)[1])) > 0
        again = tf_ink.find(small, region, whole=False)
        if again.seen:
            thinner = again
    return thinner


def shaped(ink: tf_ink.Ink) -> Any:
    """Return the ink with MNIST's strokes, (h, w) float32 in [0, 1]."""
    box = tf.cast(ink.box, tf.float64)
    top, left, bottom, right = tf.unstack(box)
    longest = tf.maximum(bottom - top, right - left)
    room = 0.3 * longest  # for a stroke that is made wider, and the soft rim of each
    box = tf.stack([top - room, left - room, bottom + room, right + room])
    sides = tf.stack([bottom - top, right - left]) + 2 * room
    shape = tf.cast(tf.round(sides * (FINE / longest)), tf.int32)
    fine = grid.softened(grid.softened(grid.resized(ink.strength, box, (shape[0], shape[1]))))
    solid = tf.clip_by_value(3 * (fine / tf.cast(ink.level, tf.float32) - 0.2), 0, 1)
    width = stroke_width(solid)
    wanted = tf.clip_by_value(width * BOX / FINE, STROKES[0], STROKES[1])
    steps = (wanted * FINE - width * BOX) / (2 * (BOX - wanted))
    return grid.grown(solid, tf.maximum(tf.maximum(steps, -width / 4), -FINE / 16))


@grid.once
def stroke_width(shape: Any) -> Any:
    """Return the mean width of the strokes, float64.

    It is twice the area over what one step of erosion takes off.
    """
    unknown = tf.constant(-1.0, tf.float64)
    area = tf.reduce_sum(tf.cast(shape, tf.float64))
    inner = tf.reduce_sum(tf.cast(grid.grown(shape, unknown), tf.float64))
    return 2 * area / tf.maximum(area - inner, 1e-6)


def framed(shape: Any) -> Any:
    """Frame `shape` (h, w) in [0, 1] as MNIST does.

    The result is (28, 28) float32 whole levels 0-255.
    """
    edges = tf.cast(grid.bounds(shape > 0.5 * tf.reduce_max(shape)), tf.float64)
    low, high = edges[:2], edges[2:]
    step = tf.reduce_max(high - low) / BOX
    pixels = tf.maximum(tf.round((high - low) / step), 1)
    low = (low + high) / 2 - pixels * step / 2
    box = tf.concat([low, low + pixels * step], 0)
    pixels = tf.cast(pixels, tf.int32)
    small = grid.resized(shape, box, (pixels[0], pixels[1]))
    # half of MNIST's ink is full white
    full = grid.median(tf.boolean_mask(small, small > 0.5 * tf.reduce_max(small)))
    levels = to_levels(tf.clip_by_value(small / full, 0, 1))

    centre = tf.cast(tf.stack(mass_centre(levels)), tf.int32)
    place = tf.minimum(tf.maximum(SIDE // 2 - centre, 0), SIDE - pixels)
    return tf.pad(levels, tf.stack([place, SIDE - pixels - place], 1))


def decode(data: Any) -> Any:
    """Decode a picture file to grey, as a person sees it.

    `data` is () string, the result (h, w) float32 in [0, 1].

    As nnguide.preprocessing.pictures.decode, for what TensorFlow decodes: the first frame, turned
    as a JPEG file's EXIF says, what is transparent on the paper that lets the ink be seen, a
    large picture reduced by a whole factor.
    """
    starts = {name: tf.strings.substr(data, 0, len(b)) == b for name, b in KINDS.items()}
    known = starts["png"] | starts["jpeg"] | starts["bmp"] | starts["gif"]
    expected = "expected the bytes of a PNG, JPEG, GIF or BMP picture of at most"
    small = tf.strings.length(data) <= MAX_BYTES
    checks = [
        tf.debugging.Assert(known & small, [f"{expected} {MAX_BYTES // 10**6} MB"]),
        tf.debugging.Assert(
            claimed_pixels(data, starts) <= MAX_PIXELS, [f"{expected} {MAX_PIXELS:,} pixels"]
        ),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        data = tf.identity(data)
    if starts["jpeg"]:  # by the exact method, as Pillow; decode_image would take the fast one
        levels = tf.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE")
        levels = turned(levels, orientation(data))
    else:
        levels = tf.io.decode_image(data, expand_animations=False)
    levels = tf.ensure_shape(levels, [None, None, None])  # (h, w, 1 to 4) uint8
    longest, shortest = tf.reduce_max(tf.shape(levels)[:2]), tf.reduce_min(tf.shape(levels)[:2])
    factor = tf.maximum(longest // ENOUGH, 1)
    if starts["jpeg"]:  # a JPEG decoder reduces by 1, 2, 4 or 8, by the shorter side
        by = tf.constant([1, 1, 2, 2, 4, 4, 4, 4, 8])[tf.minimum(shortest // ENOUGH, 8)]
        factor = by * tf.maximum(-(-longest // by) // ENOUGH, 1)
    channels = tf.shape(levels)[2]
    if (channels % 2 == 0) & ~opaque_bmp(levels, starts["bmp"]):
        grey = on_paper(levels, factor)
    else:
        grey = plain(levels[..., : channels - 1 + channels % 2], factor)
    return grey


def opaque_bmp(levels: Any, is_bmp: Any) -> Any:
    """Return whether the fourth channel of a BMP file is left empty."""
    return is_bmp & tf.reduce_all(levels[..., -1] == 0)


def claimed_pixels(data: Any, starts: dict[str, Any]) -> Any:
    """Return width times height as the file's header says.

    It is () float64, known before anything is decoded.
    """
    head = tf.cast(
        tf.io.decode_raw(tf.strings.substr(data, 0, 32) + 32 * b"\0", tf.uint8), tf.float64
    )

    def number(start: int, count: int, big: bool) -> Any:
        places = range(count - 1, -1, -1) if big else range(count)
        return sum(head[start + i] * 256.0**place for i, place in enumerate(places))

    if starts["png"]:
        pixels = number(16, 4, True) * number(20, 4, True)
    elif starts["gif"]:
        pixels = number(6, 2, False) * number(8, 2, False)
    elif starts["bmp"]:  # a negative height stands for rows from the top
        height = number(22, 4, False)
        pixels = number(18, 4, False) * tf.minimum(height, 2.0**32 - height)
    elif starts["jpeg"]:
        pixels = tf.reduce_prod(tf.cast(tf.io.extract_jpeg_shape(data)[:2], tf.float64))
    else:
        pixels = tf.constant(0.0, tf.float64)
    return pixels


def orientation(data: Any) -> Any:
    """Return the EXIF orientation of a JPEG file, from 1 to 8.

    It is () int32; 1 if there is none.
    """
    head = tf.strings.substr(data, 0, HEADER)
    before = tf.strings.length(tf.strings.split(head, b"Exif\0\0")[0])
    body = tf.strings.substr(head, tf.minimum(before + 6, tf.strings.length(head)), -1)
    raw = tf.cast(tf.io.decode_raw(body + 32 * b"\0", tf.uint8), tf.int32)
    big = raw[0] == ord("M")

    def number(start: Any) -> Any:  # two bytes; an offset of four has its lower two there
        start = tf.clip_by_value(start, 0, tf.size(raw) - 2)
        return tf.where(big, raw[start] * 256 + raw[start + 1], raw[start + 1] * 256 + raw[start])

    directory = number(tf.where(big, 6, 4))
    entries = directory + 2 + 12 * tf.range(tf.minimum(number(directory), 64))
    entries = tf.minimum(entries, tf.size(raw) - 12)
    tags = tf.map_fn(number, entries)
    entry = tf.boolean_mask(entries, tags == 0x0112)
    value = number(tf.concat([entry, [-8]], 0)[0] + 8)
    return tf.where((tf.size(entry) > 0) & (value >= 1) & (value <= 8), value, 1)


def turned(levels: Any, lies: Any) -> Any:
    """Return `levels` as a person holds the picture.

    `levels` is (h, w, channels); `lies` is the picture's orientation.
    """
    transposed, down, across = (
        tf.constant([False, *(turn[which] for turn in TURNS.values())])[lies] for which in range(3)
    )
    if transposed:
        levels = tf.transpose(levels, [1, 0, 2])
    if down:
        levels = levels[::-1]
    if across:
        levels = levels[:, ::-1]
    return levels


def plain(levels: Any, factor: Any) -> Any:
    """Return an opaque picture in grey, with each block averaged.

    uint8 (height, width, 1 or 3) -> (h, w) float32 in [0, 1].
    """
    by_channel = tf.transpose(tf.cast(levels, tf.float32), [2, 0, 1])
    means = tf.map_fn(lambda channel: grid.block_mean(channel, factor), by_channel)
    means = tf.cast(tf.floor(means + 0.5), tf.int32)
    if tf.shape(means)[0] == 3:  # ITU-R BT.601, in the whole numbers that Pillow takes
        grey = (means[0] * 19595 + means[1] * 38470 + means[2] * 7471 + 0x8000) // 65536
    else:
        grey = means[0]
    return tf.cast(grey, tf.float32) / 255


def on_paper(levels: Any, factor: Any) -> Any:
    """Return a transparent picture in grey, on paper.

    It is uint8 (height, width, 2 or 4), treated as by grey_levels.on_paper.
    """
    values = tf.cast(levels, tf.float32) / 255
    opacity = values[..., -1]
    if tf.shape(values)[2] == 4:
        grey = 0.299 * values[..., 0] + 0.587 * values[..., 1] + 0.114 * values[..., 2]
    else:
        grey = values[..., 0]
    weighed = grid.block_mean(grey * opacity, factor)
    opacity = grid.block_mean(opacity, factor)
    grey = tf.clip_by_value(weighed / tf.maximum(opacity, 1e-6), 0, 1)

    seen = tf.boolean_mask(grey, opacity > 0.5)
    low, middle, high = (grid.quantile(seen, share) for share in (0.02, 0.5, 0.98))
    covered = tf.size(seen) / tf.size(grey)
    own = (high - low > 0.3) & (covered > 0.5)
    paper = tf.where(own, middle, tf.cast(middle < 0.5, tf.float32))
    shown = paper + opacity * (grey - paper)
    return tf.where(tf.size(seen) > 0, shown, tf.ones_like(shown))
