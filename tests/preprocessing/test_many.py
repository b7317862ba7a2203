"""Every digit on a picture is found, in reading order, with its box."""

from __future__ import annotations

import io
import itertools

import handwriting
import numpy as np
import pytest
from PIL import Image

from nnguide.errors import InputError, NoDigitError
from nnguide.preprocessing import many, mnist_form, pictures

HEIGHT = 48


def digit(random: np.random.Generator, label: int, pen: str, height: float) -> np.ndarray:
    """The ink of one digit, cut to it: (h, w) in [0, 1]."""
    size = int(1.6 * height)
    found, _ = handwriting.ink(random, label, (size, size), height, pen)
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    return found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def page(
    lines: list[str], pen: str = "felt", height: int = HEIGHT, slope: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """A page of digits, dark on light (h, w) in [0, 1], and the box of each."""
    random = np.random.default_rng(seed)
    sheet = np.zeros(
        (int((len(lines) + 1) * 1.9 * height), int((len(lines[0]) + 2) * height * 1.2))
    )
    boxes = []
    for number, line in enumerate(lines):
        left = height
        for label in line:
            ink = digit(random, int(label), pen, height * random.uniform(0.85, 1.1))
            top = int(height * (0.6 + 1.8 * number) + slope * left)
            place = slice(top, top + ink.shape[0]), slice(left, left + ink.shape[1])
            sheet[place] = np.maximum(sheet[place], ink)
            boxes.append((left, top, left + ink.shape[1], top + ink.shape[0]))
            left += ink.shape[1] + int(height * random.uniform(0.2, 0.4))
    return 0.95 - 0.8 * sheet, boxes


def size(grey: np.ndarray) -> tuple[int, int]:
    return grey.shape[1], grey.shape[0]


LINES = ["1475", "8062", "9371"]
PAGES = {
    "felt": page(LINES),
    "ballpoint": page(LINES, "ballpoint"),
    "marker": page(LINES, "marker"),
    "small": page(LINES, height=26),
    "large": page(LINES, height=150),
    "sloping": page(LINES, slope=0.06),
    "one line": page(["4711"]),
    "one column": page(["4", "7", "1"]),
}


@pytest.mark.parametrize("kind", PAGES)
def test_each_digit_is_found_in_reading_order_with_its_box(kind):
    grey, boxes = PAGES[kind]
    lines = {"one line": ["4711"], "one column": ["4", "7", "1"]}.get(kind, LINES)
    for view in (grey, 1 - grey):
        found = many.find(view, size(grey))
        assert [mark.line for mark in found] == [
            number for number, line in enumerate(lines, 1) for _ in line
        ]
        room = max(3, 0.03 * max(grey.shape))
        for mark, box in zip(found, boxes, strict=True):
            assert np.abs(np.subtract(mark.box, box)).max() <= room
            assert mnist_form.is_normal(np.asarray(mark))


def test_what_is_found_is_what_the_digit_alone_gives():
    """On ruled paper, in noise: the nearest of all digits, each read alone, is the same one."""
    grey, boxes = PAGES["felt"]
    alone = []
    for left, top, right, bottom in boxes:
        cut = grey[top - 8 : bottom + 8, left - 8 : right + 8]
        alone.append(mnist_form.normalise(cut).astype(float))
    ruled = grey.copy()
    for row in range(12, len(ruled), 40):
        ruled[row : row + 2] = np.minimum(ruled[row : row + 2], 0.75)
    noise = np.random.default_rng(1).normal(0, 0.015, grey.shape)
    found = many.find(np.clip(ruled + noise, 0, 1), size(grey))
    assert len(found) == len(alone)
    nearest = [
        int(np.argmin([np.abs(np.asarray(mark) - one).mean() for one in alone])) for mark in found
    ]
    assert nearest == list(range(len(alone)))


def test_boxes_are_in_pixels_of_the_upright_picture():
    grey, _ = PAGES["one line"]
    levels = np.rint(grey * 255).astype(np.uint8)
    large = Image.fromarray(levels).resize((levels.shape[1] * 12, levels.shape[0] * 12))
    upright = [mark.box for mark in many.find(grey, size(grey))]
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    file = io.BytesIO()
    large.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", quality=95, exif=exif)
    found = pictures.read_many(file.getvalue())
    assert len(found) == len(upright)
    for mark, box in zip(found, upright, strict=True):
        assert np.abs(np.divide(mark.box, 12) - box).max() <= 4


@pytest.mark.parametrize("kind", [kind for kind in PAGES if kind != "ballpoint"])
def test_a_picture_of_several_digits_is_never_read_as_one(kind):
    with pytest.raises(InputError, match="--many") as caught:
        many.one(PAGES[kind][0])
    assert not isinstance(caught.value, NoDigitError)


def test_two_digits_close_to_each_other_are_never_read_as_one():
    random = np.random.default_rng(2)
    for room in (0.08, 0.2):
        for _ in range(6):
            ink = [digit(random, int(label), "felt", 60) for label in random.integers(0, 10, 2)]
            high = max(map(len, ink))
            apart = np.zeros((high, int(room * 60)))
            both = [np.pad(one, ((0, high - len(one)), (0, 0))) for one in ink]
            grey = 1 - np.pad(np.concatenate([both[0], apart, both[1]], axis=1), 90)
            with pytest.raises(InputError, match="expected one digit"):
                many.one(grey)


def test_one_digit_is_found_as_one():
    for label in range(10):
        ink = digit(np.random.default_rng(label), label, "felt", 60)
        grey = 1 - np.pad(ink, 40)
        (mark,) = many.find(grey, size(grey))
        assert mark.line == 1


def test_a_blank_picture_has_no_digit():
    with pytest.raises(NoDigitError, match="no digit was seen"):
        many.find(np.full((80, 60), 0.8), (60, 80))


@pytest.fixture(scope="module")
def judge():
    """How sure the shipped network is of digits."""
    from nnguide import runs

    return runs.load("digits").sureness


def meeting(seed: int) -> np.ndarray:
    """Three digits, the last two of which touch, dark on light."""
    random = np.random.default_rng(seed)
    ink = [digit(random, int(label), "felt", 60) for label in random.integers(0, 10, 3)]
    high = max(map(len, ink))
    first, second, third = (np.pad(one, ((0, high - len(one)), (0, 0))) for one in ink)
    rows = [row for row in range(high) if second[row].any() and third[row].any()]
    if not rows:
        return meeting(seed + 1000)
    ends = [np.flatnonzero(second[row] > 0.5)[-1:] for row in rows]
    starts = [np.flatnonzero(third[row] > 0.5)[:1] for row in rows]
    reach = [int(e[0] - s[0]) for e, s in zip(ends, starts, strict=True) if len(e) and len(s)]
    left = max(reach) - 1
    wide = max(second.shape[1], left + third.shape[1]) + max(-left, 0)
    both, off = np.zeros((high, wide)), max(-left, 0)
    both[:, off : off + second.shape[1]] = second
    place = slice(left + off, left + off + third.shape[1])
    both[:, place] = np.maximum(both[:, place], third)
    return 1 - np.pad(np.concatenate([first, np.zeros((high, 20)), both], axis=1), 60)


def test_digits_that_touch_are_taken_apart(judge):
    counts = []
    for seed in range(6):
        grey = meeting(seed)
        alone, parted = many.find(grey, size(grey)), many.find(grey, size(grey), judge)
        assert len(alone) <= 2  # those that touch are one mark
        counts.append(len(parted))
        assert all(a.box[0] <= b.box[0] for a, b in itertools.pairwise(parted))
        for mark in parted:
            left, top, right, bottom = mark.box
            assert 0 <= left < right <= grey.shape[1] and 0 <= top < bottom <= grey.shape[0]
    assert counts.count(3) >= 4, counts


@pytest.mark.parametrize("kind", ["felt", "marker", "one line", "sloping"])
def test_digits_that_stand_apart_stay_whole(judge, kind):
    grey, boxes = PAGES[kind]
    assert len(many.find(grey, size(grey), judge)) == len(boxes)
