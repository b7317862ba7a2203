"""Pictures as strangers send them: photographs, odd files, marks that are no digit, by kind.

Each kind is a function of a random generator and a digit; it gives the bytes of a file and the
answers that are right. `REFUSED` stands among them where `none` or an error is right too.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from handwriting import as_jpeg, ink, light, mixed, ruled, smooth, to_picture
from PIL import Image, ImageDraw, ImageFilter, ImageFont

REFUSED = "none"
BLACK = np.array([0.1, 0.1, 0.12])
Made = tuple[bytes, frozenset[str]]


class Strange(NamedTuple):
    """A picture's kind, the bytes of its file, and the answers that are right."""

    kind: str
    content: bytes
    right: frozenset[str]


def saved(picture: Image.Image, form: str = "PNG", **more: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **more)
    return file.getvalue()


def found(
    random: np.random.Generator,
    label: int,
    size: tuple[int, int] = (320, 400),
    part: float = 0.5,
    pen: str = "felt",
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    return ink(random, label, size, part * min(size), pen)


def exactly(label: int) -> frozenset[str]:
    return frozenset({str(label)})


def sheet(strokes: np.ndarray, paper: object = 0.93, colour: object = BLACK) -> np.ndarray:
    """(h, w, 3) in [0, 1]: ink of `colour` on plain paper."""
    return mixed(strokes, np.ones(3) * np.asarray(paper), np.ones(3) * np.asarray(colour))


def photographed(rgb: np.ndarray, random: np.random.Generator, blur: float = 0.8) -> Image.Image:
    """Blurred, noisy and in a JPEG file of a phone's quality."""
    soft = to_picture(rgb).filter(ImageFilter.GaussianBlur(blur))
    rough = np.asarray(soft, float) / 255 + random.normal(0, 0.015, rgb.shape)
    return as_jpeg(to_picture(rough), 85)


# Files and light


def turned_by_exif(random, label) -> Made:
    picture = to_picture(sheet(found(random, label)[0]))
    which = int(random.integers(2, 9))
    lies = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[which]
    exif = Image.Exif()
    exif[0x0112] = which
    content = saved(picture.transpose(Image.Transpose(lies)), "JPEG", exif=exif)
    return content, exactly(label)


def deep_shadow(random, label) -> Made:
    strokes, _ = found(random, label)
    lit = sheet(strokes) * light(random, strokes.shape, True) * light(random, strokes.shape, False)
    return saved(photographed(lit, random), "JPEG"), exactly(label)


def glare(random, label) -> Made:
    strokes, _ = found(random, label)
    y, x = np.mgrid[0:1:400j, 0:1:320j]
    cy, cx = random.uniform(0, 1, 2)
    spot = 0.5 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 0.08)[..., None]
    rgb = 0.6 * sheet(strokes)
    return saved(photographed(rgb + spot * (1 - rgb), random), "JPEG"), exactly(label)


def thumb_in_a_corner(random, label) -> Made:
    strokes, _ = found(random, label, part=0.45)
    picture = to_picture(sheet(strokes))
    draw = ImageDraw.Draw(picture)
    x, y = (0 if random.random() < 0.5 else 320), (0 if random.random() < 0.5 else 400)
    draw.ellipse((x - 70, y - 90, x + 70, y + 90), fill=(205, 150, 125))
    rgb = np.asarray(picture, float) / 255
    return saved(photographed(rgb, random, 1.2), "JPEG"), exactly(label) | {REFUSED}


def dark_table_around(random, label) -> Made:
    strokes, _ = found(random, label)
    wide = np.ones((560, 480, 3)) * np.array([0.3, 0.2, 0.13])
    wide += random.normal(0, 0.02, (560, 480, 1))
    wide[80:480, 80:400] = sheet(strokes)
    turned = to_picture(wide).rotate(
        float(random.uniform(-5, 5)), Image.Resampling.BICUBIC, fillcolor=(76, 51, 33)
    )
    return saved(turned, "JPEG", quality=85), exactly(label)


def crumpled_paper(random, label) -> Made:
    strokes, _ = found(random, label)
    folds = np.zeros((400, 320))
    y, x = np.mgrid[0:1:400j, 0:1:320j]
    for _ in range(12):
        a, b = random.uniform(0, 2 * np.pi), random.uniform(0, 1)
        along = y * np.sin(a) + x * np.cos(a) - b
        folds += 0.05 * np.tanh(30 * along) * random.choice([-1, 1])
    rgb = sheet(strokes, 0.85) * (1 + folds[..., None])
    return saved(photographed(rgb, random), "JPEG"), exactly(label)


def jpeg_of_quality_10(random, label) -> Made:
    strokes, _ = found(random, label)
    return saved(to_picture(sheet(strokes)), "JPEG", quality=10), exactly(label)


def sixteen_bits(random, label) -> Made:
    strokes, _ = found(random, label)
    low = random.uniform(0, 20000)
    levels = (low + (1 - strokes) * random.uniform(15000, 40000)).astype(np.uint16)
    return saved(Image.fromarray(levels)), exactly(label)


def cmyk(random, label) -> Made:
    picture = to_picture(sheet(found(random, label)[0])).convert("CMYK")
    return saved(picture, *(("JPEG",) if random.random() < 0.5 else ("TIFF",))), exactly(label)


def grey_with_opacity(random, label) -> Made:
    strokes, _ = found(random, label)
    tone = np.full(strokes.shape, random.choice([0, 60, 255]))
    both = np.dstack([tone, 255 * strokes]).astype(np.uint8)
    return saved(Image.fromarray(both, "LA")), exactly(label)


def palette_with_transparency(random, label) -> Made:
    strokes, _ = found(random, label)
    picture = Image.fromarray((strokes > 0.5).astype(np.uint8), "P")
    picture.putpalette([255, 0, 255, 20, 20, 90] + [0] * 762)
    return saved(picture, transparency=0), exactly(label)


def one_bit(random, label) -> Made:
    strokes, _ = found(random, label)
    dithered = Image.fromarray(np.rint(255 * (1 - 0.9 * strokes) * 0.93).astype(np.uint8))
    way = Image.Dither.FLOYDSTEINBERG if random.random() < 0.5 else Image.Dither.NONE
    return saved(dithered.convert("1", dither=way)), exactly(label)


def tiny(random, label) -> Made:
    side = int(random.choice([8, 10, 12, 16]))
    strokes, _ = found(random, label, (160, 160), 0.85, "brush")
    small = to_picture(sheet(strokes)).resize((side, side), Image.Resampling.BOX)
    refused = {REFUSED} if side < 16 else set()
    return saved(small), exactly(label) | refused


def huge(random, label) -> Made:
    strokes, _ = found(random, label, (600, 400), 0.5)
    picture = to_picture(sheet(strokes)).resize((6000, 4000), Image.Resampling.BICUBIC)
    return saved(picture, "JPEG", quality=80), exactly(label)


# Paper and pens


def on_ruled_paper(random, label) -> Made:
    strokes, box = found(random, label)
    rgb = np.asarray(ruled(random, strokes, "lined", box), float) / 255
    return saved(photographed(rgb, random), "JPEG"), exactly(label)


def on_squared_paper(random, label) -> Made:
    strokes, box = found(random, label)
    rgb = np.asarray(ruled(random, strokes, "squared", box), float) / 255
    return saved(photographed(rgb, random), "JPEG"), exactly(label)


def beside_a_margin_line(random, label) -> Made:
    strokes, box = found(random, label, part=0.4)
    rgb = sheet(strokes)
    place = max(int(box[0] - random.uniform(10, 40)), 2)
    rgb[:, place : place + 3] = (0.9, 0.45, 0.45)
    return saved(photographed(rgb, random), "JPEG"), exactly(label)


def coloured_pen(random, label) -> Made:
    strokes, _ = found(random, label, pen="ballpoint")
    pens = [(0.9, 0.3, 0.6), (0.95, 0.5, 0.1), (0.2, 0.6, 0.9), (0.2, 0.7, 0.3), (0.5, 0.2, 0.7)]
    rgb = sheet(strokes, colour=pens[random.integers(len(pens))])
    return saved(photographed(rgb, random), "JPEG"), exactly(label)


def coloured_paper(random, label) -> Made:
    strokes, _ = found(random, label)
    both = [((0.1, 0.2, 0.5), (0.95, 0.9, 0.4)), ((0.95, 0.75, 0.8), (0.75, 0.1, 0.2)),
            ((0.6, 0.85, 0.6), (0.1, 0.1, 0.4)), ((0.05, 0.05, 0.05), (0.9, 0.2, 0.2)),
            ((0.98, 0.9, 0.3), (0.2, 0.2, 0.7))][random.integers(5)]  # fmt: skip
    return saved(photographed(sheet(strokes, *both), random), "JPEG"), exactly(label)


def faint_pencil(random, label) -> Made:
    strokes, _ = found(random, label, pen="pencil")
    return saved(photographed(sheet(strokes, 0.85, 0.68), random), "JPEG"), exactly(label)


def thin_pen_on_a_large_photo(random, label) -> Made:
    strokes, _ = found(random, label, (1500, 1100), float(random.uniform(0.35, 0.75)), "hair")
    wide = np.asarray(Image.fromarray(strokes).filter(ImageFilter.MaxFilter(3)))
    picture = to_picture(sheet(wide)).resize((3000, 2200), Image.Resampling.BICUBIC)
    return saved(picture, "JPEG", quality=85), exactly(label)


def thick_marker(random, label) -> Made:
    return saved(to_picture(sheet(found(random, label, pen="marker")[0]))), exactly(label)


def light_on_dark(random, label) -> Made:
    strokes, _ = found(random, label)
    return saved(photographed(sheet(strokes, 0.15, 0.9), random), "JPEG"), exactly(label)


def outlined(random, label) -> Made:
    strokes, _ = found(random, label, (480, 600), 0.6, "marker")
    solid = Image.fromarray((strokes > 0.5).astype(np.uint8) * 255)
    rim = np.asarray(solid.filter(ImageFilter.MaxFilter(9)), int) - np.asarray(solid, int)
    return saved(to_picture(sheet(rim / 255))), exactly(label) | {REFUSED}


def dashed(random, label) -> Made:
    strokes, _ = found(random, label, (320, 400), 0.6)
    y, x = np.mgrid[0:400, 0:320]
    gaps = ((y + x) // 3) % 6 == 0
    return saved(to_picture(sheet(np.where(gaps, 0, strokes)))), exactly(label) | {REFUSED}


# Place and size


def cut_to(strokes: np.ndarray, room: int = 0) -> np.ndarray:
    rows, columns = np.flatnonzero(strokes.any(1)), np.flatnonzero(strokes.any(0))
    return np.pad(strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], room)


def fills_its_frame(random, label) -> Made:
    strokes = cut_to(found(random, label)[0])
    return saved(to_picture(sheet(strokes))), exactly(label)


def touches_one_side(random, label) -> Made:
    strokes = cut_to(found(random, label)[0])
    room = [(40, 40), (40, 40)]
    side = int(random.integers(4))
    room[side // 2] = (0, 40) if side % 2 else (40, 0)
    return saved(to_picture(sheet(np.pad(strokes, room)))), exactly(label)


def touches_two_sides(random, label) -> Made:
    strokes = cut_to(found(random, label)[0])
    room = ((0, 40), (40, 0)) if random.random() < 0.5 else ((0, 0), (50, 50))
    return saved(to_picture(sheet(np.pad(strokes, room)))), exactly(label)


def small_in_a_corner(random, label) -> Made:
    strokes = cut_to(found(random, label, (120, 120), 0.6)[0])
    wide = np.zeros((900, 1200), np.float32)
    top, left = (int(v) for v in (random.choice([30, 760]), random.choice([40, 1060])))
    wide[top : top + strokes.shape[0], left : left + strokes.shape[1]] = strokes
    return saved(photographed(sheet(wide), random), "JPEG"), exactly(label)


def turned_by_20_degrees(random, label) -> Made:
    picture = to_picture(sheet(found(random, label, part=0.4)[0]))
    by = float(random.choice([-20, 20]))
    white = (237, 237, 237)
    return saved(picture.rotate(by, Image.Resampling.BICUBIC, fillcolor=white)), exactly(label)


# Beside and around the digit


def a_dot_beside(random, label) -> Made:
    strokes, box = found(random, label, part=0.4)
    picture = to_picture(sheet(strokes))
    x, y, r = box[2] + 22, box[3] - 8, 6
    ImageDraw.Draw(picture).ellipse((x - r, y - r, x + r, y + r), fill=(25, 25, 30))
    return saved(picture), exactly(label)


def underlined(random, label) -> Made:
    strokes, box = found(random, label, part=0.4)
    picture = to_picture(sheet(strokes))
    line = (box[0] - 15, box[3] + 14, box[2] + 15, box[3] + 16)
    ImageDraw.Draw(picture).line(line, fill=(25, 25, 30), width=8)
    return saved(picture), exactly(label) | {REFUSED}


def in_a_drawn_circle(random, label) -> Made:
    strokes, box = found(random, label, (400, 400), 0.35)
    picture = to_picture(sheet(strokes))
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    r = 0.95 * max(box[2] - box[0], box[3] - box[1])
    ImageDraw.Draw(picture).ellipse((x - r, y - r, x + r, y + r), outline=(25, 25, 30), width=9)
    return saved(picture), exactly(label) | {REFUSED}


def in_a_box_of_a_form(random, label) -> Made:
    strokes, box = found(random, label, (320, 400), 0.4)
    picture = to_picture(sheet(strokes))
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    w, h = 0.75 * (box[3] - box[1]), 0.8 * (box[3] - box[1])
    around = (x - w, y - h, x + w, y + h)
    ImageDraw.Draw(picture).rectangle(around, outline=(150, 150, 155), width=3)
    return saved(picture), exactly(label)


def form_box_cut_off(random, label) -> Made:
    """As a scan of one box of a form: its sides run along the picture's."""
    strokes, _ = found(random, label, (260, 320), 0.55)
    rgb = sheet(strokes)
    for place in (6, 250):
        rgb[:, place : place + 4] = (0.55, 0.55, 0.57)
    for place in (8, 306):
        rgb[place : place + 4] = (0.55, 0.55, 0.57)
    return saved(to_picture(rgb)), exactly(label)


# Hands


def drawn_curves(curves, size: int = 320, wide: int = 22, height: float = 0.55) -> bytes:
    """Smooth curves through points of a unit square, as a file."""
    picture = Image.new("L", (size, size), 240)
    draw = ImageDraw.Draw(picture)
    for curve in curves:
        points = (smooth(curve) - 0.5) * height * size + size / 2
        path = [tuple(point) for point in points]
        draw.line(path, fill=25, width=wide, joint="curve")
        for x, y in path:
            draw.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=25)
    return saved(picture.filter(ImageFilter.GaussianBlur(1)))


def shaken(random, curves, by: float = 0.02):
    return [[(x + random.normal(0, by), y + random.normal(0, by)) for x, y in curve]
            if len({*curve}) == len(curve)
            else curve for curve in curves]  # fmt: skip


HANDS = {
    "crossed seven": (7, [[(0.15, 0.05), (0.8, 0.03), (0.8, 0.03), (0.4, 1)],
                          [(0.3, 0.5), (0.75, 0.48)]]),
    "open four": (4, [[(0.25, 0), (0.15, 0.55), (0.15, 0.55), (0.85, 0.52)],
                      [(0.7, 0.2), (0.66, 1)]]),
    "closed four": (4, [[(0.65, 1), (0.65, 0), (0.65, 0), (0.1, 0.68), (0.1, 0.68), (0.9, 0.68)]]),
    "one with a foot": (1, [[(0.3, 0.25), (0.52, 0), (0.52, 0), (0.52, 1)], [(0.25, 1), (0.8, 1)]]),
    "one with a long upstroke": (1, [[(0.15, 0.5), (0.55, 0), (0.55, 0), (0.53, 1)]]),
    "two with a loop": (2, [[(0.15, 0.2), (0.45, 0), (0.78, 0.15), (0.72, 0.45), (0.4, 0.82),
                             (0.2, 0.95), (0.14, 0.84), (0.3, 0.8), (0.55, 0.95), (0.9, 0.95)]]),
    "nine with a straight leg": (9, [[(0.75, 0.25), (0.5, 0), (0.25, 0.22), (0.48, 0.48),
                                      (0.75, 0.2), (0.75, 0.2), (0.74, 1)]]),
    "three with a flat top": (3, [[(0.18, 0.02), (0.8, 0.02), (0.8, 0.02), (0.42, 0.4),
                                   (0.42, 0.4), (0.8, 0.55), (0.82, 0.82), (0.5, 1),
                                   (0.14, 0.9)]]),
}  # fmt: skip


def of_another_hand(random, label) -> Made:
    digit, curves = list(HANDS.values())[int(random.integers(len(HANDS)))]
    wide = int(random.integers(8, 28))
    return drawn_curves(shaken(random, curves), wide=wide), exactly(digit)


def zero_with_a_slash(random, label) -> Made:
    oval = [(0.5 + 0.32 * math.cos(t), 0.5 + 0.5 * math.sin(t)) for t in np.linspace(0, 6.28, 14)]
    return drawn_curves([oval, [(0.25, 0.85), (0.75, 0.15)]], wide=14), exactly(0) | {REFUSED}


# No digit


def font(size: int) -> ImageFont.FreeTypeFont:
    from matplotlib import font_manager

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)


def printed(text: str, size: int = 320) -> Image.Image:
    picture = Image.new("L", (size, size), 240)
    ImageDraw.Draw(picture).text((size / 2, size / 2), text, 25, font(size // 2), anchor="mm")
    return picture


LETTERS = "AEFHKMNPRUWXadefhkmnrtuvwx&@#%?äÄÖÜßжщ字"


def letter(random, label) -> Made:
    return saved(printed(LETTERS[int(random.integers(len(LETTERS)))])), frozenset({REFUSED})


def word(random, label) -> Made:
    text = ["no", "Hi", "ok", "the", "sum", "abc"][int(random.integers(6))]
    return saved(printed(text, 400)), frozenset({REFUSED})


def blank(random, label) -> Made:
    rgb = np.ones((300, 240, 3)) * random.uniform(0.2, 1)
    if random.random() < 0.7:
        rgb = rgb * light(random, (300, 240), random.random() < 0.5)
    if random.random() < 0.5:
        rgb[::40] *= 0.8
    return saved(photographed(rgb, random), "JPEG"), frozenset({REFUSED})


def noise(random, label) -> Made:
    levels = random.integers(0, 256, (200, 200), np.uint8)
    picture = Image.fromarray(levels).resize((300, 300), Image.Resampling(random.integers(4)))
    return saved(picture), frozenset({REFUSED})


def texture(random, label) -> Made:
    """Fur, clouds, leaves: smooth noise of several sizes in colour."""
    rgb = np.zeros((300, 300, 3))
    for cells in (4, 9, 20, 50):
        coarse = random.integers(0, 256, (cells, max(int(cells * random.uniform(0.3, 1)), 2), 3))
        part = Image.fromarray(coarse.astype(np.uint8)).resize((300, 300), Image.Resampling.BICUBIC)
        rgb += np.asarray(part, float) / 255 / 4
    return saved(photographed(np.clip(1.8 * rgb - 0.4, 0, 1), random), "JPEG"), frozenset({REFUSED})


def animal(random, label) -> Made:
    """Two ears, a head, eyes and whiskers."""
    picture = Image.new("RGB", (320, 320), tuple(int(v) for v in random.integers(120, 255, 3)))
    draw = ImageDraw.Draw(picture)
    fur = tuple(int(v) for v in random.integers(30, 160, 3))
    draw.ellipse((80, 100, 240, 260), fill=fur)
    draw.polygon([(90, 150), (95, 60), (150, 110)], fill=fur)
    draw.polygon([(230, 150), (225, 60), (170, 110)], fill=fur)
    for x in (125, 195):
        draw.ellipse((x - 14, 150, x + 14, 178), fill=(240, 240, 120))
        draw.ellipse((x - 5, 154, x + 5, 174), fill=(0, 0, 0))
    for y in (205, 215, 225):
        draw.line((60, y - 10, 140, y), fill=(20, 20, 20), width=2)
        draw.line((260, y - 10, 180, y), fill=(20, 20, 20), width=2)
    rgb = np.asarray(picture, float) / 255
    return saved(photographed(rgb, random, 1.5), "JPEG"), frozenset({REFUSED})


def circle(x, y, r, start=0.0, end=2 * math.pi):
    return [(x + r * math.cos(t), y + r * math.sin(t)) for t in np.linspace(start, end, 14)]


DRAWINGS = {
    "house": [[(0.1, 0.5), (0.5, 0), (0.5, 0), (0.9, 0.5)],
              [(0.2, 0.45), (0.2, 1), (0.2, 1), (0.8, 1), (0.8, 1), (0.8, 0.45)],
              [(0.42, 1), (0.42, 0.7), (0.42, 0.7), (0.58, 0.7), (0.58, 0.7), (0.58, 1)]],
    "face": [circle(0.5, 0.5, 0.48), circle(0.34, 0.38, 0.05), circle(0.66, 0.38, 0.05),
             circle(0.5, 0.5, 0.28, 0.5, 2.6)],
    "star": [[(0.5, 0), (0.8, 1), (0.8, 1), (0, 0.38), (0, 0.38), (1, 0.38), (1, 0.38),
              (0.2, 1), (0.2, 1), (0.5, 0)]],
    "heart": [[(0.5, 1), (0.05, 0.4), (0.25, 0.05), (0.5, 0.3), (0.5, 0.3), (0.75, 0.05),
               (0.95, 0.4), (0.5, 1)]],
    "arrow": [[(0, 0.5), (1, 0.5)], [(0.7, 0.2), (1, 0.5), (1, 0.5), (0.7, 0.8)]],
    "plus": [[(0.5, 0), (0.5, 1)], [(0, 0.5), (1, 0.5)]],
    "times": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    "tick": [[(0, 0.55), (0.35, 1), (0.35, 1), (1, 0)]],
    "triangle": [[(0.5, 0), (1, 0.9), (1, 0.9), (0, 0.9), (0, 0.9), (0.5, 0)]],
    "square": [[(0, 0), (1, 0), (1, 0), (1, 1), (1, 1), (0, 1), (0, 1), (0, 0)]],
    "spiral": [[(0.5 + t / 40 * math.cos(t), 0.5 + t / 40 * math.sin(t))
                for t in np.linspace(0, 19, 60)]],
    "stick man": [circle(0.5, 0.15, 0.14), [(0.5, 0.3), (0.5, 0.65)],
                  [(0.2, 0.42), (0.8, 0.42)], [(0.5, 0.65), (0.25, 1)], [(0.5, 0.65), (0.75, 1)]],
    "wave": [[(0, 0.5), (0.15, 0.3), (0.3, 0.5), (0.45, 0.7), (0.6, 0.5), (0.75, 0.3), (0.9, 0.5)]],
    "equals": [[(0, 0.35), (1, 0.35)], [(0, 0.65), (1, 0.65)]],
    "stroke": [[(0, 0.5), (1, 0.5)]],
    "flower": [circle(0.5, 0.3, 0.12), circle(0.3, 0.3, 0.1), circle(0.7, 0.3, 0.1),
               circle(0.5, 0.1, 0.1), circle(0.5, 0.5, 0.1), [(0.5, 0.6), (0.5, 1)]],
}  # fmt: skip


def drawing(random, label) -> Made:
    curves = list(DRAWINGS.values())[int(random.integers(len(DRAWINGS)))]
    return drawn_curves(curves, wide=int(random.integers(8, 22))), frozenset({REFUSED})


# Several digits


def two(random, apart: float) -> np.ndarray:
    """Two digits side by side; `apart` of their height between them, negative where they meet."""
    first, second = (
        cut_to(found(random, int(random.integers(10)), (200, 200), 0.55)[0]) for _ in range(2)
    )
    high = max(len(first), len(second))
    first, second = (np.pad(one, ((0, high - len(one)), (0, 0))) for one in (first, second))
    left = first.shape[1] + int(apart * high)
    both = np.zeros((high, left + second.shape[1]), np.float32)
    both[:, : first.shape[1]] = first
    both[:, left:] = np.maximum(both[:, left:], second)
    return np.pad(both, 80)


def touching(seed: int) -> Image.Image:
    """Two drawn digits that touch, dark on light. Of 8 a network alone reads them as one."""
    random = np.random.default_rng([seed, 11])
    grey = 0.93 - 0.83 * two(random, random.uniform(-0.12, -0.04))
    return Image.fromarray(np.rint(255 * grey).astype(np.uint8))


def as_png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def two_digits(random, label) -> Made:
    return saved(to_picture(sheet(two(random, random.uniform(0.1, 0.5))))), frozenset({REFUSED})


def two_that_touch(random, label) -> Made:
    return saved(to_picture(sheet(two(random, random.uniform(-0.12, -0.02))))), frozenset({REFUSED})


def one_above_the_other(random, label) -> Made:
    first, second = (
        cut_to(found(random, int(random.integers(10)), (200, 200), 0.55)[0]) for _ in range(2)
    )
    wide = max(first.shape[1], second.shape[1])
    first, second = (np.pad(one, ((0, 0), (0, wide - one.shape[1]))) for one in (first, second))
    both = np.concatenate([first, np.zeros((25, wide)), second])
    return saved(to_picture(sheet(np.pad(both, 80)))), frozenset({REFUSED})


Kind = Callable[[np.random.Generator, int], Made]
DIGITS: tuple[Kind, ...] = (
    turned_by_exif, deep_shadow, glare, thumb_in_a_corner, dark_table_around, crumpled_paper,
    jpeg_of_quality_10, sixteen_bits, cmyk, grey_with_opacity, palette_with_transparency, one_bit,
    tiny, huge, on_ruled_paper, on_squared_paper, beside_a_margin_line, coloured_pen,
    coloured_paper, faint_pencil, thin_pen_on_a_large_photo, thick_marker, light_on_dark, outlined,
    dashed, fills_its_frame, touches_one_side, touches_two_sides, small_in_a_corner,
    turned_by_20_degrees, a_dot_beside, underlined, in_a_drawn_circle, in_a_box_of_a_form,
    form_box_cut_off, of_another_hand, zero_with_a_slash,
)  # fmt: skip
OTHERS: tuple[Kind, ...] = (
    letter, word, blank, noise, texture, animal, drawing, two_digits, two_that_touch,
    one_above_the_other,
)  # fmt: skip


def pictures(seed: int, each: int, kinds: tuple[Kind, ...] = DIGITS + OTHERS) -> Iterator[Strange]:
    """`each` pictures of every kind, their digits in turn."""
    for kind in kinds:
        number = (DIGITS + OTHERS).index(kind)
        for turn in range(each):
            random = np.random.default_rng([seed, number, turn])
            content, right = kind(random, turn % 10)
            yield Strange(kind.__name__.replace("_", " "), content, right)
