"""Calibration finds a planted scale and shift, and never makes a fit worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.errors import InputError
from nnguide.evaluation.calibration import (
    SCALES,
    apply_platt,
    apply_temperature,
    fit_platt,
    fit_temperature,
)
from nnguide.evaluation.metrics import calibration_error


def exact_loss(logits, labels):
    return np.mean(np.logaddexp(0, logits) - labels * logits)


def exact_softmax_loss(logits, labels):
    shifted = logits - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -logs[np.arange(len(labels)), labels].mean()


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (0.4, -1), (3, 2), (0.05, 0.5)])
def test_platt_recovers_a_planted_scale_and_shift(scale, shift):
    random = np.random.default_rng(1)
    logits = random.normal(0, 2 / scale, 40_000)
    labels = (random.random(40_000) < apply_platt(logits, scale, shift)).astype(int)
    found = fit_platt(logits, labels)
    assert found == pytest.approx((scale, shift), rel=0.04, abs=0.04)
    assert calibration_error(apply_platt(logits, *found), labels) < 0.01


def test_platt_equals_an_unregularised_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(2)
    logits = random.normal(1, 3, 20_000)
    labels = (random.random(20_000) < apply_platt(logits, 0.7, -0.3)).astype(int)
    oracle = LogisticRegression(C=1e9, tol=1e-10).fit(logits[:, None], labels)
    expected = (oracle.coef_[0, 0], oracle.intercept_[0])
    assert fit_platt(logits, labels) == pytest.approx(expected, abs=2e-3)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 80),
    st.sampled_from([1e-6, 0.1, 1.0, 30.0, 1e5]),
    st.sampled_from(["random", "separable", "inverted", "alike", "one outlier"]),
    st.integers(0, 10**6),
)
def test_platt_is_bounded_and_never_raises_the_loss(n, size, kind, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, n)
    labels[:2] = 0, 1
    logits = size * random.normal(size=n)
    if kind == "separable":
        logits = np.abs(logits) * (2 * labels - 1)
    if kind == "inverted":
        logits = -np.abs(logits) * (2 * labels - 1)
    if kind == "alike":
        logits = np.full(n, size)
    if kind == "one outlier":
        logits[-1] = 1e8
    scale, shift = fit_platt(logits, labels)
    assert SCALES[0] <= scale <= SCALES[1] and np.isfinite(shift)
    assert exact_loss(scale * logits + shift, labels) <= exact_loss(logits, labels) + 1e-12


def test_platt_on_separable_logits_stays_moderate():
    logits = np.r_[-np.ones(50), np.ones(50)]
    labels = (logits > 0).astype(int)
    scale, shift = fit_platt(logits, labels)
    assert apply_platt(np.array([1.0]), scale, shift)[0] == pytest.approx(51 / 52, abs=1e-6)


def test_platt_that_alike_logits_get_is_the_share():
    scale, shift = fit_platt(np.full(1000, 2.0), np.arange(1000) % 4 == 0)
    assert apply_platt(np.array(2.0), scale, shift) == pytest.approx(0.25, abs=2e-3)


@pytest.mark.parametrize("scale", [0.2, 1.0, 2.5])
def test_temperature_recovers_a_planted_scale(scale):
    random = np.random.default_rng(3)
    logits = random.normal(0, 2 / scale, (30_000, 10))
    gumbel = random.gumbel(size=logits.shape)  # argmax of logits + gumbel samples the softmax
    labels = (scale * logits + gumbel).argmax(1)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(scale, rel=0.02)
    probabilities = apply_temperature(logits, found)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    right = probabilities.argmax(1) == labels
    assert calibration_error(probabilities.max(1), right) < 0.02


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(2, 12),
    st.sampled_from([0.0, 1e-6, 1.0, 30.0, 1e5]),
    st.sampled_from(["random", "right", "wrong"]),
    st.integers(0, 10**6),
)
def test_temperature_is_bounded_and_never_raises_the_loss(n, k, size, kind, seed):
    random = np.random.default_rng(seed)
    logits = size * random.normal(size=(n, k))
    labels = random.integers(0, k, n)
    if kind == "right":
        labels = logits.argmax(1)
    if kind == "wrong":
        labels = logits.argmin(1)
    scale = fit_temperature(logits, labels)
    assert SCALES[0] <= scale <= SCALES[1]
    assert exact_softmax_loss(scale * logits, labels) <= exact_softmax_loss(logits, labels) + 1e-12


def test_applying_is_safe_for_extreme_logits():
    with np.errstate(all="raise", under="ignore"):
        assert apply_platt(np.array([-1e4, 0, 1e4]), 1, 0).tolist() == [0, 0.5, 1]
        assert apply_temperature(np.array([[1e4, -1e4]]), 1).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: fit_platt(np.array([1.0, 2.0]), np.array([1, 1])),
        lambda: fit_platt(np.array([1.0, np.nan]), np.array([0, 1])),
        lambda: fit_platt(np.array([[1.0], [2.0]]), np.array([0, 1])),
        lambda: fit_platt(np.zeros(0), np.zeros(0, int)),
        lambda: fit_temperature(np.array([[1.0, np.inf]]), np.array([0])),
        lambda: fit_temperature(np.array([[1.0, 2.0]]), np.array([2])),
        lambda: fit_temperature(np.zeros((0, 3)), np.zeros(0, int)),
    ],
)
def test_logits_that_cannot_be_calibrated_on_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        wrong()
