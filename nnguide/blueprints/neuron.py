"""One neuron: forward, backward and one step of gradient descent.

Every number is shown.

A neuron weighs its inputs, adds its bias and answers: ŷ = g(z), z = w₁x₁ + w₂x₂ + … + b. Without
the bias, zero in would mean g(0) out, whatever it has learned; a negative weight pulls down.
The chain rule goes back through it:

    L = ½(ŷ − y)²     ∂L/∂ŷ = ŷ − y
    ŷ = g(z)          ∂ŷ/∂z = g'(z)          for the sigmoid ŷ(1 − ŷ)
    z = Σ wᵢxᵢ + b    ∂z/∂wᵢ = xᵢ, ∂z/∂b = 1

    δ = ∂L/∂z = (ŷ − y) g'(z)     ∂L/∂W = δ x     ∂L/∂b = δ
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnguide.blueprints import activations
from nnguide.errors import ConfigError, ExtraError, InputError

Slopes = tuple[np.ndarray, float]  # ∂L/∂W (n,), ∂L/∂b
STEP = 1e-6  # of the central differences

# g and g' with numbers put in.
WITH_NUMBERS = {
    "linear": ("{z}", "1"),
    "relu": ("max(0, {z})", "1 if {z} > 0 else 0"),
    "leaky_relu": (
        f"max({activations.LEAK} · {{z}}, {{z}})",
        f"1 if {{z}} > 0 else {activations.LEAK}",
    ),
    "tanh": ("tanh({z})", "1 − {a}²"),
    "sigmoid": ("1 / (1 + e^{minus_z})", "{a} · (1 − {a})"),
}


def neuron(
    inputs: Sequence[float],
    weights: Sequence[float],
    bias: float = 0.0,
    activation: str = "sigmoid",
    target: float = 1.0,
    learning_rate: float = 0.5,
    compare: bool = True,
) -> dict[str, Any]:
    """Follow one example forward and backward through one neuron.

    Args:
        inputs, weights: the same number of finite numbers, at least one.
        activation: one of WITH_NUMBERS.
        target: the label y. The loss is ½(ŷ − y)².
        learning_rate: α of the step, above 0.
        compare: whether to find the gradient in every other way too.
    Returns:
        inputs, weights, bias, activation, target, learning_rate: as given;
        steps: [{symbol, formula, numbers, value}], in the order of the derivation;
        slopes: [{method, weights, bias}] of ∂L/∂W and ∂L/∂b, by hand and by every other way
            that is installed; weights and bias are None where it is not;
        difference: the largest between any of them and the ones by hand;
        loss, loss_after: before and after the step.
    Raises:
        ConfigError: no such activation, or a rate that is not above 0.
        InputError: lengths differ, or a number is not finite.
    """
    if not 0 < learning_rate < np.inf:
        raise ConfigError(f"the learning rate is a number above 0; got {learning_rate}")
    x, W, b, y = _checked(inputs, weights, bias, activation, target)
    g = activations.TABLE[activation]

    def loss_at(W: np.ndarray, b: float) -> float:
        return float(0.5 * (g.value(x @ W + b) - y) ** 2)

    z = float(x @ W + b)
    ŷ = float(g.value(np.array(z)))
    error = ŷ - y  # ∂L/∂ŷ
    slope = float(g.back(np.array(1.0), np.array(ŷ)))  # ∂ŷ/∂z
    δ = error * slope  # ∂L/∂z
    dW, db = δ * x, δ
    new_W, new_b = W - learning_rate * dW, b - learning_rate * db

    put = {"z": _n(z), "minus_z": _n(-z), "a": _n(ŷ)}
    g_in, slope_in = (text.format(**put) for text in WITH_NUMBERS[activation])
    products = " + ".join(f"{_n(w)}·{_n(v)}" for w, v in zip(W, x, strict=True))
    steps: list[tuple[str, str, str, Any]] = [
        ("z", "W·x + b", f"{products} + {_n(b)}", z),
        ("ŷ", f"g(z) = {g.formula}", g_in, ŷ),
        ("L", "½(ŷ − y)²", f"½({_n(ŷ)} − {_n(y)})²", loss_at(W, b)),
        ("∂L/∂ŷ", "ŷ − y", f"{_n(ŷ)} − {_n(y)}", error),
        ("∂ŷ/∂z", f"g'(z) = {g.derivative.replace('a', 'ŷ')}", slope_in, slope),
        ("δ", "∂L/∂ŷ · ∂ŷ/∂z", f"{_n(error)} · {_n(slope)}", δ),
        ("∂L/∂W", "δ x", f"{_n(δ)} · {_list(x)}", dW.tolist()),
        ("∂L/∂b", "δ", _n(δ), db),
        ("W", "W − α ∂L/∂W", f"{_list(W)} − {_n(learning_rate)} · {_list(dW)}", new_W.tolist()),
        ("b", "b − α ∂L/∂b", f"{_n(b)} − {_n(learning_rate)} · {_n(db)}", new_b),
    ]
    ways = {
        "central differences": lambda: _central_differences(loss_at, W, b),
        "TensorFlow": lambda: _tensorflow(x, W, b, y, activation),
        "PyTorch": lambda: _pytorch(x, W, b, y, activation),
    }
    slopes, difference = _other_ways(dW, db, ways if compare else {})
    return {
        "inputs": x.tolist(),
        "weights": W.tolist(),
        "bias": b,
        "activation": activation,
        "target": y,
        "learning_rate": learning_rate,
        "steps": [
            dict(zip(("symbol", "formula", "numbers", "value"), s, strict=True)) for s in steps
        ],
        "slopes": slopes,
        "difference": difference,
        "loss": loss_at(W, b),
        "loss_after": loss_at(new_W, new_b),
    }


def _checked(
    inputs: Sequence[float], weights: Sequence[float], bias: float, activation: str, target: float
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return x, W, b and y; raise the errors of `neuron`."""
    if activation not in WITH_NUMBERS:
        raise ConfigError(f"the activation is one of {', '.join(WITH_NUMBERS)}; got {activation!r}")
    x, W, b, y = np.array(inputs, float), np.array(weights, float), float(bias), float(target)
    if len(x) != len(W) or len(x) == 0:
        raise InputError(
            f"expected one weight for each input; got {len(x)} inputs and {len(W)} weights"
        )
    if not all(np.isfinite(array).all() for array in (x, W, b, y)):
        raise InputError("expected finite numbers; got NaN or infinity among them")
    return x, W, b, y


def _other_ways(
    dW: np.ndarray, db: float, ways: dict[str, Callable[[], Slopes]]
) -> tuple[list[dict[str, Any]], float]:
    """Return the gradients of every method and their largest difference.

    The gradients by hand come first.
    """
    slopes: list[dict[str, Any]] = [{"method": "by hand", "weights": dW.tolist(), "bias": db}]
    difference = 0.0
    for method, measure in ways.items():
        try:
            there_W, there_b = measure()
        except (ExtraError, ImportError):
            slopes.append({"method": method, "weights": None, "bias": None})
            continue
        slopes.append({"method": method, "weights": there_W.tolist(), "bias": there_b})
        difference = max(difference, float(np.abs(there_W - dW).max()), abs(there_b - db))
    return slopes, difference


def _central_differences(
    loss_at: Callable[[np.ndarray, float], float], W: np.ndarray, b: float
) -> Slopes:
    """Return central differences for one parameter after the other.

    ∂L/∂θ ≈ (L(θ + h) − L(θ − h)) / 2h
    """
    moves = STEP * np.eye(len(W))
    dW = [(loss_at(W + h, b) - loss_at(W - h, b)) / (2 * STEP) for h in moves]
    return np.array(dW), (loss_at(W, b + STEP) - loss_at(W, b - STEP)) / (2 * STEP)


def _tensorflow(x: np.ndarray, W: np.ndarray, b: float, y: float, activation: str) -> Slopes:
    from nnguide import logs

    tf = logs.tensorflow()
    from nnguide.blueprints.keras_net import ACTIVATIONS

    w, bias = tf.Variable(W), tf.Variable(b, dtype="float64")
    with tf.GradientTape() as tape:
        ŷ = ACTIVATIONS[activation](tf.reduce_sum(w * x) + bias)
        loss = 0.5 * (ŷ - y) ** 2
    dw, db = tape.gradient(loss, (w, bias))
    return dw.numpy(), float(db)


def _pytorch(x: np.ndarray, W: np.ndarray, b: float, y: float, activation: str) -> Slopes:
    from nnguide.blueprints.torch_net import ACTIVATIONS, torch

    w = torch.tensor(W, requires_grad=True)
    bias = torch.tensor(b, dtype=torch.float64, requires_grad=True)
    loss = 0.5 * (ACTIVATIONS[activation](w @ torch.tensor(x) + bias) - y) ** 2
    dw, db = torch.autograd.grad(loss, (w, bias))
    return dw.numpy(), float(db)


def _n(value: float) -> str:
    """Return a number with six significant digits as text."""
    text = f"{round(value, 12) + 0.0:.6g}"
    return f"({text})" if text.startswith("-") else text


def _list(values: np.ndarray) -> str:
    return "[" + ", ".join(f"{value + 0.0:.6g}" for value in values) + "]"
