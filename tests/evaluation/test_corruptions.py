"""Corruptions: pictures in, pictures of the same kind out, by a seed."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

from nnguide.evaluation.corruptions import CORRUPTIONS, corrupt

PICTURES = tiny.examples("digits", 12).inputs


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_a_function_of_its_seed(name: str) -> None:
    changed = corrupt(PICTURES, name, 0)
    assert changed.shape == PICTURES.shape
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(changed, corrupt(PICTURES, name, 0))
    assert (changed != PICTURES).any(axis=(1, 2)).all()


def test_edges_of_a_picture_are_its_own() -> None:
    together = corrupt(PICTURES, "canny edges", 0)
    np.testing.assert_array_equal(together[:1], corrupt(PICTURES[:1], "canny edges", 0))
