"""Classification metrics as small pure NumPy functions.

A ratio whose denominator is zero (the recall of a class without examples) is None, never NaN.
For spam, labels are 0 ham and 1 spam, `probabilities` are P(spam), and a message is called
spam when its probability is strictly above the threshold.

In the formulae TP, FP, FN and TN count spam called spam, ham called spam, spam called ham
and ham called ham. Source of the usual ones: Manning, Raghavan & Schütze, Introduction to
Information Retrieval (2008), chapter 8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnguide.errors import InputError
from nnguide.inference.decision import Decision

Bound = tuple[float | None, float | None]
SMALLEST = 1e-7  # Keras clips here too, so that its losses and ours are comparable


def ratio(numerator: float, denominator: float) -> float | None:
    """Return numerator / denominator, or None if the denominator is zero."""
    return float(numerator / denominator) if denominator else None


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> float | None:
    """Return the fraction of `predicted` that equals `labels`.

    Both are (n,); None for n = 0.
    """
    _same_length(predicted, labels)
    return ratio(int(np.count_nonzero(predicted == labels)), len(labels))


def wilson_interval(successes: int, n: int) -> Bound:
    """Return the 95 % interval of a fraction, `successes` of `n`.

    Unlike p ± 1.96 √(p(1−p)/n) it stays in [0, 1] and keeps a width when p is 0 or 1.

    Returns:
        (low, high) in [0, 1]; (None, None) for n = 0.
    Source: Wilson, Probable inference, JASA 22 (1927).
    """
    if n == 0:
        return None, None
    from scipy.stats import binomtest

    interval = binomtest(successes, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    """Return the mean of −log p[true label], in nats.

    0 is certainty and log(k) is guessing. p is at least 1e-7, so that one confident mistake
    costs 16.1 nats, not infinity.

    Args:
        probabilities: (n, k) float; each row sums to 1. Or (n,) float, P(label 1).
        labels: (n,) int in [0, k).
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), 6.2.2.
    """
    probabilities, labels = _checked(probabilities, labels)
    if len(labels) == 0:
        return None
    if probabilities.ndim == 1:
        true = np.where(labels == 1, probabilities, 1 - probabilities)
    else:
        true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(true, SMALLEST)).mean())


def confusion(predicted: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Return the (k, k) int64 confusion matrix.

    Rows are the true labels, columns the predicted ones.
    """
    _same_length(predicted, labels)
    for name, values in (("predicted", predicted), ("true", labels)):
        if len(values) and (np.min(values) < 0 or np.max(values) >= k):
            raise InputError(
                f"expected {name} labels from 0 to {k - 1}; "
                f"got {np.min(values)} to {np.max(values)}"
            )
    places = np.asarray(labels, np.int64) * k + np.asarray(predicted, np.int64)
    return np.bincount(places, minlength=k * k).reshape(k, k)


def per_class(matrix: np.ndarray, label_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return precision, recall and F1 of every label.

    `matrix` is a (k, k) confusion matrix.

    precision TP/(TP+FP): of those called so, how many are. recall TP/(TP+FN): of those that
    are, how many were called so. f1 2TP/(2TP+FP+FN): their harmonic mean. n is TP+FN.
    """
    rows = []
    for index, name in enumerate(label_names):
        right = int(matrix[index, index])
        called, are = int(matrix[:, index].sum()), int(matrix[index].sum())
        rows.append(
            {
                "label": str(name),
                "n": are,
                "precision": ratio(right, called),
                "recall": ratio(right, are),
                "f1": ratio(2 * right, called + are),
            }
        )
    return rows


def macro(rows: list[dict[str, Any]], key: str) -> float | None:
    """Return the unweighted mean of `key` over the labels.

    Labels for which it is not defined are left out.
    """
    defined = [row[key] for row in rows if row[key] is not None]
    return ratio(sum(defined), len(defined))


def mcc(matrix: np.ndarray) -> float | None:
    """Return the Matthews correlation coefficient of a confusion matrix.

    The matrix is (2, 2). 1 is perfect, 0 chance, −1 inverted.

    (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)). None where a factor is zero.

    Source: Matthews, Biochimica et Biophysica Acta 405 (1975).
    """
    tn, fp, fn, tp = (int(count) for count in np.ravel(matrix))  # Python int: no overflow
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return ratio(tp * tn - fp * fn, math.sqrt(product))


def spam_caught(matrix: np.ndarray) -> float | None:
    """Return SC, the fraction of spam called spam.

    TP / (TP + FN) of a (2, 2) confusion `matrix`.
    """
    return ratio(int(matrix[1, 1]), int(matrix[1].sum()))


def blocked_ham(matrix: np.ndarray) -> float | None:
    """Return BH, the fraction of ham called spam.

    FP / (FP + TN) of a (2, 2) confusion `matrix`.
    """
    return ratio(int(matrix[0, 1]), int(matrix[0].sum()))


def spam_confusion(probabilities: np.ndarray, labels: np.ndarray, threshold: float) -> np.ndarray:
    """Return the (2, 2) confusion matrix at a threshold.

    `threshold` is in [0, 1]; spam is strictly above it.
    """
    decision = Decision(("ham", "spam"), threshold)
    probabilities, labels = _checked(probabilities, labels)
    return confusion(decision.numbers(probabilities[:, None]), labels, 2)


def roc_curve(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return blocked ham and spam caught as the threshold falls.

    Args:
        scores: (n,) float, higher for spam; equal scores share one point.
        labels: (n,) int, 0 ham or 1 spam.
    Returns:
        Two (m,) float arrays from (0, 0) to (1, 1), or None where a class is missing.
    """
    caught, blocked = _cumulative(scores, labels)
    if caught[-1] == 0 or blocked[-1] == 0:
        return None
    return blocked / blocked[-1], caught / caught[-1]


def roc_auc(scores: np.ndarray, labels: np.ndarray) -> float | None:
    """Return the area under the ROC curve.

    It is how often a spam scores above a ham; ties count half.
    """
    curve = roc_curve(scores, labels)
    return None if curve is None else float(np.trapezoid(curve[1], curve[0]))


def pr_curve(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return recall and precision as the threshold falls.

    Returns:
        Two (m,) float arrays, recall rising from 0 to 1, starting at (0, 1) by convention;
        None where there is no spam.
    """
    caught, blocked = _cumulative(scores, labels)
    if caught[-1] == 0:
        return None
    precision = np.concatenate([[1.0], caught[1:] / (caught[1:] + blocked[1:])])
    return caught / caught[-1], precision


def pr_auc(scores: np.ndarray, labels: np.ndarray) -> float | None:
    """Return the average precision, the area under the precision-recall curve.

    Σ (Rₘ − Rₘ₋₁) Pₘ.

    Without interpolation, since a straight line between two of its points is too optimistic.
    Source: Davis & Goadrich, ICML 2006.
    """
    curve = pr_curve(scores, labels)
    return None if curve is None else float(np.sum(np.diff(curve[0]) * curve[1][1:]))


def reliability_bins(
    probabilities: np.ndarray, correct: np.ndarray, bins: int = 15
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean probability, fraction correct and count of each bin.

    The bins have equal mass.

    Equal probabilities are pooled first (each takes their common fraction correct), so that
    the order of the examples does not matter.

    Args:
        probabilities: (n,) float, of the answer given.
        correct: (n,) bool, whether that answer was right.
    Returns:
        Three (b,) arrays, b = min(bins, n).
    """
    probabilities, right = _checked(probabilities, np.asarray(correct, np.int64))
    if len(right) == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
    values, group, sizes = np.unique(probabilities, return_inverse=True, return_counts=True)
    share = np.bincount(group, right) / sizes
    bins_of = np.array_split(np.sort(group), min(bins, len(group)))
    return (
        np.array([values[places].mean() for places in bins_of]),
        np.array([share[places].mean() for places in bins_of]),
        np.array([len(places) for places in bins_of]),
    )


def calibration_error(
    probabilities: np.ndarray, correct: np.ndarray, bins: int = 15
) -> float | None:
    """Return the expected calibration error.

    Σ nᵦ/n |mean probability − fraction correct| over the bins.

    Args as in `reliability_bins`. 0 is calibrated; None for n = 0.
    Source: Guo et al., On calibration of modern neural networks, ICML 2017; bins of equal
    mass after Nguyen & O'Connor, EMNLP 2015.
    """
    mean, share, count = reliability_bins(probabilities, correct, bins)
    return ratio(float(np.sum(count * np.abs(mean - share))), int(count.sum()))


def digits_metrics(
    probabilities: np.ndarray, labels: np.ndarray, label_names: Sequence[str]
) -> dict[str, Any]:
    """Return all metrics of a task whose most probable label wins.

    Args:
        probabilities: (n, k) float; each row sums to 1.
        labels: (n,) int in [0, k).
        label_names: k names, in label order.
    Returns:
        JSON-able values under the keys of `evaluate`; precision, recall and f1 are macro
        means, `per_class` has them by label, calibration_error is of the winning label.
    """
    probabilities, labels = _checked(probabilities, labels)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(label_names):
        raise InputError(
            f"expected probabilities of shape (n, {len(label_names)}); got {probabilities.shape}"
        )
    predicted = Decision(tuple(label_names)).numbers(probabilities)
    matrix = confusion(predicted, labels, len(label_names))
    rows = per_class(matrix, label_names)
    return {
        **_headline(matrix),
        "loss": cross_entropy(probabilities, labels),
        **{key: macro(rows, key) for key in ("precision", "recall", "f1")},
        "calibration_error": calibration_error(probabilities.max(axis=1), predicted == labels),
        "confusion": matrix.tolist(),
        "per_class": rows,
    }


def spam_metrics(probabilities: np.ndarray, labels: np.ndarray, threshold: float) -> dict[str, Any]:
    """Return all metrics of spam at `threshold`.

    Args:
        probabilities: (n,) float, P(spam).
        labels: (n,) int, 0 ham or 1 spam.
        threshold: in [0, 1]; spam is strictly above it.
    Returns:
        JSON-able values under the keys of `evaluate`; precision, recall and f1 are those of
        spam, calibration_error is that of P(spam).
    """
    matrix = spam_confusion(probabilities, labels, threshold)
    caught = wilson_interval(int(matrix[1, 1]), int(matrix[1].sum()))
    blocked = wilson_interval(int(matrix[0, 1]), int(matrix[0].sum()))
    of_spam = per_class(matrix, ("ham", "spam"))[1]
    return {
        **_headline(matrix),
        "loss": cross_entropy(probabilities, labels),
        **{key: of_spam[key] for key in ("precision", "recall", "f1")},
        "calibration_error": calibration_error(probabilities, labels),
        "confusion": matrix.tolist(),
        "spam_caught": spam_caught(matrix),
        "spam_caught_low": caught[0],
        "spam_caught_high": caught[1],
        "blocked_ham": blocked_ham(matrix),
        "blocked_ham_low": blocked[0],
        "blocked_ham_high": blocked[1],
        "mcc": mcc(matrix),
        "threshold": float(threshold),
        "roc_auc": roc_auc(probabilities, labels),
        "pr_auc": pr_auc(probabilities, labels),
    }


def _headline(matrix: np.ndarray) -> dict[str, Any]:
    right, n = int(np.trace(matrix)), int(matrix.sum())
    low, high = wilson_interval(right, n)
    return {
        "n": n,
        "accuracy": ratio(right, n),
        "accuracy_low": low,
        "accuracy_high": high,
        "error_rate": ratio(n - right, n),
    }


def _cumulative(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count spam and ham at or above each distinct score.

    The highest score comes first, after a leading 0.
    """
    _same_length(scores, labels)
    if np.isnan(scores).any():
        raise InputError("expected a number as every score; got NaN")
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    ordered, spam = np.asarray(scores)[order], np.asarray(labels)[order] == 1
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], [True] * (len(ordered) > 0)))
    caught = np.concatenate([[0], np.cumsum(spam)[last]])
    return caught, np.concatenate([[0], last + 1]) - caught


def _same_length(answers: np.ndarray, labels: np.ndarray) -> None:
    if len(answers) != len(labels):
        raise InputError(
            f"expected one answer a label; got {len(answers):,} answers for {len(labels):,} labels"
        )


def _checked(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays, the probabilities as float64.

    Raises InputError where they are out of range.
    """
    probabilities, labels = np.asarray(probabilities, np.float64), np.asarray(labels, np.int64)
    _same_length(probabilities, labels)
    # every comparison with NaN is false, so NaN is refused as well
    if probabilities.size and not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-6):
        raise InputError(
            "expected probabilities in [0, 1]; got "
            f"{probabilities.min():g} to {probabilities.max():g}"
        )
    return probabilities, labels
