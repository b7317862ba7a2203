"""One example's forward and backward pass, every array with its shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings


def small_network() -> NumpyNet:
    """Build a network with 2 inputs, 3 hidden units and 1 output.

    The hidden units are ReLU, the output is a sigmoid node. The guide counts this as three
    layers.
    """
    network = NumpyNet(2, 1, Settings(hidden=(3,)), "float64")
    network.set_weights(
        [
            np.array([[0.5, -0.4, 0.3], [0.2, 0.7, -0.6]]),
            np.array([0.1, 0.0, -0.1]),
            np.array([[0.8], [-0.5], [0.4]]),
            np.array([0.05]),
        ]
    )
    return network


def trace(network: NumpyNet, x: np.ndarray, y: Any) -> dict[str, Any]:
    """Follow one example without changing the network.

    Args:
        x: (in,) the example's features.
        y: its label, as losses.targets takes one: a number, or (out,) targets.
    Returns:
        forward, backward: lists of {symbol, formula, shape, value}; value as nested lists.
        prediction: (out,); loss: a number.
    """
    X, Y = np.asarray(x, float)[None, :], np.asarray([y])
    last = len(network.layers)
    ŷ = network.predict(X)
    loss = network.loss(X, Y)
    network.gradients(X, Y)

    g, g_out = network.g, network.g_out
    forward = [_row("a[0]", "x", X)]
    backward: list[dict[str, Any]] = []
    δ = network.cost.delta(network.layers[-1].z, _targets(network, Y), g_out)
    for depth in range(last, 0, -1):
        layer, below = network.layers[depth - 1], network.layers[depth - 2]
        how = (
            "∂L/∂ŷ · ∂ŷ/∂z" if depth == last else f"δ[{depth + 1}] W[{depth + 1}]ᵀ ⊙ g'(z[{depth}])"
        )
        backward += [
            _row(f"δ[{depth}]", how, δ),
            _row(f"∂L/∂W[{depth}]", f"a[{depth - 1}]ᵀ δ[{depth}]", layer.dW),
            _row(f"∂L/∂b[{depth}]", f"Σ δ[{depth}]", layer.db),
        ]
        if depth > 1:
            δ = g.back(δ @ layer.W.T, below.a)
    for depth, layer in enumerate(network.layers, start=1):
        a, name = (layer.a, f"a[{depth}]") if depth < last else (ŷ, "ŷ")
        formula = g.formula if depth < last else g_out.formula
        forward += [
            _row(f"W[{depth}]", "weights", layer.W),
            _row(f"b[{depth}]", "bias", layer.b),
            _row(f"z[{depth}]", f"a[{depth - 1}] W[{depth}] + b[{depth}]", layer.z),
            _row(name, f"g(z[{depth}]) = {formula.replace('z', f'z[{depth}]')}", a),
        ]
    return {
        "forward": forward,
        "backward": backward,
        "prediction": ŷ[0].tolist(),
        "loss": loss,
        "loss_formula": network.cost.formula,
    }


def _targets(network: NumpyNet, Y: np.ndarray) -> np.ndarray:
    from nnguide.blueprints.losses import targets

    return targets(Y, network.sizes[-1], network.dtype)


def _row(symbol: str, formula: str, value: np.ndarray) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "formula": formula,
        "shape": list(value.shape),
        "value": value.tolist(),
    }
