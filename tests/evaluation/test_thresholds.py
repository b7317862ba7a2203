"""A threshold keeps its bound on blocked ham, and catches all the spam that the bound allows."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data.origins import Origins
from nnguide.errors import ConfigError, InputError
from nnguide.evaluation import metrics
from nnguide.evaluation.thresholds import left_out, threshold_for, threshold_table


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.sampled_from([0.0, 0.1, 0.3]), st.integers(0, 10**6))
def test_a_set_left_out_has_the_threshold_of_the_others(count, bound, seed):
    random = np.random.default_rng(seed)
    scores, labels = random.random(count).astype(np.float32), random.integers(0, 2, count)
    origins = Origins(("a", "b", "c"), random.integers(0, 3, count))
    rows = {row["source"]: row for row in left_out(scores, labels, origins, bound)}
    json.dumps(rows, allow_nan=False)
    for place, name in enumerate(origins.names):
        own = origins.of == place
        if not own.any() or not (labels[~own] == 0).any():
            assert name not in rows
            continue
        row, ham = rows[name], scores[own & (labels == 0)]
        assert row["threshold"] == threshold_for(scores[~own], labels[~own], bound).threshold
        assert (row["n_ham"], row["n_ham"] + row["n_spam"]) == (len(ham), own.sum())
        if len(ham):
            assert row["blocked_ham"] == np.mean(ham > np.float32(row["threshold"]))
        else:
            assert row["blocked_ham"] is None


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(0, 40),
    st.sampled_from([0.0, 0.002, 0.01, 0.02, 0.1, 1 / 3, 0.7, 0.99]),
    st.sampled_from([4, 100, 10**6]),
    st.integers(0, 10**6),
)
def test_the_lowest_threshold_within_the_bound(n_ham, n_spam, bound, grid, seed):
    random = np.random.default_rng(seed)
    labels = np.r_[np.zeros(n_ham, int), np.ones(n_spam, int)]
    scores = (random.integers(0, grid + 1, n_ham + n_spam) / grid).astype(np.float32)
    choice = threshold_for(scores, labels, bound)

    assert choice.blocked_ham == np.mean(scores[labels == 0] > choice.threshold) <= bound
    assert choice.blocked_ham <= choice.blocked_ham_high <= 1
    assert choice.n_ham == n_ham
    json.dumps(asdict(choice), allow_nan=False)
    if n_spam == 0:
        assert choice.spam_caught is None
    if choice.resolved:
        lower = np.mean(
            scores[labels == 0] > np.nextafter(np.float32(choice.threshold), np.float32(-1))
        )
        assert lower > bound
    else:
        assert choice.blocked_ham == 0
        assert choice.threshold == scores[labels == 0].max()


@pytest.mark.parametrize(("n_ham", "resolved"), [(1499, False), (1500, True), (30, False)])
def test_a_bound_finer_than_the_ham_can_resolve_takes_the_strictest_threshold(n_ham, resolved):
    scores = np.float32(np.r_[np.linspace(0, 0.6, n_ham), [0.3, 0.599_95, 0.9]])
    labels = np.r_[np.zeros(n_ham, int), [1, 1, 1]]
    choice = threshold_for(scores, labels, 0.002)
    assert choice.resolved is resolved
    assert round(choice.blocked_ham * n_ham) == (3 if resolved else 0)
    assert choice.spam_caught == pytest.approx(2 / 3 if resolved else 1 / 3)


@pytest.mark.parametrize("bound", [-0.1, 1, 5, float("nan")])
def test_a_bound_that_is_no_share_is_refused(bound):
    with pytest.raises(ConfigError, match=r"For 0\.2 % write 0\.002"):
        threshold_for(np.array([0.1, 0.9]), np.array([0, 1]), bound)


def test_without_ham_there_is_no_bound_to_keep():
    with pytest.raises(InputError, match="at least one ham"):
        threshold_for(np.array([0.9]), np.array([1]), 0.1)


def test_predictions_that_are_no_probabilities_are_refused():
    with pytest.raises(InputError, match="expected probabilities"):
        threshold_for(np.array([0.1, np.nan]), np.array([0, 0]), 0.1)


@pytest.mark.parametrize("blocked", [3, 7, 99])
def test_the_upper_bound_equals_the_beta_quantile(blocked):
    from scipy.stats import beta

    choice = threshold_for(np.linspace(0, 1, 1000), np.zeros(1000, int), blocked / 1000)
    assert choice.blocked_ham == blocked / 1000
    expected = beta.ppf(0.95, blocked + 1, 1000 - blocked)
    assert choice.blocked_ham_high == pytest.approx(expected, abs=1e-9)


def test_the_upper_bound_follows_the_rule_of_three():
    choice = threshold_for(np.linspace(0, 1, 1500), np.zeros(1500, int), 0.0001)
    assert choice.blocked_ham == 0
    assert choice.blocked_ham_high == pytest.approx(3 / 1500, rel=0.01)


def test_the_table_falls_and_agrees_with_the_metrics():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 300)
    scores = np.clip(0.3 * labels + 0.6 * random.random(300), 0, 1)
    rows = threshold_table(scores, labels)
    json.dumps(rows, allow_nan=False)
    for key in ("spam_caught", "blocked_ham"):
        assert [row[key] for row in rows] == sorted((row[key] for row in rows), reverse=True)
    (half,) = threshold_table(scores, labels, [0.5])
    found = metrics.spam_metrics(scores, labels, 0.5)
    assert half == {key: found[key] for key in half}
    assert [row["threshold"] for row in threshold_table(scores, labels, [0.9, 0.1])] == [0.1, 0.9]
