"""Loss functions, and the error δ that starts the backward pass.

Each is a pair: `value` and `delta`. Both take the last sum z, not ŷ = g(z): what the logarithm
of a cross-entropy does to the exponential of a sigmoid can then be worked out on paper instead
of in rounding errors. A confident wrong answer costs without bound, and stays finite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnguide.blueprints.activations import Activation
from nnguide.errors import InputError


@dataclass(frozen=True)
class Loss:
    """A loss and its derivative.

    Attributes:
        value: (z (batch, out), y (batch, out), g) -> the loss of each example (batch,), 0 or more.
        delta: (z, y, g) -> δ = ∂L/∂z (batch, out) for each example by itself.
    """

    name: str
    formula: str
    value: Callable[[np.ndarray, np.ndarray, Activation], np.ndarray]
    delta: Callable[[np.ndarray, np.ndarray, Activation], np.ndarray]


def squared_error(z: np.ndarray, y: np.ndarray, g: Activation) -> np.ndarray:
    """Return L = ½ Σ (ŷ − y)².

    The ½ cancels the 2 of the derivative.
    """
    return 0.5 * ((g.value(z) - y) ** 2).sum(axis=1)


def squared_error_delta(z: np.ndarray, y: np.ndarray, g: Activation) -> np.ndarray:
    """Return δ = ∂L/∂ŷ · ∂ŷ/∂z = (ŷ − y) g'(z).

    A saturated sigmoid, g' ≈ 0, hardly learns.
    """
    ŷ = g.value(z)
    return g.back(ŷ - y, ŷ)


def binary_crossentropy(z: np.ndarray, y: np.ndarray, g: Activation) -> np.ndarray:
    """Return the binary cross-entropy of a sigmoid.

    L = −Σ [y log ŷ + (1 − y) log(1 − ŷ)] with ŷ = 1/(1 + e^-z).

    −log ŷ = log(1 + e^-z) and −log(1 − ŷ) = z + log(1 + e^-z), so
    L = (1 − y) z + log(1 + e^-z) = max(z, 0) − y z + log(1 + e^-|z|), where nothing overflows.
    """
    return (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)


def categorical_crossentropy(z: np.ndarray, y: np.ndarray, g: Activation) -> np.ndarray:
    """Return the categorical cross-entropy of a softmax.

    L = −Σ y log ŷ with ŷ = softmax(z) and Σ y = 1, so L = log Σ e^z − Σ y z.
    """
    z = z - z.max(axis=1, keepdims=True)  # the same to all of them changes no ŷ
    return np.log(np.exp(z).sum(axis=1)) - (y * z).sum(axis=1)


def crossentropy_delta(z: np.ndarray, y: np.ndarray, g: Activation) -> np.ndarray:
    """Return δ = ŷ − y.

    The derivatives of the logarithm and of g cancel.

    Sigmoid: ∂L/∂ŷ = (ŷ − y) / (ŷ (1 − ŷ)) and ∂ŷ/∂z = ŷ (1 − ŷ).
    Softmax: ∂L/∂z_j = ∂/∂z_j (log Σ e^z − Σ y z) = e^z_j / Σ e^z − y_j.
    """
    return g.value(z) - y


TABLE = {
    entry.name: entry
    for entry in (
        Loss("mse", "½(ŷ − y)²", squared_error, squared_error_delta),
        Loss(
            "binary_crossentropy",
            "−[y log ŷ + (1−y) log(1−ŷ)]",
            binary_crossentropy,
            crossentropy_delta,
        ),
        Loss(
            "categorical_crossentropy", "−Σ y log ŷ", categorical_crossentropy, crossentropy_delta
        ),
    )
}


def targets(y: np.ndarray, outputs: int, dtype: str = "float32") -> np.ndarray:
    """Return the targets of the output nodes.

    Labels become a column; class numbers become one-hot rows.

    Args:
        y: (batch,) class numbers in [0, outputs) for two or more nodes, else 0/1 or any
            value for one node; or (batch, outputs) targets, passed on.
    Returns:
        (batch, outputs) floats of `dtype`.
    Raises:
        InputError: another shape, class numbers out of range, or values not finite.
    """
    y = np.asarray(y)
    if y.ndim == 1 and outputs == 1:
        y = y[:, None]
    elif y.ndim == 1:
        if y.dtype.kind not in "iu" or (len(y) and not (y.min() >= 0 and y.max() < outputs)):
            raise InputError(f"expected class numbers in [0, {outputs}); got {y.dtype} {y[:5]} …")
        y = np.eye(outputs, dtype=dtype)[y]
    if y.ndim != 2 or y.shape[1] != outputs:
        raise InputError(f"expected targets of shape (batch, {outputs}); got {y.shape}")
    if y.dtype.kind not in "fiub" or not np.isfinite(y).all():
        raise InputError(
            f"expected finite numbers as targets; got {y.dtype} with others among them"
        )
    return y.astype(dtype, copy=False)


def accuracy(ŷ: np.ndarray, y: np.ndarray) -> float:
    """Return the fraction of correct decisions.

    ŷ (batch, out) is compared with class numbers y (batch,).

    One node says 1 when it is strictly above 0.5; of several nodes the largest wins.
    """
    decided = ŷ[:, 0] > 0.5 if ŷ.shape[1] == 1 else ŷ.argmax(axis=1)
    return float(np.mean(decided == y))
