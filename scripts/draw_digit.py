#!/usr/bin/env python3
"""Draw docs/digit.png: a seven as a pen leaves it on greyish paper, from no data set.

python scripts/draw_digit.py [FILE]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 240
PAPER, INK = 216, 52
PEN = 15  # pixels
STROKES = (  # corner points in pixels from the top left, as a hand meets them
    ((66, 68), (92, 61), (128, 60), (171, 55), (156, 92), (131, 139), (118, 168), (109, 197)),
    ((98, 133), (122, 128), (152, 125)),
)


def draw() -> Image.Image:
    """The picture: (240, 240) grey levels, dark on light."""
    picture = Image.new("L", (SIZE, SIZE), PAPER)
    pen = ImageDraw.Draw(picture)
    for stroke in STROKES:
        pen.line(stroke, fill=INK, width=PEN, joint="curve")
        for x, y in (stroke[0], stroke[-1]):
            pen.ellipse((x - PEN // 2, y - PEN // 2, x + PEN // 2, y + PEN // 2), fill=INK)
    levels = np.asarray(picture.filter(ImageFilter.GaussianBlur(1.5)), dtype=float)
    levels += np.linspace(-10, 10, SIZE)[:, np.newaxis]  # light falls from one side
    levels += np.random.default_rng(7).normal(0, 3, levels.shape)  # the grain of the paper
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/digit.png")
    draw().save(target, optimize=True)
    print(target)
