"""Drawings of what is not a digit, to learn refusing.

They are letters, signs, numbers of several digits, scribbles, textures and blanks. A network that
has only seen digits calls every picture a digit. Shown these with no label in favour, all equally
probable, it learns to be unsure of them (outlier exposure: Hendrycks, Mazeika & Dietterich, Deep
Anomaly Detection with Outlier Exposure, 2019), and a bound on the winning probability tells them
apart. Letters that some hand writes like a digit (O, l, I, S, Z, b, q and g) are left out: nobody
could tell.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from nnguide.data.hands import LARGE, SIDE, Shape, arc, picture

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYacdefhijkmnprtuvwxy&@#?%$"
OTHER_LETTERS = "ÄÑßλπΣΩψЖФд"  # TeX's fonts lack them
TEX_FONTS = ("cmr10", "cmss10", "cmtt10")
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralItalic",
    "STIXGeneralBol",
    *TEX_FONTS,
)

# Letters and signs as a pen writes them, in the unit square of nnguide.data.hands
DRAWN: dict[str, Shape] = {
    "A": (((0.1, 1.0), (0.5, 0.0), (0.9, 1.0)), ((0.25, 0.62), (0.76, 0.62))),
    "B": (
        ((0.15, 0.0), (0.15, 1.0), *arc(0.45, 0.74, 0.42, 0.26, 90, -90), (0.15, 0.48)),
        ((0.15, 0.0), *arc(0.42, 0.24, 0.38, 0.24, -90, 90)),
    ),
    "C": (arc(0.55, 0.5, 0.45, 0.5, -50, -310),),
    "E": (((0.85, 0.0), (0.15, 0.0), (0.15, 1.0), (0.88, 1.0)), ((0.15, 0.5), (0.72, 0.5))),
    "F": (((0.9, 0.0), (0.2, 0.0), (0.2, 1.0)), ((0.2, 0.5), (0.75, 0.48))),
    "G": ((*arc(0.5, 0.5, 0.42, 0.5, -45, -320), (0.9, 0.55), (0.55, 0.55)),),
    "H": (((0.15, 0.0), (0.15, 1.0)), ((0.85, 0.0), (0.85, 1.0)), ((0.15, 0.5), (0.85, 0.5))),
    "J": (((0.75, 0.0), (0.75, 0.75), *arc(0.45, 0.72, 0.3, 0.28, 0, 170)),),
    "K": (((0.2, 0.0), (0.2, 1.0)), ((0.85, 0.0), (0.22, 0.55)), ((0.4, 0.42), (0.9, 1.0))),
    "L": (((0.2, 0.0), (0.2, 1.0), (0.85, 1.0)),),
    "M": (((0.05, 1.0), (0.12, 0.0), (0.5, 0.65), (0.88, 0.0), (0.95, 1.0)),),
    "N": (((0.12, 1.0), (0.12, 0.0), (0.88, 1.0), (0.88, 0.0)),),
    "P": (((0.2, 1.0), (0.2, 0.0), *arc(0.45, 0.26, 0.4, 0.26, -90, 90), (0.2, 0.53)),),
    "Q": (arc(0.5, 0.45, 0.42, 0.45, 0, 360), ((0.5, 0.6), (0.98, 1.05))),
    "R": (
        ((0.2, 1.0), (0.2, 0.0), *arc(0.42, 0.25, 0.4, 0.25, -90, 90), (0.2, 0.5)),
        ((0.42, 0.5), (0.88, 1.0)),
    ),
    "T": (((0.05, 0.0), (0.95, 0.0)), ((0.5, 0.0), (0.5, 1.0))),
    "U": (((0.12, 0.0), *arc(0.5, 0.62, 0.38, 0.38, 180, 0), (0.88, 0.0)),),
    "V": (((0.08, 0.0), (0.5, 1.0), (0.92, 0.0)),),
    "W": (((0.02, 0.0), (0.27, 1.0), (0.5, 0.3), (0.73, 1.0), (0.98, 0.0)),),
    "X": (((0.1, 0.0), (0.9, 1.0)), ((0.9, 0.0), (0.1, 1.0))),
    "Y": (((0.1, 0.0), (0.5, 0.48), (0.9, 0.0)), ((0.5, 0.48), (0.5, 1.0))),
    "a": (arc(0.45, 0.5, 0.38, 0.45, -20, 340), ((0.85, 0.05), (0.85, 1.0))),
    "d": (arc(0.42, 0.7, 0.34, 0.3, 0, 360), ((0.78, 0.0), (0.78, 1.0))),
    "e": (((0.12, 0.5), (0.88, 0.48), *arc(0.5, 0.5, 0.4, 0.48, 0, -300)),),
    "f": (((0.85, 0.1), (0.6, 0.0), (0.45, 0.2), (0.45, 1.0)), ((0.15, 0.4), (0.8, 0.4))),
    "h": (((0.2, 0.0), (0.2, 1.0)), ((0.2, 0.6), *arc(0.5, 0.65, 0.3, 0.25, 190, 360), (0.8, 1.0))),
    "i": (((0.5, 0.36), (0.48, 1.0)), ((0.5, 0.0), (0.52, 0.05))),
    "k": (((0.2, 0.0), (0.2, 1.0)), ((0.75, 0.35), (0.22, 0.7), (0.8, 1.0))),
    "m": (
        ((0.05, 0.1), (0.05, 1.0)),
        ((0.05, 0.4), *arc(0.27, 0.35, 0.22, 0.3, 180, 360), (0.5, 1.0)),
        ((0.5, 0.4), *arc(0.72, 0.35, 0.22, 0.3, 180, 360), (0.95, 1.0)),
    ),
    "n": (((0.15, 0.0), (0.15, 1.0)), (*arc(0.5, 0.4, 0.35, 0.4, 190, 360), (0.85, 1.0))),
    "p": (((0.2, 0.0), (0.2, 1.0)), arc(0.5, 0.28, 0.3, 0.28, 180, 540)),
    "r": (((0.25, 0.0), (0.25, 1.0)), ((0.25, 0.4), (0.5, 0.08), (0.85, 0.1))),
    "t": (((0.45, 0.0), (0.45, 0.85), (0.6, 1.0), (0.82, 0.92)), ((0.12, 0.32), (0.82, 0.32))),
    "y": (((0.1, 0.0), (0.45, 0.55)), ((0.85, 0.0), (0.2, 1.0))),
    "plus": (((0.5, 0.0), (0.5, 1.0)), ((0.0, 0.5), (1.0, 0.5))),
    "minus": (((0.0, 0.5), (1.0, 0.48)),),
    "equals": (((0.0, 0.35), (1.0, 0.33)), ((0.0, 0.68), (1.0, 0.66))),
    "tick": (((0.0, 0.55), (0.35, 1.0), (1.0, 0.0)),),
    "arrow": (((0.0, 0.5), (1.0, 0.5)), ((0.65, 0.2), (1.0, 0.5), (0.65, 0.8))),
    "triangle": (((0.5, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.0)),),
    "square": (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)),),
    "house": (
        ((0.1, 0.45), (0.5, 0.0), (0.9, 0.45), (0.1, 0.45), (0.1, 1.0), (0.9, 1.0), (0.9, 0.45)),
        ((0.4, 1.0), (0.4, 0.7), (0.6, 0.7), (0.6, 1.0)),
    ),
    "star": (((0.2, 1.0), (0.5, 0.0), (0.8, 1.0), (0.0, 0.38), (1.0, 0.38), (0.2, 1.0)),),
    "heart": (
        ((0.5, 1.0), (0.02, 0.38), *arc(0.27, 0.28, 0.24, 0.28, 180, 360)),
        (*arc(0.74, 0.28, 0.24, 0.28, 180, 360), (0.5, 1.0)),
    ),
    "face": (
        arc(0.5, 0.5, 0.5, 0.5, 0, 360),
        ((0.33, 0.35), (0.33, 0.42)),
        ((0.67, 0.35), (0.67, 0.42)),
        arc(0.5, 0.58, 0.25, 0.2, 10, 170),
    ),
    "stick figure": (
        arc(0.5, 0.15, 0.15, 0.15, 0, 360),
        ((0.5, 0.3), (0.5, 0.65), (0.25, 1.0)),
        ((0.5, 0.65), (0.75, 1.0)),
        ((0.2, 0.45), (0.8, 0.45)),
    ),
}  # fmt: skip


def drawn(count: int, seed: int) -> np.ndarray:
    """Draw `count` pictures without a digit, (count, 28, 28) uint8.

    They are in MNIST's form. Four in ten are letters of fonts, three letters and signs of a pen;
    the others are numbers of several digits, scribbles, textures or noise, and blank or almost. A
    pure function of `count` and `seed`.
    """
    random = np.random.default_rng([seed, 2_017])
    kinds = (_letter, _by_pen, _number, _scribble, _texture, _blank)
    chosen = random.choice(len(kinds), count, p=(0.4, 0.28, 0.08, 0.08, 0.1, 0.06))
    pictures = np.zeros((count, SIDE, SIDE), np.uint8)
    for place, kind in enumerate(chosen):
        pictures[place] = kinds[kind](random)
    return pictures


@functools.cache
def _font(name: str) -> object:
    import matplotlib
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(str(path), SIDE * LARGE)


def _letter(random: np.random.Generator) -> np.ndarray:
    name = str(random.choice(FONTS))
    letters = LETTERS if name in TEX_FONTS else LETTERS + OTHER_LETTERS
    return _of_a_font(str(random.choice(list(letters))), name, random)


def _number(random: np.random.Generator) -> np.ndarray:
    """Draw two or three digits beside each other."""
    digits = random.integers(0, 10, random.integers(2, 4))
    return _of_a_font("".join(map(str, digits)), str(random.choice(FONTS)), random)


def _of_a_font(text: str, name: str, random: np.random.Generator) -> np.ndarray:
    """Draw text in a font of Matplotlib's, slightly turned and slanted."""
    from PIL import Image, ImageDraw

    size = 3 * SIDE * LARGE
    drawing = Image.new("L", (size, size))
    ImageDraw.Draw(drawing).text(
        (size / 2, size / 2),
        text,
        fill=255,
        font=_font(name),  # type: ignore[arg-type, unused-ignore]
        anchor="mm",
        stroke_width=int(random.integers(0, 6)),
    )
    slant = random.normal(0, 0.12)
    drawing = drawing.rotate(random.normal(0, 7)).transform(
        drawing.size, Image.Transform.AFFINE, (1, slant, -slant * size / 2, 0, 1, 0)
    )
    return picture(drawing, random)


def _by_pen(random: np.random.Generator) -> np.ndarray:
    from nnguide.data.hands import by_pen

    return by_pen(DRAWN[str(random.choice(list(DRAWN)))], random)


def _scribble(random: np.random.Generator) -> np.ndarray:
    """Draw a scribble with three to eight bends."""
    from nnguide.data.hands import by_pen

    bends = int(random.integers(5, 11))
    return by_pen((tuple(map(tuple, random.random((bends, 2)))),), random)


def _texture(random: np.random.Generator) -> np.ndarray:
    """Draw noise, soft or hard, or stripes."""
    from scipy import ndimage

    if random.random() < 0.3:
        rows, columns = np.mgrid[:SIDE, :SIDE]
        angle, period = random.uniform(0, np.pi), random.uniform(3, 10)
        wave = np.sin((rows * np.cos(angle) + columns * np.sin(angle)) * 2 * np.pi / period)
        noise = wave + random.normal(0, 0.2, wave.shape)
    else:
        noise = ndimage.gaussian_filter(random.normal(size=(SIDE, SIDE)), random.uniform(0, 3))
    noise = (noise - noise.mean()) / (noise.std() + 1e-6)
    level, gain = random.uniform(-80, 120), random.uniform(30, 130)
    return np.clip(level + gain * noise, 0, 255).astype(np.uint8)


def _blank(random: np.random.Generator) -> np.ndarray:
    """Draw an empty sheet, evenly grey, with a speck or two."""
    sheet = np.full((SIDE, SIDE), random.choice([0, random.uniform(0, 255)]))
    sheet += random.normal(0, random.choice([0, 4, 12]), sheet.shape)
    for _ in range(int(random.integers(0, 4))):
        y, x = random.integers(0, SIDE - 3, 2)
        high, wide = random.integers(1, 4, 2)
        sheet[y : y + high, x : x + wide] = random.uniform(0, 255)
    return np.clip(sheet, 0, 255).astype(np.uint8)
