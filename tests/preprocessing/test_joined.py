"""A small network tells digits that touch from one; --many cuts what it takes for several."""

from __future__ import annotations

import contextlib

import handwriting
import numpy as np
import pytest
import strange_pictures

from nnguide.data import hands
from nnguide.errors import InputError
from nnguide.preprocessing import grey_levels, joined, many, mnist_form

FEW = [12, pytest.param(400, marks=pytest.mark.slow)]


def touching(seed: int) -> np.ndarray:
    """Two drawn digits that touch, dark on light."""
    random = np.random.default_rng([seed, 11])
    return 0.93 - 0.83 * strange_pictures.two(random, random.uniform(-0.12, -0.04))


def in_form(pictures: list[np.ndarray]) -> np.ndarray:
    """The pictures that the reader takes for one mark, (n, 28, 28) uint8."""
    seen = []
    for picture in pictures:
        with contextlib.suppress(InputError):  # a few are refused for other reasons
            seen.append(mnist_form.normalise(picture.astype(np.float32)))
    return np.stack(seen)


@pytest.mark.parametrize("count", FEW, ids=["few", "many"])
def test_digits_that_touch_are_likely_several(count):
    marks = in_form([touching(seed) for seed in range(count)])
    assert len(marks) > 0.5 * count
    assert (~joined.likely(marks)).sum() <= max(0.1 * count, 2)


@pytest.mark.parametrize("count", FEW, ids=["few", "many"])
def test_a_digit_alone_is_not(count):
    drawn = in_form([grey_levels.to_grey(one) for one, _, _ in handwriting.drawings(9, count)])
    assert joined.likely(drawn).sum() <= max(0.1 * count, 2)
    assert joined.likely(hands.drawn(20 * count, 3).inputs).mean() <= 0.1


def test_an_empty_mark_may_be_several():
    assert joined.likely(np.zeros((1, 28, 28), np.uint8)).all()


def test_many_reads_a_single_digit_whole():
    """A judge that is never sure would have every mark cut."""
    for picture, _, _ in handwriting.drawings(9, 6):
        with contextlib.suppress(InputError):
            whole = many.find(grey_levels.to_grey(picture), (28, 28))
            unsure = many.find(
                grey_levels.to_grey(picture), (28, 28), lambda levels: np.zeros(len(levels))
            )
            assert len(unsure) == len(whole)
