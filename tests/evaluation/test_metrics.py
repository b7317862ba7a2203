"""The metrics equal scikit-learn's, and say None where a ratio has no meaning."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.errors import ConfigError, InputError
from nnguide.evaluation import metrics

quick = settings(max_examples=60, deadline=None)


@st.composite
def spam_answers(draw):
    """Scores on a coarse grid, so that ties are common, and labels, perhaps of one class."""
    n = draw(st.integers(1, 60))
    grid = draw(st.sampled_from([1, 3, 10, 1000]))
    scores = draw(st.lists(st.integers(0, grid), min_size=n, max_size=n))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    return np.array(scores) / grid, np.array(labels)


@st.composite
def class_answers(draw):
    k = draw(st.integers(2, 12))
    n = draw(st.integers(1, 60))
    same = {"min_size": n, "max_size": n}
    labels = draw(st.lists(st.integers(0, k - 1), **same))
    predicted = draw(st.lists(st.integers(0, k - 1), **same))
    return np.array(predicted), np.array(labels), k


@quick
@given(spam_answers())
def test_the_curves_and_their_areas_equal_scikit_learns(answers):
    import sklearn.metrics as oracle

    scores, labels = answers
    if len(set(labels)) == 2:
        blocked, caught = metrics.roc_curve(scores, labels)
        expected = oracle.roc_curve(labels, scores, drop_intermediate=False)
        np.testing.assert_allclose(blocked, expected[0], atol=1e-12)
        np.testing.assert_allclose(caught, expected[1], atol=1e-12)
        area = oracle.roc_auc_score(labels, scores)
        assert metrics.roc_auc(scores, labels) == pytest.approx(area, abs=1e-12)
    else:
        assert metrics.roc_auc(scores, labels) is None
    if labels.any():
        recall, precision = metrics.pr_curve(scores, labels)
        expected = oracle.precision_recall_curve(labels, scores)
        np.testing.assert_allclose(precision, expected[0][::-1], atol=1e-12)
        np.testing.assert_allclose(recall, expected[1][::-1], atol=1e-12)
        area = oracle.average_precision_score(labels, scores)
        assert metrics.pr_auc(scores, labels) == pytest.approx(area, abs=1e-12)
    else:
        assert metrics.pr_auc(scores, labels) is None


@quick
@given(class_answers())
def test_confusion_precision_recall_and_f1_equal_scikit_learns(answers):
    import sklearn.metrics as oracle

    predicted, labels, k = answers
    matrix = metrics.confusion(predicted, labels, k)
    np.testing.assert_array_equal(
        matrix, oracle.confusion_matrix(labels, predicted, labels=range(k))
    )
    precision, recall, f1, n = oracle.precision_recall_fscore_support(
        labels, predicted, labels=range(k), zero_division=np.nan
    )
    rows = metrics.per_class(matrix, [str(i) for i in range(k)])
    for key, expected in (("precision", precision), ("recall", recall), ("f1", f1), ("n", n)):
        ours = [np.nan if row[key] is None else row[key] for row in rows]
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert metrics.accuracy(predicted, labels) == oracle.accuracy_score(labels, predicted)


@quick
@given(spam_answers())
def test_mcc_equals_scikit_learns_and_is_none_where_undefined(answers):
    import sklearn.metrics as oracle

    scores, labels = answers
    matrix = metrics.spam_confusion(scores, labels, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = oracle.matthews_corrcoef(labels, scores > 0.5)
    if (matrix.sum(0) > 0).all() and (matrix.sum(1) > 0).all():
        assert metrics.mcc(matrix) == pytest.approx(expected, abs=1e-12)
    else:
        assert metrics.mcc(matrix) is None


def test_the_papers_figures():
    matrix = np.array([[3385, 6], [86, 423]])  # Almeida et al. 2011: linear SVM, 3,900 tests
    assert metrics.mcc(matrix) == pytest.approx(0.893, abs=5e-4)
    assert metrics.spam_caught(matrix) == pytest.approx(0.8310, abs=5e-5)
    assert metrics.blocked_ham(matrix) == pytest.approx(0.0018, abs=5e-5)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_of_the_literature(successes, n, low, high):
    assert metrics.wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


@quick
@given(st.integers(1, 100_000), st.data())
def test_a_wilson_interval_holds_the_share_and_stays_a_fraction(n, data):
    successes = data.draw(st.integers(0, n))
    low, high = metrics.wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1


def test_cross_entropy_is_the_mean_surprise_and_stays_finite():
    three = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])
    expected = -(np.log(0.5) + np.log(0.8)) / 2
    assert metrics.cross_entropy(three, np.array([0, 1])) == pytest.approx(expected)
    assert metrics.cross_entropy(np.array([0.9, 0.2]), np.array([1, 0])) == pytest.approx(
        -(np.log(0.9) + np.log(0.8)) / 2
    )
    assert metrics.cross_entropy(np.array([1.0]), np.array([0])) == pytest.approx(-np.log(1e-7))


@quick
@given(spam_answers())
def test_the_loss_equals_scikit_learns(answers):
    from sklearn.metrics import log_loss

    scores, labels = answers
    inside = scores * 0.98 + 0.01
    expected = log_loss(labels, inside, labels=[0, 1])
    assert metrics.cross_entropy(inside, labels) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_of_known_cases():
    n = 1500
    sure = np.full(n, 0.9)
    assert metrics.calibration_error(sure, np.arange(n) % 10 > 0) == pytest.approx(0, abs=1e-12)
    assert metrics.calibration_error(sure, np.arange(n) % 2 > 0) == pytest.approx(0.4)
    # two bins of two: |0.15 − 0| and |0.85 − 1|
    error = metrics.calibration_error(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]), 2)
    assert error == pytest.approx(0.15)


@quick
@given(spam_answers(), st.randoms(use_true_random=False))
def test_calibration_error_does_not_depend_on_the_order(answers, random):
    scores, labels = answers
    order = list(range(len(labels)))
    random.shuffle(order)
    error = metrics.calibration_error(scores, labels)
    assert 0 <= error <= 1
    assert metrics.calibration_error(scores[order], labels[order]) == pytest.approx(error)
    mean, share, count = metrics.reliability_bins(scores, labels)
    assert len(mean) == len(share) == len(count) == min(15, len(labels))
    assert count.sum() == len(labels) and count.max() - count.min() <= 1


@quick
@given(spam_answers(), st.floats(0, 1))
def test_spam_metrics_are_json_with_the_promised_keys(answers, threshold):
    scores, labels = answers
    found = metrics.spam_metrics(scores.astype(np.float32), labels, threshold)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == {
        *("n", "accuracy", "accuracy_low", "accuracy_high", "error_rate", "loss", "precision"),
        *("recall", "f1", "calibration_error", "confusion", "mcc", "threshold", "roc_auc"),
        *("spam_caught", "spam_caught_low", "spam_caught_high", "pr_auc"),
        *("blocked_ham", "blocked_ham_low", "blocked_ham_high"),
    }
    assert (found["spam_caught"] is None) == (not labels.any())
    assert (found["blocked_ham"] is None) == bool(labels.all())
    assert found["recall"] == found["spam_caught"]


@quick
@given(class_answers())
def test_digits_metrics_are_json_with_the_promised_keys(answers):
    predicted, labels, k = answers
    probabilities = np.full((len(labels), k), 0.2 / k, np.float32)
    probabilities[np.arange(len(labels)), predicted] += 0.8
    found = metrics.digits_metrics(probabilities, labels, [f"class {i}" for i in range(k)])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == {
        *("n", "accuracy", "accuracy_low", "accuracy_high", "error_rate", "loss", "precision"),
        *("recall", "f1", "calibration_error", "confusion", "per_class"),
    }
    assert found["accuracy"] == pytest.approx(np.mean(predicted == labels))
    assert found["accuracy"] + found["error_rate"] == pytest.approx(1)


def test_without_examples_everything_is_none():
    none = np.zeros(0, np.int64)
    for found in (
        metrics.spam_metrics(np.zeros(0), none, 0.5),
        metrics.digits_metrics(np.zeros((0, 3)), none, "abc"),
    ):
        assert found["n"] == 0
        for key in ("accuracy", "accuracy_low", "loss", "f1", "calibration_error"):
            assert found[key] is None


def test_a_label_never_seen_nor_called_has_no_ratios():
    rows = metrics.per_class(np.array([[4, 0, 0], [2, 0, 0], [0, 0, 0]]), "abc")
    assert rows[0] == {
        "label": "a",
        "n": 4,
        "precision": pytest.approx(4 / 6),
        "recall": 1.0,
        "f1": pytest.approx(0.8),
    }
    assert (rows[1]["precision"], rows[1]["recall"], rows[1]["f1"]) == (None, 0.0, 0.0)
    assert (rows[2]["precision"], rows[2]["recall"], rows[2]["f1"]) == (None, None, None)
    assert metrics.macro(rows, "recall") == 0.5


def test_spam_is_strictly_above_the_threshold_in_float32():
    labels = np.array([1, 1])
    assert metrics.spam_confusion(np.array([0.5, 0.75]), labels, 0.5).tolist() == [[0, 0], [1, 1]]
    a_tenth = np.array([0.1, 0.1], np.float32)  # a little above 0.1, and what 0.1 is in float32
    assert metrics.spam_confusion(a_tenth, labels, 0.1).tolist() == [[0, 0], [2, 0]]


def test_large_counts_do_not_overflow():
    assert metrics.mcc(np.array([[10**9, 1], [1, 10**9]])) == pytest.approx(1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: metrics.spam_metrics(np.array([np.nan, 0.5]), np.array([0, 1]), 0.5),
        lambda: metrics.spam_metrics(np.array([1.5, 0.5]), np.array([0, 1]), 0.5),
        lambda: metrics.spam_metrics(np.array([0.5]), np.array([0, 1]), 0.5),
        lambda: metrics.spam_metrics(np.array([0.5]), np.array([2]), 0.5),
        lambda: metrics.digits_metrics(np.array([[0.5, 0.5]]), np.array([0]), "abc"),
        lambda: metrics.digits_metrics(np.array([[0.5, 0.5]]), np.array([2]), "ab"),
        lambda: metrics.roc_auc(np.array([np.nan, 1]), np.array([0, 1])),
    ],
)
def test_answers_that_cannot_be_measured_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        wrong()


def test_a_threshold_in_percent_is_refused():
    with pytest.raises(ConfigError, match=r"For 90 % write 0\.9"):
        metrics.spam_metrics(np.array([0.5]), np.array([1]), 90)
