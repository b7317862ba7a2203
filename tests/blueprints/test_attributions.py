"""Explanations that ask every subset of a few parts."""

import numpy as np
import pytest

from nnguide.blueprints import attributions


def product(there: np.ndarray) -> np.ndarray:
    return there[:, 0] * there[:, 1] + 2 * there[:, 2]


def test_shapley_shares_a_joint_effect_and_sums_to_the_whole():
    shares = attributions.shapley(product, 3)
    np.testing.assert_allclose(shares, [0.5, 0.5, 2])


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_all_methods_give_the_weights_of_what_only_adds_up(parts: int):
    weights = np.random.default_rng(parts).normal(size=parts)

    def answer(there: np.ndarray) -> np.ndarray:
        return there @ weights + 3

    for method in (attributions.hiding, attributions.shapley, attributions.lime):
        np.testing.assert_allclose(method(answer, parts), weights, atol=1e-9)


def test_nothing_to_explain_has_no_shares():
    for method in (attributions.hiding, attributions.shapley, attributions.lime):
        assert method(lambda there: np.ones(len(there)), 0).shape == (0,)
