"""A sheet on a darker table is read as if it were all; nothing else is taken for one."""

from __future__ import annotations

import handwriting
import numpy as np
import pytest
import strange_pictures
from test_many import page, size

from nnguide.export import samples
from nnguide.preprocessing import many, mnist_form, pictures, sheets


def on_a_table(grey: np.ndarray, seed: int, lean: float = 0.0) -> np.ndarray:
    """A sheet in a photo of a dark table; `lean` is how much narrower its far side is."""
    random = np.random.default_rng(seed)
    height, width = grey.shape
    room = height // 4, width // 4
    table = 0.25 + random.normal(0, 0.02, (height + 2 * room[0], width + 2 * room[1]))
    for row in range(height):
        narrow = int(lean * width * (1 - row / height) / 2)
        places = np.linspace(0, width - 1, width - 2 * narrow).astype(int)
        table[room[0] + row, room[1] + narrow : room[1] + width - narrow] = grey[row, places]
    return table.astype(np.float32)


@pytest.mark.parametrize("lean", [0.0, 0.12])
def test_a_digit_on_a_sheet_on_a_table_is_found(lean):
    for label in (1, 4, 8):
        random = np.random.default_rng(label)
        ink, _ = handwriting.ink(random, label, (300, 380), 160, "felt")
        grey = (0.93 - 0.8 * ink).astype(np.float32)
        wanted = many.one(grey).astype(float)
        made = many.one(on_a_table(grey, label, lean)).astype(float)
        assert np.abs(made - wanted).mean() < 20


def test_a_page_on_a_table_has_its_digits_and_boxes():
    grey, boxes = page(["1475", "8062"])
    photo = on_a_table(grey, 1)
    marks = many.find(photo, size(photo))
    assert [mark.line for mark in marks] == [1] * 4 + [2] * 4
    down, across = grey.shape[0] // 4, grey.shape[1] // 4
    for mark, (left, top, right, bottom) in zip(marks, boxes, strict=True):
        moved = left + across, top + down, right + across, bottom + down
        assert np.abs(np.subtract(mark.box, moved)).max() <= 6
        assert mnist_form.is_normal(np.asarray(mark))


def test_nothing_else_is_taken_for_a_sheet():
    kinds = tuple(
        kind
        for kind in strange_pictures.DIGITS
        if kind
        not in (
            strange_pictures.dark_table_around,
            strange_pictures.huge,
            strange_pictures.thin_pen_on_a_large_photo,
        )
    )
    for picture in strange_pictures.pictures(3, 1, kinds):
        grey = pictures.decode(picture.content)
        assert sheets.alone(grey) is grey, picture.kind


def test_a_bold_digit_that_is_light_on_dark_is_no_sheet():
    for content, _ in (*samples.files(12, 5), *samples.files(16, 6)):
        grey = pictures.decode(content)
        assert sheets.alone(grey) is grey
