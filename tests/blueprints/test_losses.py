"""Losses: the formulae of the books, and no end of cost without an overflow."""

import numpy as np
import pytest

from nnguide.blueprints import activations, losses
from nnguide.blueprints.settings import PAIRS
from nnguide.errors import InputError

random = np.random.default_rng(0)
Z = random.normal(size=(6, 3))
ONE_HOT = np.eye(3)[random.integers(3, size=6)]
BOOKS = {
    "mse": lambda ŷ, y: 0.5 * ((ŷ - y) ** 2).sum(axis=1),
    "binary_crossentropy": lambda ŷ, y: -(y * np.log(ŷ) + (1 - y) * np.log(1 - ŷ)).sum(axis=1),
    "categorical_crossentropy": lambda ŷ, y: -(y * np.log(ŷ)).sum(axis=1),
}


@pytest.mark.parametrize(("loss", "output"), [(k, o) for k, v in PAIRS.items() for o in v])
def test_value_and_delta(loss, output):
    cost, g, h = losses.TABLE[loss], activations.TABLE[output], 1e-6
    np.testing.assert_allclose(cost.value(Z, ONE_HOT, g), BOOKS[loss](g.value(Z), ONE_HOT))
    numeric = np.zeros_like(Z)
    for i in range(3):
        e = h * np.eye(3)[i]
        up, down = cost.value(Z + e, ONE_HOT, g), cost.value(Z - e, ONE_HOT, g)
        numeric[:, i] = (up - down) / (2 * h)
    np.testing.assert_allclose(cost.delta(Z, ONE_HOT, g), numeric, atol=1e-8)


def test_confident_wrong_answers_cost_without_bound_and_stay_finite():
    sigmoid, softmax = activations.TABLE["sigmoid"], activations.TABLE["softmax"]
    z, y = np.array([[40.0], [1000.0]]), np.zeros((2, 1))
    binary = losses.TABLE["binary_crossentropy"]
    np.testing.assert_allclose(binary.value(z, y, sigmoid), [40, 1000])
    np.testing.assert_allclose(binary.delta(z, y, sigmoid), 1)
    z, y = np.array([[1000.0, -1000.0]]), np.array([[0.0, 1.0]])
    categorical = losses.TABLE["categorical_crossentropy"]
    np.testing.assert_allclose(categorical.value(z, y, softmax), 2000)


def test_labels_become_targets():
    np.testing.assert_array_equal(losses.targets([0, 2], 3), [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(losses.targets([0, 1], 1), [[0], [1]])
    assert losses.targets([0, 1], 1, "float64").dtype == "float64"


@pytest.mark.parametrize(
    ("y", "outputs"),
    [([0, 3], 3), ([-1, 0], 3), ([0.5, 1], 3), ([[1, 0]], 3), ([float("nan"), 1], 1), (["a"], 1)],
)
def test_wrong_targets_are_refused(y, outputs):
    with pytest.raises(InputError, match="expected"):
        losses.targets(y, outputs)


def test_accuracy_counts_one_half_as_no():
    assert losses.accuracy(np.array([[0.5], [0.51]]), np.array([0, 1])) == 1
    assert losses.accuracy(np.array([[0.1, 0.9], [0.2, 0.8]]), np.array([1, 0])) == 0.5
