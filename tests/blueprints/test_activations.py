"""Activations: right values, right slopes, and nothing overflows."""

import warnings

import numpy as np
import pytest

from nnguide.blueprints.activations import TABLE

EXTREMES = np.array([[-1000.0, -1.0, 0.0, 1.0, 1000.0]])


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_overflows(name, dtype):
    g = TABLE[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a = g.value(EXTREMES.astype(dtype))
        back = g.back(np.ones_like(a), a)
    assert np.isfinite(a).all() and np.isfinite(back).all()
    assert a.dtype == back.dtype == dtype


@pytest.mark.parametrize("name", TABLE)
def test_the_way_back_is_the_derivative(name):
    g, random = TABLE[name], np.random.default_rng(1)
    z, upstream, h = random.normal(size=(4, 5)), random.normal(size=(4, 5)), 1e-6
    numeric = np.zeros_like(z)
    for i in range(5):  # ∂(Σ upstream · g(z)) / ∂z_i of every row at once
        e = h * np.eye(5)[i]
        numeric[:, i] = ((g.value(z + e) - g.value(z - e)) * upstream).sum(axis=1) / (2 * h)
    np.testing.assert_allclose(g.back(upstream, g.value(z)), numeric, atol=1e-8)


def test_values_everybody_knows():
    z = np.array([[-2.0, 0.0, 2.0]])
    assert TABLE["sigmoid"].value(z)[0, 1] == 0.5
    np.testing.assert_allclose(TABLE["sigmoid"].value(z), 1 / (1 + np.exp(-z)), rtol=1e-15)
    np.testing.assert_array_equal(TABLE["relu"].value(z), [[0, 0, 2]])
    np.testing.assert_array_equal(TABLE["leaky_relu"].value(z), [[-0.02, 0, 2]])
    assert TABLE["softmax"].value(z).sum() == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose(
        TABLE["softmax"].value(z), TABLE["softmax"].value(z + 500), rtol=1e-12
    )


def test_a_small_probability_keeps_its_digits():
    assert TABLE["sigmoid"].value(np.array([-50.0]))[0] == pytest.approx(np.exp(-50), rel=1e-12)
