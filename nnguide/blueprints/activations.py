"""Activation functions and their derivatives.

Each is a pair of functions. `value` is a = g(z), for the forward pass; `back` is for the backward
pass: it takes ∂L/∂a and returns ∂L/∂z. The derivative is written in terms of a, not z, since
forward keeps a. All work element by element except softmax, whose outputs depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEAK = 0.01  # slope of the leaky ReLU below zero (Maas, Hannun & Ng 2013)


@dataclass(frozen=True)
class Activation:
    """An activation function, its derivative, and both as formulae.

    Attributes:
        value: z (batch, units) -> a (batch, units), float, finite for every finite z.
        back: (∂L/∂a, a) -> ∂L/∂z, all (batch, units).
    """

    name: str
    formula: str
    derivative: str
    value: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray, np.ndarray], np.ndarray]


def linear(z: np.ndarray) -> np.ndarray:
    return z


def linear_back(da: np.ndarray, a: np.ndarray) -> np.ndarray:
    return da


def relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


def relu_back(da: np.ndarray, a: np.ndarray) -> np.ndarray:
    return da * (a > 0)  # at the kink, z = 0, the slope is taken as 0


def leaky_relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, LEAK * z)


def leaky_relu_back(da: np.ndarray, a: np.ndarray) -> np.ndarray:
    return np.where(a > 0, da, LEAK * da)


def tanh(z: np.ndarray) -> np.ndarray:
    return np.tanh(z)


def tanh_back(da: np.ndarray, a: np.ndarray) -> np.ndarray:
    return da * (1 - a * a)


def sigmoid(z: np.ndarray) -> np.ndarray:
    # 1/(1 + e^-z) overflows far below zero; e^z/(1 + e^z) is the same number and does not.
    e = np.exp(-np.abs(z))  # in (0, 1]
    return np.where(z >= 0, 1, e) / (1 + e)


def sigmoid_back(da: np.ndarray, a: np.ndarray) -> np.ndarray:
    return da * a * (1 - a)


def softmax(z: np.ndarray) -> np.ndarray:
    # Taking the largest z from all of them changes no ratio, and e^0 = 1 cannot overflow.
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_back(da: np.ndarray, a: np.ndarray) -> np.ndarray:
    # ∂L/∂z_j = Σ_i ∂L/∂a_i · a_i ([i = j] − a_j) = a_j (∂L/∂a_j − Σ_i ∂L/∂a_i a_i)
    return a * (da - (da * a).sum(axis=-1, keepdims=True))


TABLE = {
    entry.name: entry
    for entry in (
        Activation("linear", "z", "1", linear, linear_back),
        Activation("relu", "max(0, z)", "1 if z > 0 else 0", relu, relu_back),
        Activation(
            "leaky_relu",
            f"max({LEAK} z, z)",
            f"1 if z > 0 else {LEAK}",
            leaky_relu,
            leaky_relu_back,
        ),
        Activation("tanh", "(e^z − e^-z) / (e^z + e^-z)", "1 − a²", tanh, tanh_back),
        Activation("sigmoid", "1 / (1 + e^-z)", "a (1 − a)", sigmoid, sigmoid_back),
        Activation("softmax", "e^z_i / Σ_j e^z_j", "a_i ([i = j] − a_j)", softmax, softmax_back),
    )
}
