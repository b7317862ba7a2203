"""Draw pages of digits, and measure how many are read right.

A page is drawn from single digits: in lines or in the boxes of a form, on plain, ruled or squared
paper, with a margin, in a shadow or by a coloured pen. Everything is a function of the seed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from nnguide.data.examples import Examples
from nnguide.errors import InputError
from nnguide.evaluation import metrics
from nnguide.runs import Run

COUNTS = (3, 8, 20)  # digits on a page
TOUCHING = 0.3  # of all neighbours in a line
PENS = ((0.1, 0.1, 0.12), (0.12, 0.2, 0.6), (0.65, 0.12, 0.15), (0.1, 0.4, 0.2), (0.3, 0.3, 0.3))
BLUE, RED, GREY = (0.68, 0.78, 0.92), (0.93, 0.6, 0.6), (0.6, 0.6, 0.62)


class Page(NamedTuple):
    """Hold a page and what stands on it, in reading order.

    Attributes:
        picture: (height, width, 3) uint8.
        labels: numbers of the labels, (n,) int.
        paper: a name of PAPERS.
        touching: how many neighbours touch.
    """

    picture: np.ndarray
    labels: np.ndarray
    paper: str
    touching: int


def drawn(examples: Examples, count: int, pages: int, seed: int, joined: bool) -> Iterator[Page]:
    """Draw `pages` pages of `count` digits each; with `joined` some neighbours touch.

    Args:
        examples: single digits (n, 28, 28) uint8, white on black.
    """
    for number in range(pages):
        random = np.random.default_rng([seed, count, number, joined])
        paper = list(PAPERS)[number % len(PAPERS)]
        chosen = random.integers(0, len(examples), count)
        touching = TOUCHING if joined and paper != "form" else 0.0
        height = int(random.uniform(34, 84))
        inks = [_ink(examples.inputs[n], height * random.uniform(0.86, 1.1)) for n in chosen]
        long = count if count <= 3 else int(random.integers(4, 7))
        lines = [inks[start : start + long] for start in range(0, count, long)]
        ink, joints, cells = _written(lines, height, touching, paper == "form", random)
        sheet = PAPERS[paper](ink.shape, height, cells, random)
        pen = np.array(PENS[0 if paper != "coloured pen" else random.integers(1, len(PENS))])
        rgb = sheet + ink[..., None] * (pen - sheet)
        if paper == "shadow":
            rgb = rgb * _light(ink.shape, random)
        rgb = rgb + random.normal(0, 0.012, (*ink.shape, 1))
        levels = np.rint(255 * np.clip(rgb, 0, 1)).astype(np.uint8)
        yield Page(levels, examples.labels[chosen], paper, joints)


def _ink(digit: np.ndarray, height: float) -> np.ndarray:
    """Return one digit's ink, cut out, (h, w) float in [0, 1].

    `height` is its longer side.
    """
    from scipy import ndimage

    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255
    large = ndimage.zoom(np.pad(cut, 1), height / max(cut.shape), order=3)
    ink = np.clip(2.2 * (large - 0.5) + 0.5, 0, 1)
    rows, columns = np.flatnonzero((ink > 0.1).any(1)), np.flatnonzero((ink > 0.1).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _written(
    lines: list[list[np.ndarray]],
    height: int,
    touching: float,
    in_boxes: bool,
    random: np.random.Generator,
) -> tuple[np.ndarray, int, list[tuple[int, int, int, int]]]:
    """Return the ink of all lines, touching neighbours, and boxes.

    The second is how many neighbours touch; the boxes are those of a form.
    """
    apart = int(height * random.uniform(1.6, 2.0))
    cell = int(1.3 * height)
    longest = max(map(len, lines))
    shape = (int(height * 1.2) + apart * len(lines), int((longest + 2) * 1.3 * height) + height)
    sheet, joints, cells = np.zeros(shape, np.float32), 0, []
    slope = random.uniform(-0.02, 0.02)
    for number, line in enumerate(lines):
        base, left, before = int(height * 0.8) + apart * number, int(1.4 * height), None
        for place, ink in enumerate(line):
            top = base + int(random.uniform(-0.06, 0.06) * height + slope * left)
            top += max(height - len(ink), 0) // 2
            if in_boxes:
                left = int(1.4 * height) + place * cell + (cell - ink.shape[1]) // 2
                top = base + (height - len(ink)) // 2
                edge = int(1.4 * height) + place * cell
                room = int(0.2 * height)
                cells.append((edge, base - room, edge + cell, base + height + room))
            elif before is not None and random.random() < touching:
                left = _meeting(*before, ink, top) - int(random.uniform(0.02, 0.08) * height)
                joints += 1
            place_of = slice(top, top + len(ink)), slice(left, left + ink.shape[1])
            sheet[place_of] = np.maximum(sheet[place_of], ink)
            before = ink, top, left
            left += ink.shape[1] + int(height * random.uniform(0.15, 0.4))
    return sheet, joints, cells


def _meeting(before: np.ndarray, top: int, left: int, ink: np.ndarray, at: int) -> int:
    """Return the left of `ink` where it touches the digit before.

    `at` is its top.
    """
    reach = {top + row: left + places[-1] for row, places in _inked(before)}
    near = [
        reach[at + row + by] + 1 - places[0]
        for row, places in _inked(ink)
        for by in (-1, 0, 1)
        if at + row + by in reach
    ]
    return max(near, default=left + before.shape[1])


def _inked(ink: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return the rows with ink, and the columns that have it."""
    rows = ((row, np.flatnonzero(levels > 0.5)) for row, levels in enumerate(ink))
    return [(row, places) for row, places in rows if len(places)]


def _plain(shape: Any, height: int, cells: Any, random: np.random.Generator) -> np.ndarray:
    """Return white or cream paper."""
    return np.ones((*shape, 3)) * np.array(
        [(0.97, 0.97, 0.97), (0.95, 0.93, 0.85)][random.integers(2)]
    )


def _ruled(shape: Any, height: int, cells: Any, random: np.random.Generator) -> np.ndarray:
    """Return paper with lines across."""
    sheet = _plain(shape, height, cells, random)
    thick = max(height // 40, 1)
    for row in range(int(random.integers(height)), shape[0], int(1.5 * height)):
        sheet[row : row + thick] = BLUE
    return sheet


def _squared(shape: Any, height: int, cells: Any, random: np.random.Generator) -> np.ndarray:
    """Return paper with lines both ways."""
    sheet = _plain(shape, height, cells, random)
    thick, apart = max(height // 45, 1), int(random.uniform(0.45, 0.8) * height)
    for row in range(int(random.integers(apart)), shape[0], apart):
        sheet[row : row + thick] = BLUE
    for column in range(int(random.integers(apart)), shape[1], apart):
        sheet[:, column : column + thick] = BLUE
    return sheet


def _margin(shape: Any, height: int, cells: Any, random: np.random.Generator) -> np.ndarray:
    """Return paper with lines across, and a red one down the left."""
    sheet = _ruled(shape, height, cells, random)
    place = int(random.uniform(0.5, 0.9) * height)
    sheet[:, place : place + max(height // 30, 1)] = RED
    return sheet


def _form(shape: Any, height: int, cells: Any, random: np.random.Generator) -> np.ndarray:
    """Return paper with a printed box for each digit."""
    sheet = _plain(shape, height, cells, random)
    thick, colour = max(height // 35, 1), (BLUE, RED, GREY)[random.integers(3)]
    for left, top, right, bottom in cells:
        sheet[top : top + thick, left : right + thick] = colour
        sheet[bottom : bottom + thick, left : right + thick] = colour
        sheet[top:bottom, left : left + thick] = colour
        sheet[top:bottom, right : right + thick] = colour
    return sheet


PAPERS = {
    "plain": _plain, "ruled": _ruled, "squared": _squared, "margin": _margin, "shadow": _plain,
    "coloured pen": _plain, "form": _form,
}  # fmt: skip


def _light(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Return light from one side with a shadow's edge, (h, w, 1)."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    angle, place = random.uniform(0, 2 * np.pi), random.uniform(-0.5, 0.5)
    along = x * np.cos(angle) + y * np.sin(angle)
    edge = 1 / (1 + np.exp(-8 * (along - place)))
    return ((1 - 0.15 * (along + 1.4) / 2.8) * (1 - random.uniform(0.2, 0.4) * edge))[..., None]


def measure(run: Run, examples: Examples, seed: int, pages: int) -> list[dict[str, Any]]:
    """Count the pages of which each digit is read, in order.

    Returns:
        JSON-able rows of digits (on a page), touching (whether some touch), n, right, with
        accuracy and its 95 % interval, and counted (pages whose digits were counted right).
    """
    rows = []
    for joined in (False, True):
        for count in COUNTS:
            right = counted = 0
            for page in drawn(examples, count, pages, seed, joined):
                labels = read(run, page)
                counted += len(labels) == count
                right += labels == [run.labels[n] for n in page.labels]
            low, high = metrics.wilson_interval(right, pages)
            rows.append(
                {"digits": count, "touching": joined, "n": pages, "right": right,
                 "accuracy": right / pages, "accuracy_low": low, "accuracy_high": high,
                 "counted": counted}
            )  # fmt: skip
    return rows


def read(run: Run, page: Page) -> list[str | None]:
    """Return the labels of what is found on a page."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(page.picture).save(file, "PNG")
    try:
        return run.predict_many(file.getvalue()).labels
    except InputError:
        return []
