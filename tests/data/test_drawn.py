"""Drawn digits of other hands, and drawings of no digit."""

from __future__ import annotations

import numpy as np
import pytest

from nnguide.data import hands, not_digits


def test_hands_are_a_function_of_the_seed() -> None:
    one, same, other = hands.drawn(40, 1), hands.drawn(40, 1), hands.drawn(40, 2)
    np.testing.assert_array_equal(one.inputs, same.inputs)
    np.testing.assert_array_equal(one.labels, same.labels)
    assert (one.inputs != other.inputs).any()
    assert one.inputs.shape == (40, 28, 28)
    assert one.inputs.dtype == np.uint8
    assert set(one.labels) <= {1, 4, 7, 9}


@pytest.mark.parametrize(
    "draw", [lambda n: hands.drawn(n, 0).inputs, lambda n: not_digits.drawn(n, 0)]
)
def test_none_is_drawn_where_none_is_wanted(draw) -> None:
    assert draw(0).shape == (0, 28, 28)
    assert draw(3).dtype == np.uint8


def test_drawings_are_in_the_form_of_mnist() -> None:
    """Ink within 20 by 20 pixels, its mass in the middle."""
    for picture in hands.drawn(60, 4).inputs.astype(float):
        rows, columns = np.nonzero(picture > 30)
        assert np.ptp(rows) <= 21
        assert np.ptp(columns) <= 21
        middle = np.arange(28) @ picture.sum(1) / picture.sum()
        assert abs(middle - 13.5) <= 0.6
        assert picture.max() > 150


def test_what_is_no_digit_is_varied() -> None:
    pictures = not_digits.drawn(200, 0)
    np.testing.assert_array_equal(pictures, not_digits.drawn(200, 0))
    assert len({picture.tobytes() for picture in pictures}) >= 190
