"""A seeded hand that draws digits: many shapes, pens, papers and frames.

It stands for the pictures that people send. Every drawing is one that a person would read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Curve = list[tuple[float, float]]  # control points, x to the right and y down, in a unit square

# each digit's shapes; a shape is a list of strokes, each a smooth curve through its points,
# and a point that is given twice is a corner
SHAPES: dict[int, list[list[Curve]]] = {
    0: [
        [[(0.5, 0), (0.2, 0.15), (0.12, 0.5), (0.25, 0.88), (0.5, 1), (0.76, 0.86), (0.88, 0.5),
          (0.78, 0.14), (0.5, 0)]],
        [[(0.6, 0.02), (0.3, 0.1), (0.15, 0.5), (0.25, 0.9), (0.5, 1), (0.8, 0.8), (0.85, 0.4),
          (0.7, 0.08), (0.48, 0.04)]],
    ],
    1: [
        [[(0.5, 0), (0.5, 1)]],
        [[(0.28, 0.22), (0.52, 0), (0.52, 0), (0.52, 1)]],
        [[(0.3, 0.2), (0.52, 0), (0.52, 0), (0.52, 1)], [(0.28, 1), (0.76, 1)]],
    ],
    2: [
        [[(0.15, 0.25), (0.3, 0.04), (0.6, 0), (0.82, 0.2), (0.72, 0.48), (0.4, 0.75), (0.12, 1),
          (0.12, 1), (0.88, 0.98)]],
        [[(0.15, 0.2), (0.45, 0), (0.78, 0.15), (0.72, 0.45), (0.4, 0.82), (0.2, 0.95),
          (0.14, 0.84), (0.3, 0.8), (0.55, 0.95), (0.9, 0.95)]],
    ],
    3: [
        [[(0.18, 0.12), (0.45, 0), (0.76, 0.12), (0.74, 0.36), (0.42, 0.47), (0.42, 0.47),
          (0.8, 0.58), (0.84, 0.84), (0.5, 1), (0.14, 0.88)]],
        [[(0.18, 0.02), (0.8, 0.02), (0.8, 0.02), (0.42, 0.4), (0.42, 0.4), (0.8, 0.52),
          (0.84, 0.82), (0.5, 1), (0.14, 0.9)]],
    ],
    4: [
        [[(0.62, 0), (0.1, 0.66), (0.1, 0.66), (0.9, 0.66)], [(0.64, 0.0), (0.64, 1)]],
        [[(0.2, 0), (0.16, 0.52), (0.16, 0.52), (0.86, 0.5)], [(0.76, 0.02), (0.7, 1)]],
        [[(0.22, 0.05), (0.16, 0.5), (0.4, 0.6), (0.78, 0.5)], [(0.78, 0), (0.72, 1)]],
    ],
    5: [
        [[(0.24, 0.02), (0.2, 0.45), (0.2, 0.45), (0.55, 0.38), (0.84, 0.58), (0.8, 0.86),
          (0.48, 1), (0.14, 0.9)], [(0.24, 0.02), (0.82, 0.02)]],
        [[(0.82, 0.02), (0.3, 0.02), (0.3, 0.02), (0.2, 0.44), (0.2, 0.44), (0.6, 0.4),
          (0.84, 0.66), (0.66, 0.96), (0.36, 1), (0.12, 0.9)]],
    ],
    6: [
        [[(0.7, 0), (0.36, 0.2), (0.16, 0.6), (0.28, 0.94), (0.58, 1), (0.82, 0.82), (0.76, 0.58),
          (0.5, 0.5), (0.2, 0.68)]],
        [[(0.5, 0), (0.26, 0.36), (0.18, 0.76), (0.4, 1), (0.72, 0.95), (0.8, 0.7), (0.58, 0.54),
          (0.3, 0.62), (0.2, 0.78)]],
    ],
    7: [
        [[(0.12, 0.02), (0.86, 0.02), (0.86, 0.02), (0.4, 1)]],
        [[(0.12, 0.04), (0.86, 0.02), (0.86, 0.02), (0.55, 0.45), (0.36, 1)],
         [(0.3, 0.5), (0.76, 0.48)]],
        [[(0.12, 0.16), (0.14, 0.02), (0.14, 0.02), (0.84, 0.02), (0.84, 0.02), (0.42, 1)]],
    ],
    8: [
        [[(0.74, 0.12), (0.46, 0), (0.2, 0.16), (0.32, 0.4), (0.7, 0.6), (0.8, 0.84), (0.5, 1),
          (0.2, 0.86), (0.28, 0.6), (0.68, 0.36), (0.78, 0.16), (0.6, 0.02)]],
        [[(0.5, 0), (0.24, 0.1), (0.26, 0.36), (0.5, 0.46), (0.74, 0.36), (0.76, 0.1), (0.5, 0)],
         [(0.5, 0.46), (0.18, 0.62), (0.2, 0.9), (0.5, 1), (0.8, 0.9), (0.82, 0.62),
          (0.5, 0.46)]],
    ],
    9: [
        [[(0.8, 0.16), (0.54, 0), (0.24, 0.14), (0.2, 0.38), (0.46, 0.52), (0.74, 0.38),
          (0.82, 0.14), (0.82, 0.14), (0.78, 0.6), (0.7, 1)]],
        [[(0.78, 0.12), (0.5, 0), (0.22, 0.2), (0.32, 0.46), (0.62, 0.46), (0.78, 0.14),
          (0.78, 0.14), (0.8, 0.6), (0.64, 0.92), (0.28, 0.98)]],
    ],
}  # fmt: skip

# width of the stroke as a fraction of the digit's height, and how even its ink is
PENS = {
    "hair": (0.0, 1.0),  # one pixel
    "ballpoint": (0.03, 1.0),
    "pencil": (0.04, 0.55),
    "felt": (0.08, 1.0),
    "brush": (0.12, 0.85),
    "marker": (0.17, 1.0),
}
PAPERS = (
    "white", "grey", "yellowish", "lined", "squared", "shaded", "shadow", "noisy", "jpeg",
    "specks", "bordered", "photo", "chalkboard", "inverted", "transparent",
)  # fmt: skip


def smooth(points: Curve, steps: int = 24) -> np.ndarray:
    """A Catmull-Rom curve through `points`: (n, 2) float; a point given twice is a corner."""
    through = np.asarray(points, float)
    padded = np.concatenate([through[:1], through, through[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        if np.array_equal(start, end):
            continue
        before = start if np.array_equal(before, start) else before
        slope, next_slope = (end - before) / 2, (after - start) / 2
        pieces.append(
            (2 * t**3 - 3 * t**2 + 1) * start + (t**3 - 2 * t**2 + t) * slope
            + (3 * t**2 - 2 * t**3) * end + (t**3 - t**2) * next_slope
        )  # fmt: skip
    return np.concatenate([*pieces, through[-1:]])


def strokes(random: np.random.Generator, label: int) -> list[np.ndarray]:
    """One way to write `label`: strokes (n, 2) with height about 1, around the origin."""
    shapes = SHAPES[label]
    shape = shapes[random.integers(len(shapes))]
    shifts: dict[tuple[float, float], np.ndarray] = {}  # a point that strokes share moves once
    slant, turn = np.tan(np.radians(random.uniform(-15, 15))), np.radians(random.uniform(-6, 6))
    width = random.uniform(0.6, 0.85)
    by = np.array([[width, 0], [-slant, 1]]) @ np.array(
        [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    drawn = []
    for curve in shape:
        moved = [
            tuple(np.add(point, shifts.setdefault(point, random.normal(0, 0.018, 2))))
            for point in curve
        ]
        drawn.append((smooth(moved) - 0.5) @ by)
    return drawn


def ink(
    random: np.random.Generator, label: int, size: tuple[int, int], height: float, pen: str
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Where `size` (width, height) holds ink, (height, width) float in [0, 1], and its box."""
    thickness, evenness = PENS[pen]
    width = max(thickness * random.uniform(0.85, 1.15) * height, 1.0)
    fine = 4 if max(size) <= 300 else 2
    curves = [curve * (height - width) for curve in strokes(random, label)]
    points = np.concatenate(curves)
    low, high = points.min(0) - width / 2, points.max(0) + width / 2
    room = np.maximum(np.array(size) - (high - low), 0)
    place = room * random.uniform(0.06, 0.94, 2) - low
    mask = Image.new("L", (size[0] * fine, size[1] * fine))
    draw = ImageDraw.Draw(mask)
    radius = width * fine / 2
    for curve in curves:
        path = [tuple(point) for point in (curve + place) * fine]
        draw.line(path, fill=255, width=max(round(width * fine), 1), joint="curve")
        for x, y in path:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    found = np.asarray(mask.resize(size, Image.Resampling.BOX), np.float32) / 255
    if evenness < 1:
        coarse = random.integers(0, 256, (size[1] // fine + 1, size[0] // fine + 1), np.uint8)
        grain = np.asarray(Image.fromarray(coarse).resize(size), np.float32) / 255
        found = found * np.clip(evenness + (1 - evenness) * 2 * (grain - 0.3), 0, 1)
    box = (*(low + place).astype(int), *(high + place).astype(int))
    return found, box


def drawing(
    random: np.random.Generator, label: int, pen: str, paper: str
) -> tuple[Image.Image, str]:
    """A picture of `label` and what to call it."""
    longest = int(np.exp(random.uniform(np.log(40), np.log(1200))))
    shortest = int(longest * random.uniform(0.5, 1))
    size = (longest, shortest) if random.random() < 0.5 else (shortest, longest)
    # a digit too small to read is none: at least 22 pixels high, whatever the frame
    height = max(random.uniform(0.35, 0.85) * shortest, 22)
    if pen == "hair":  # one pixel must stay visible beside the whole
        height = min(height, 240)
    size = (max(size[0], int(height * 1.25)), max(size[1], int(height * 1.1)))
    found, box = ink(random, label, size, height, pen)
    picture = ON_PAPER.get(paper, flat)(random, found, paper, box)
    return picture, f"{label} with {pen} on {paper}, {size[0]}x{size[1]}, {height:.0f} high"


def mixed(found: np.ndarray, paper: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Ink of `colour` (3,) over `paper` (height, width, 3) or (3,), all in [0, 1]."""
    return paper + found[..., None] * (colour - paper)


def to_picture(rgb: np.ndarray) -> Image.Image:
    """An RGB picture of (height, width, 3) float, clipped to [0, 1]."""
    return Image.fromarray((np.clip(rgb, 0, 1) * 255).round().astype(np.uint8))


def ink_colour(random: np.random.Generator) -> np.ndarray:
    """Black, grey, blue, red or green, never lighter than a soft pencil."""
    colours = [(0, 0, 0), (0.15, 0.15, 0.2), (0.1, 0.15, 0.6), (0.7, 0.1, 0.1), (0.3, 0.3, 0.3)]
    return np.array(colours[random.integers(len(colours))]) + random.uniform(0, 0.08)


def flat(random, found, paper, box) -> Image.Image:
    tone = {"grey": (0.7, 0.7, 0.7), "yellowish": (0.95, 0.9, 0.72)}.get(paper, (1, 1, 1))
    level = np.array(tone) * random.uniform(0.94, 1)
    if paper == "inverted":
        return to_picture(1 - mixed(found, np.ones(3), np.zeros(3)))
    return to_picture(mixed(found, level, ink_colour(random)))


def ruled(random, found, paper, box) -> Image.Image:
    height, width = found.shape
    apart = max(int(random.uniform(0.12, 0.4) * min(height, width)), 8)
    thick = max(min(height, width) // 300, 1)
    sheet = np.ones((height, width, 3)) * random.uniform(0.94, 1)
    line = np.array([0.6, 0.72, 0.9]) if random.random() < 0.7 else np.array([0.6, 0.6, 0.6])
    for start in range(int(random.integers(apart)), height, apart):
        sheet[start : start + thick] = line
    if paper == "squared":
        for start in range(int(random.integers(apart)), width, apart):
            sheet[:, start : start + thick] = line
    return to_picture(mixed(found, sheet, ink_colour(random)))


def light(random, shape: tuple[int, int], hard: bool) -> np.ndarray:
    """How bright the light falls: (height, width, 1), a slope or the edge of a shadow."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    angle = random.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    if hard:
        edge = 1 / (1 + np.exp(-(along - random.uniform(-0.5, 0.5)) * random.uniform(8, 60)))
        return (1 - random.uniform(0.25, 0.5) * edge)[..., None]
    return (1 - random.uniform(0.2, 0.45) * (along + 1.4) / 2.8)[..., None]


def lit(random, found, paper, box) -> Image.Image:
    sheet = mixed(found, np.ones(3) * 0.95, ink_colour(random))
    rgb = sheet * light(random, found.shape, hard=paper == "shadow")
    return to_picture(rgb + random.normal(0, 0.01, rgb.shape))


def noisy(random, found, paper, box) -> Image.Image:
    rgb = mixed(found, np.ones(3) * 0.9, ink_colour(random))
    amount = random.uniform(0.03, 0.08)
    return to_picture(rgb + random.normal(0, amount, (*found.shape, 1)))


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue()))


def jpeg(random, found, paper, box) -> Image.Image:
    return as_jpeg(flat(random, found, paper, box), int(random.integers(15, 50)))


def speckled(random, found, paper, box) -> Image.Image:
    """Crumbs and dust: small dark spots, never larger than the pen is wide."""
    height, width = found.shape
    rgb = mixed(found, np.ones(3), ink_colour(random))
    spot = max(int(0.012 * (box[3] - box[1])), 1)
    for _ in range(int(random.integers(3, 12))):
        y, x = random.integers(height), random.integers(width)
        rgb[y : y + spot, x : x + spot] = random.uniform(0.1, 0.6)
    return to_picture(rgb)


def bordered(random, found, paper, box) -> Image.Image:
    """A line drawn around: at the picture's edge, or in from it but outside the digit."""
    height, width = found.shape
    rgb = mixed(found, np.ones(3) * 0.98, ink_colour(random))
    thick = max(int(random.uniform(0.004, 0.02) * min(height, width)), 1)
    room = min(box[0], box[1], width - box[2], height - box[3]) - 2 * thick - 2
    off = int(random.integers(0, room // 2 + 1)) if room > 1 else 0
    colour = random.uniform(0, 0.4)
    wide = np.zeros((height, width), bool)
    wide[off : height - off, off : width - off] = True
    inside = off + thick
    wide[inside : height - inside, inside : width - inside] = False
    rgb[wide] = colour
    return to_picture(rgb)


def photo(random, found, paper, box) -> Image.Image:
    """All of it at once, mildly: lines, a shadow, blur, noise and a JPEG file."""
    picture = ruled(random, found, "lined", box) if random.random() < 0.5 else flat(
        random, found, "yellowish", box
    )  # fmt: skip
    rgb = np.asarray(picture, float) / 255 * light(random, found.shape, random.random() < 0.5)
    blurred = to_picture(rgb * random.uniform(0.75, 1)).filter(
        ImageFilter.GaussianBlur(0.002 * min(found.shape))
    )
    rough = np.asarray(blurred, float) / 255 + random.normal(0, 0.02, (*found.shape, 3))
    return as_jpeg(to_picture(rough), int(random.integers(45, 90)))


def chalk(random, found, paper, box) -> Image.Image:
    board = np.array([0.12, 0.2, 0.16]) + random.uniform(0, 0.12)
    rgb = mixed(found * random.uniform(0.75, 1), board, np.ones(3) * 0.95)
    return to_picture(rgb + random.normal(0, 0.02, (*found.shape, 1)))


def transparent(random, found, paper, box) -> Image.Image:
    """Ink of any colour on nothing."""
    rgba = np.zeros((*found.shape, 4), np.uint8)
    rgba[..., :3] = random.integers(0, 60) if random.random() < 0.5 else 255
    rgba[..., 3] = (found * 255).astype(np.uint8)
    return Image.fromarray(rgba)


ON_PAPER = {
    "lined": ruled, "squared": ruled, "shaded": lit, "shadow": lit, "noisy": noisy, "jpeg": jpeg,
    "specks": speckled, "bordered": bordered, "photo": photo, "chalkboard": chalk,
    "transparent": transparent,
}  # fmt: skip


def drawings(seed: int, count: int) -> Iterator[tuple[Image.Image, int, str]]:
    """`count` drawings: the picture, the digit it shows, and how it was made.

    Labels, pens and papers take turns, so that each `seed` gives every kind its share.
    """
    random = np.random.default_rng(seed)
    pens = list(PENS)
    for number in range(count):
        label = number % 10
        pen = pens[random.integers(len(pens))]
        paper = PAPERS[(number // 10 + number) % len(PAPERS)]
        picture, description = drawing(random, label, pen, paper)
        yield picture, label, description
