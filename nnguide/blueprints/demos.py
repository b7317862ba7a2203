"""What the guide claims, as numbers: each function runs an experiment and returns plain data."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any

import numpy as np

from nnguide.blueprints import activations, descent, losses, toy_data
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.numpy_net import NumpyNet
from nnguide.blueprints.settings import SCHEDULES, Settings
from nnguide.errors import ConfigError, InputError, WorkError


def follow(network: NumpyNet, X: np.ndarray, y: np.ndarray) -> list[float]:
    """Fit, and give the loss over all examples before it and after each epoch.

    The list ends early where the loss leaves the numbers.
    """
    losses = [network.loss(X, y)]
    with contextlib.suppress(WorkError):
        network.fit(X, y, on_epoch=lambda net, _: losses.append(net.loss(X, y)))
    return [loss for loss in losses if np.isfinite(loss)]


def surface(network: Any, X: np.ndarray, points: int = 81) -> dict[str, Any]:
    """The first output of a network with two features over the plane that X (n, 2) covers.

    Returns:
        x, y: the grid's coordinates (points,); output: nested list (points along y, along x).
    """
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.1 * (high - low)
    x, y = (np.linspace(a, b, points) for a, b in zip(low - margin, high + margin, strict=True))
    plane = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    output = network.predict(plane)[:, 0].reshape(points, points)
    return {"x": x.tolist(), "y": y.tolist(), "output": output.tolist()}


def activation_curves(limit: float = 6.0, points: int = 241) -> dict[str, Any]:
    """Every activation and its slope between -limit and limit, and at ±1000.

    Softmax is shown as its first output for the sums (z, 0), where it is a sigmoid.
    """
    z = np.linspace(-limit, limit, points)
    found = {}
    for name, g in activations.TABLE.items():
        both = np.stack([z, np.zeros_like(z)], axis=1) if name == "softmax" else z[:, None]
        first = np.eye(both.shape[1])[:1].repeat(points, axis=0)  # the slope of the first output
        a = g.value(both)
        found[name] = {
            "formula": g.formula,
            "derivative": g.derivative,
            "value": a[:, 0].tolist(),
            "slope": g.back(first, a)[:, 0].tolist(),
            "at_minus_1000": float(g.value(np.array([[-1000.0, 0.0]]))[0, 0]),
            "at_plus_1000": float(g.value(np.array([[1000.0, 0.0]]))[0, 0]),
        }
    return {"z": z.tolist(), "activations": found}


def wrong_answers(sums: tuple[float, ...] = (4, 1, 0, -1, -4, -10, -40, -1000)) -> dict[str, Any]:
    """What an answer costs when the truth is 1, from sure and right to sure and wrong.

    Returns:
        rows: [{z, answer, mse, mse_delta, crossentropy, crossentropy_delta, naive}] where naive
        is −log ŷ computed from a float32 ŷ, null where that is infinite.
    """
    z = np.array(sums, float)[:, None]
    y, g = np.ones_like(z), activations.TABLE["sigmoid"]
    ŷ = g.value(z)
    found = {"z": z[:, 0], "answer": ŷ[:, 0]}
    for name, key in (("mse", "mse"), ("crossentropy", "binary_crossentropy")):
        loss = losses.TABLE[key]
        found[name], found[f"{name}_delta"] = loss.value(z, y, g), loss.delta(z, y, g)[:, 0]
    with np.errstate(divide="ignore"):
        found["naive"] = -np.log(ŷ[:, 0].astype("float32"))
    rows = [
        {name: float(x) if np.isfinite(x) else None for name, x in zip(found, row, strict=True)}
        for row in zip(*found.values(), strict=True)
    ]
    return {"rows": rows}


def two_linear_layers(seed: int = 0, epochs: int = 100) -> dict[str, Any]:
    """Two linear layers are one, so XOR stays out of reach; with a ReLU between it does not.

    (x W₁ + b₁) W₂ + b₂ = x (W₁ W₂) + (b₁ W₂ + b₂)
    """
    X, y = toy_data.xor(400, seed)
    X_test, y_test = toy_data.xor(400, seed + 1)
    reached, surfaces = {}, {}
    for activation in ("linear", "relu"):
        network = NumpyNet(2, 1, Settings((16,), activation, epochs=epochs, seed=seed), "float64")
        network.fit(X, y)
        reached[activation] = accuracy(network.predict(X_test), y_test)
        surfaces[activation] = surface(network, X_test)
        if activation == "linear":
            first, second = network.layers
            W, b = first.W @ second.W, first.b @ second.W + second.b
            two = network.forward(X_test)
            one = X_test @ W + b
    return {
        "W": W.tolist(),
        "b": b.tolist(),
        "example": X_test[0].tolist(),
        "two_layers": two[0].tolist(),
        "one_layer": one[0].tolist(),
        "largest_difference": float(np.abs(two - one).max()),
        "xor_accuracy": reached,
        "points": {"X": X_test.tolist(), "y": y_test.tolist()},
        "surfaces": surfaces,
    }


def rates(
    learning_rates: tuple[float, ...] = (0.01, 0.1, 0.5, 2.1), steps: int = 60, seed: int = 0
) -> dict[str, Any]:
    """The loss after each full-batch step on a straight line through points, for several α.

    The loss of a linear neuron is a bowl. Along its steepest direction, whose curvature is λ,
    a step multiplies the distance from the bottom by 1 − α λ: it shrinks only for α < 2/λ.

    Returns:
        paths: [{learning_rate, losses (steps + 1,), verdict}]; a path ends early where the loss
        leaves the numbers. lowest: the least loss that there is. largest_rate: 2/λ.
    """
    X, y = toy_data.line(200, seed)
    features = np.hstack([X, np.ones_like(X)])  # the bias is the weight of a constant 1
    best = np.linalg.lstsq(features, y, rcond=None)[0]
    lowest = float(0.5 * np.mean((features @ best - y) ** 2))
    curvature = float(np.linalg.eigvalsh(features.T @ features / len(X)).max())
    paths = []
    for α in learning_rates:
        settings = Settings(
            (),
            output="linear",
            loss="mse",
            optimizer="sgd",
            learning_rate=α,
            batch_size="full",
            epochs=steps,
            seed=seed,
        )
        network = NumpyNet(1, 1, settings, "float64")
        losses = follow(network, X, y)
        paths.append({"learning_rate": α, "losses": losses, "verdict": _verdict(losses, lowest)})
    return {"paths": paths, "lowest": lowest, "largest_rate": 2 / curvature}


def _verdict(losses: list[float], lowest: float) -> str:
    if losses[-1] > losses[0]:
        return "diverges"
    left = (losses[-1] - lowest) / (losses[0] - lowest)  # share of the way that is still to go
    return "converges" if left < 0.01 else "crawls"


def batches(
    sizes: tuple[int | str, ...] = ("full", 128, 64, 32, 1), epochs: int = 20, seed: int = 0
) -> dict[str, Any]:
    """The same data, network and rate in batches of several sizes, by plain descent.

    Returns:
        curves: [{batch_size, updates, seconds, losses (epochs + 1,), accuracy on held-out
        points}]; losses over all training points, after each epoch.
    """
    X, y = toy_data.moons(512, seed)
    X_test, y_test = toy_data.moons(400, seed + 1)
    curves = []
    for size in sizes:
        settings = Settings(
            optimizer="sgd", learning_rate=0.1, batch_size=size, epochs=epochs, seed=seed
        )
        network = NumpyNet(2, 1, settings)
        began = time.perf_counter()
        losses = follow(network, X, y)
        curves.append(
            {
                "batch_size": size,
                "updates": epochs * descent.updates_per_epoch(len(X), size),
                "seconds": time.perf_counter() - began,
                "losses": losses,
                "accuracy": accuracy(network.predict(X_test), y_test),
            }
        )
    return {"examples": len(X), "curves": curves}


def schedules(learning_rate: float = 0.05, epochs: int = 30, seed: int = 0) -> dict[str, Any]:
    """The rate of every update under each schedule, and the loss that Adam reaches with it."""
    X, y = toy_data.spirals(400, seed)
    curves = []
    for schedule in SCHEDULES:
        settings = Settings(
            (16, 16),
            schedule=schedule,
            learning_rate=learning_rate,
            epochs=epochs,
            seed=seed,
        )
        steps = epochs * descent.updates_per_epoch(len(X), settings.batch_size)
        network = NumpyNet(2, 1, settings)
        history = network.fit(X, y)
        curves.append(
            {
                "schedule": schedule,
                "rates": [descent.rate(schedule, learning_rate, s, steps) for s in range(steps)],
                "losses": [record["loss"] for record in history],
                "final_loss": network.loss(X, y),
            }
        )
    return {"updates_per_epoch": steps // epochs, "curves": curves}


def vanishing(depth: int = 10, units: int = 50, seed: int = 0) -> dict[str, Any]:
    """The norm of ∂L/∂W per layer before any training, for sigmoid, tanh and ReLU.

    On the way back a sigmoid multiplies by at most ¼ at each layer; ten of them leave nothing.

    Returns:
        norms: {activation: [layer 1, …, layer depth]}; ratio: {activation: first / last}.
    """
    if depth < 2:
        raise ConfigError(f"the depth is a whole number of layers from 2 on; got {depth}")
    random = np.random.default_rng(seed)
    X, y = random.normal(size=(200, units)), random.integers(2, size=200)
    norms = {}
    for activation in ("sigmoid", "tanh", "relu"):
        settings = Settings((units,) * (depth - 1), activation, seed=seed)
        slopes = NumpyNet(units, 1, settings, "float64").gradients(X, y)
        norms[activation] = [float(np.linalg.norm(dW)) for dW in slopes[::2]]
    return {"norms": norms, "ratio": {name: n[0] / n[-1] for name, n in norms.items()}}


CURES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "dropout": {"dropout": 0.5},
    "L1": {"l1": 0.003},
    "L2": {"l2": 0.003},
    "early stopping": {"patience": 20},
}


def overfit(examples: int = 60, epochs: int = 300, seed: int = 0) -> dict[str, Any]:
    """One large network on little, noisy data: with nothing, and with each cure.

    Returns:
        runs: [{cure, epochs, training_losses, validation_losses (without penalties),
        training_accuracy, test_accuracy, test_loss, zeros}], zeros the share of weights that
        are exactly 0.
    """
    if examples < 4:
        raise InputError(f"expected 4 examples or more; got {examples}")
    train = toy_data.moons(examples, seed, noise=0.3)
    held_out = toy_data.moons(400, seed + 1, noise=0.3)
    test = toy_data.moons(2000, seed + 2, noise=0.3)
    base = Settings((64, 64), learning_rate=0.003, epochs=epochs, seed=seed)
    runs = []
    for cure, change in CURES.items():
        network = NumpyNet(2, 1, replace(base, **change))
        bare = NumpyNet(2, 1, base)  # the same weights, measured without penalties
        curves: dict[str, list[float]] = {"training_losses": [], "validation_losses": []}

        def measure(net: NumpyNet, _: Any, bare: NumpyNet = bare, to: Any = curves) -> None:
            bare.θ[:] = net.θ
            to["training_losses"].append(bare.loss(*train))
            to["validation_losses"].append(bare.loss(*held_out))

        history = network.fit(*train, held_out, on_epoch=measure)
        bare.θ[:] = network.θ
        weights = np.concatenate([W.ravel() for W in network.get_weights()[::2]])
        runs.append(
            {
                "cure": cure,
                "epochs": len(history),
                **curves,
                "training_accuracy": accuracy(network.predict(train[0]), train[1]),
                "test_accuracy": accuracy(network.predict(test[0]), test[1]),
                "test_loss": bare.loss(*test),
                "zeros": float(np.mean(weights == 0)),
            }
        )
    return {"examples": examples, "runs": runs}


def scaling(epochs: int = 60, seed: int = 0) -> dict[str, Any]:
    """Who buys? From age in years and salary in money, raw and standardised, the same training.

    Returns:
        runs: [{inputs, losses (epochs + 1,), accuracy on held-out people}]; features: mean and
        standard deviation of each on the training part.
    """
    random = np.random.default_rng(seed)
    age, salary = random.uniform(18, 70, 800), random.uniform(15_000, 120_000, 800)
    X = np.stack([age, salary], axis=1)
    leaning = (age - 44) / 15 + (salary - 67_500) / 30_000 + random.normal(0, 0.3, 800)
    y = (leaning > 0).astype(int)
    mean, deviation = X[:400].mean(axis=0), X[:400].std(axis=0)
    runs = []
    for name, inputs in (("raw", X), ("standardised", (X - mean) / deviation)):
        settings = Settings(
            (8,), "sigmoid", optimizer="sgd", learning_rate=0.5, epochs=epochs, seed=seed
        )
        network = NumpyNet(2, 1, settings)
        losses = follow(network, inputs[:400], y[:400])
        reached = accuracy(network.predict(inputs[400:]), y[400:])
        runs.append({"inputs": name, "losses": losses, "accuracy": reached})
    features = [
        {"name": name, "mean": float(m), "deviation": float(d)}
        for name, m, d in zip(("age", "salary"), mean, deviation, strict=True)
    ]
    return {"features": features, "runs": runs}


def filters(weights: np.ndarray, most: int = 64) -> dict[str, Any]:
    """What each unit of a first layer looks for, as pictures.

    Args:
        weights: (784, units), (28, 28, units), or a convolution's (k, k, 1, units).
        most: how many units are shown, those with the largest weights first.
    Returns:
        pictures: nested lists (units, side, side) in [-1, 1], each divided by its largest |w|;
        units: their numbers; side.
    Raises:
        InputError: an array of another shape.
    """
    W = np.asarray(weights, float)
    if W.ndim == 2 and round(len(W) ** 0.5) ** 2 == len(W):
        W = W.reshape(round(len(W) ** 0.5), -1, W.shape[1])
    if W.ndim == 4 and W.shape[2] == 1:
        W = W[:, :, 0]
    if W.ndim != 3 or W.shape[0] != W.shape[1]:
        raise InputError(
            "expected first-layer weights of a square grey picture, (784, units) or "
            f"(k, k, 1, units); got {np.shape(weights)}"
        )
    strength = np.linalg.norm(W, axis=(0, 1))
    units = np.argsort(-strength, kind="stable")[:most]
    largest = np.abs(W).max(axis=(0, 1))
    pictures = W / np.where(largest > 0, largest, 1)
    return {
        "side": W.shape[0],
        "units": units.tolist(),
        "pictures": np.moveaxis(pictures[:, :, units], 2, 0).tolist(),
    }
