"""The choice of the spam threshold, in NumPy only.

A message is spam above the threshold.

A lower threshold catches more spam (SC) and blocks more ham (BH). The choice is made on
predictions for messages that the network did not train on, and never on the test set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnguide.data.origins import Origins
from nnguide.errors import ConfigError, InputError
from nnguide.evaluation import metrics

USUAL = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)


@dataclass(frozen=True)
class Choice:
    """A threshold and its results on the predictions it is from.

    Attributes:
        threshold: in [0, 1]; spam is strictly above it.
        max_blocked_ham: the bound that was asked for, a fraction of ham.
        spam_caught: SC in [0, 1], or None without spam.
        blocked_ham: BH in [0, 1]; never above the bound.
        blocked_ham_high: one-sided 95 % Clopper-Pearson upper bound on BH.
        n_ham: how many ham messages were seen.
        resolved: False where n_ham < 3 / max_blocked_ham. So few cannot tell whether the
            bound holds, and the strictest threshold seen was taken.
    """

    threshold: float
    max_blocked_ham: float
    spam_caught: float | None
    blocked_ham: float
    blocked_ham_high: float
    n_ham: int
    resolved: bool


def threshold_for(probabilities: np.ndarray, labels: np.ndarray, max_blocked_ham: float) -> Choice:
    """Return the lowest threshold that blocks no more ham than allowed.

    The lowest threshold catches most spam.

    That is the probability of the ham that would be one too many. With fewer than
    3 / max_blocked_ham ham (by the rule of three even none blocked would not show that the
    bound holds) it is the highest probability of any ham, so that none seen is blocked.

    Args:
        probabilities: (n,) float, P(spam) for messages not trained on.
        labels: (n,) int, 0 ham or 1 spam; at least one ham.
        max_blocked_ham: largest fraction of ham that may be called spam, in [0, 1).
    Raises:
        ConfigError: max_blocked_ham is outside [0, 1).
        InputError: there is no ham, or a probability outside [0, 1].
    """
    from scipy.stats import binomtest

    if not 0 <= max_blocked_ham < 1:
        raise ConfigError(
            f"max-blocked-ham is a fraction of ham in [0, 1); got {max_blocked_ham}. "
            "For 0.2 % write 0.002."
        )
    probabilities = np.asarray(probabilities, np.float32)  # as a Decision compares them
    ham = -np.sort(-probabilities[np.asarray(labels) == 0])  # highest first
    n = len(ham)
    if n == 0:
        raise InputError("expected at least one ham message to choose a threshold; got none")
    allowed = round(n * max_blocked_ham)
    if allowed / n > max_blocked_ham:
        allowed -= 1
    resolved = allowed >= 3
    if not resolved:
        allowed = 0
    threshold = float(ham[allowed])
    matrix = metrics.spam_confusion(probabilities, labels, threshold)
    blocked = int(matrix[0, 1])
    return Choice(
        threshold=threshold,
        max_blocked_ham=float(max_blocked_ham),
        spam_caught=metrics.spam_caught(matrix),
        blocked_ham=blocked / n,
        blocked_ham_high=float(binomtest(blocked, n, alternative="less").proportion_ci().high),
        n_ham=n,
        resolved=resolved,
    )


def left_out(
    probabilities: np.ndarray, labels: np.ndarray, origins: Origins, max_blocked_ham: float
) -> list[dict[str, Any]]:
    """Measure thresholds on data sets left out of their choice.

    Each data set is left out in turn.

    Args:
        probabilities: (n,) float, P(spam).
        labels: (n,) int, 0 ham or 1 spam.
        origins: the data set of each.
        max_blocked_ham: as of `threshold_for`.
    Returns:
        JSON-able rows of source, n_ham, n_spam, threshold (chosen on all others), blocked_ham and
        spam_caught by it, and calibration_error; sets without examples, or whose absence leaves no
        ham to choose by, have no row.
    """
    rows = []
    for place, name in enumerate(origins.names):
        own = origins.of == place
        if not own.any() or not (labels[~own] == 0).any():
            continue
        threshold = threshold_for(probabilities[~own], labels[~own], max_blocked_ham).threshold
        matrix = metrics.spam_confusion(probabilities[own], labels[own], threshold)
        rows.append(
            {
                "source": name,
                "n_ham": int((labels[own] == 0).sum()),
                "n_spam": int((labels[own] == 1).sum()),
                "threshold": threshold,
                "blocked_ham": metrics.blocked_ham(matrix),
                "spam_caught": metrics.spam_caught(matrix),
                "calibration_error": metrics.calibration_error(probabilities[own], labels[own]),
            }
        )
    return rows


def threshold_table(
    probabilities: np.ndarray, labels: np.ndarray, thresholds: Sequence[float] | None = None
) -> list[dict[str, Any]]:
    """Return the metrics of every threshold.

    Args:
        probabilities: (n,) float, P(spam).
        labels: (n,) int, 0 ham or 1 spam.
        thresholds: in [0, 1]; None takes a usual choice from 0.01 to 0.999.
    Returns:
        JSON-able rows of threshold, spam_caught, blocked_ham, mcc and accuracy, by threshold.
    """
    rows = []
    for threshold in sorted(set(USUAL if thresholds is None else thresholds)):
        matrix = metrics.spam_confusion(probabilities, labels, threshold)
        rows.append(
            {
                "threshold": float(threshold),
                "spam_caught": metrics.spam_caught(matrix),
                "blocked_ham": metrics.blocked_ham(matrix),
                "mcc": metrics.mcc(matrix),
                "accuracy": metrics.ratio(int(np.trace(matrix)), int(matrix.sum())),
            }
        )
    return rows
