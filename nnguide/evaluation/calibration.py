"""Calibration of a network's probabilities, in NumPy only.

A network that says 0.9 should be right nine times in ten, yet trained networks tend to be
overconfident. One or two numbers, fitted on predictions for examples that it did not train on,
correct that: the logits are scaled (and for a sigmoid shifted) and keep their order, so the most
probable label stays the same.
"""

from __future__ import annotations

import numpy as np

from nnguide.errors import InputError

SCALES = (0.01, 100.0)  # a fit beyond these says something of the data, not the network


def apply_platt(logits: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """Return P(label 1) from logits by Platt scaling.

    P = 1 / (1 + exp(−(scale · logit + shift))), in the shape of `logits`.
    """
    return np.exp(-np.logaddexp(0, -(scale * np.asarray(logits, np.float64) + shift)))


def apply_temperature(logits: np.ndarray, scale: float) -> np.ndarray:
    """Return the softmax of scale · `logits`.

    Both are (n, k); scale is 1 / T.
    """
    return np.exp(_log_softmax(scale * np.asarray(logits, np.float64)))


def fit_platt(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Fit the scale and shift that calibrate one sigmoid node.

    Newton's method on the mean of −t log p − (1−t) log(1−p), p = σ(scale · logit + shift).
    The targets t are Platt's, (N₊+1)/(N₊+2) for label 1 and 1/(N₋+2) for label 0, so that the
    fit stays finite where a threshold separates the labels without an error.

    Args:
        logits: (n,) float, of examples that the network did not train on.
        labels: (n,) int, 0 or 1; both must occur.
    Returns:
        (scale, shift), scale in [0.01, 100]; (1, 0), no change, where the fit would not lower
        the cross-entropy of these examples.
    Raises:
        InputError: another shape, a logit that is not finite, or one label only.
    Source: Platt, Probabilistic outputs for support vector machines (1999); Lin, Lin & Weng,
    A note on Platt's probabilistic outputs, Machine Learning 68 (2007).
    """
    logits, labels = _checked(logits, labels, dimensions=1)
    positive = int(np.count_nonzero(labels == 1))
    negative = len(labels) - positive
    if not positive or not negative:
        raise InputError(
            "expected both labels among the examples to calibrate on; "
            f"got {positive:,} of label 1 and {negative:,} of label 0"
        )
    targets = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))

    ones = np.ones_like(logits)
    mean, spread = logits.mean(), logits.std()
    scale, shift = 1.0, None
    if spread > 1e-9 * max(1.0, float(np.abs(logits).max())):  # else they are all alike
        # Newton's steps are well scaled on logits of mean 0 and spread 1
        slope, shift = _newton(np.stack([(logits - mean) / spread, ones], 1), 0 * ones, targets)
        scale, shift = slope / spread, shift - slope * mean / spread
    bounded = float(np.clip(scale, *SCALES))
    if shift is None or bounded != scale:
        (shift,) = _newton(ones[:, None], bounded * logits, targets)
    if _binary_loss(bounded * logits + shift, labels) > _binary_loss(logits, labels):
        return 1.0, 0.0
    return bounded, float(shift)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Fit the scale 1 / T that calibrates a softmax.

    The mean of −Σ t log softmax(scale · logits) is convex in the scale, so its slope is
    bisected. The targets t are those of the examples and of one more whose label is
    anybody's guess (weight 1 of n + 1, spread evenly): so the scale stays finite where every
    example is right, and as n grows that one no longer matters.

    Args:
        logits: (n, k) float, of examples that the network did not train on.
        labels: (n,) int in [0, k).
    Returns:
        The scale in [0.01, 100]: below 1 the network was too sure. 1, no change, where the fit
        would not lower the cross-entropy of these examples.
    Raises:
        InputError: another shape, no example, or a logit that is not finite.
    Source: Guo et al., On calibration of modern neural networks, ICML 2017, 4.2.
    """
    logits, labels = _checked(logits, labels, dimensions=2)
    n, k = logits.shape
    targets = np.full((n, k), 1 / (k * (n + 1)))
    targets[np.arange(n), labels] += n / (n + 1)

    low, high = SCALES
    for _ in range(60):
        scale = float(np.sqrt(low * high))  # halves the range of log scale
        rising = np.sum((apply_temperature(logits, scale) - targets) * logits) > 0
        low, high = (low, scale) if rising else (scale, high)

    def loss(scale: float) -> float:
        return float(-_log_softmax(scale * logits)[np.arange(n), labels].mean())

    return scale if loss(scale) <= loss(1.0) else 1.0


def _newton(inputs: np.ndarray, offset: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the weights that minimise a mean cross-entropy.

    They are w (p,); the cross-entropy is that of σ(inputs w + offset) and the targets.
    """
    weights = np.zeros(inputs.shape[1])
    loss = _binary_loss(offset, targets)
    for _ in range(100):
        p = apply_platt(inputs @ weights + offset, 1, 0)
        gradient = inputs.T @ (p - targets) / len(targets)
        curvature = (inputs * (p * (1 - p))[:, None]).T @ inputs / len(targets)
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(weights)), gradient)
        while True:  # halve a step that overshoots
            tried = _binary_loss(inputs @ (weights - step) + offset, targets)
            if tried < loss or np.abs(step).max() < 1e-12:
                break
            step = step / 2
        if not tried < loss:
            break
        weights, loss = weights - step, tried
    return weights


def _binary_loss(z: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean binary cross-entropy without overflow.

    −t log σ(z) − (1−t) log(1−σ(z)) = log(1+eᶻ) − t z.
    """
    return float(np.mean(np.logaddexp(0, z) - targets * z))


def _log_softmax(z: np.ndarray) -> np.ndarray:
    z = z - z.max(axis=1, keepdims=True)  # (n, k)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def _checked(
    logits: np.ndarray, labels: np.ndarray, dimensions: int
) -> tuple[np.ndarray, np.ndarray]:
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    if logits.ndim != dimensions or labels.shape != logits.shape[:1] or len(labels) == 0:
        raise InputError(
            f"expected logits with {dimensions} dimension(s) and a label for each of at least "
            f"one example; got shapes {logits.shape} and {labels.shape}"
        )
    if not np.isfinite(logits).all():
        raise InputError("expected finite logits to calibrate on; got NaN or infinity")
    k = 2 if dimensions == 1 else logits.shape[1]
    if labels.min() < 0 or labels.max() >= k:
        raise InputError(f"expected labels from 0 to {k - 1}; got {labels.min()} to {labels.max()}")
    return logits, labels
