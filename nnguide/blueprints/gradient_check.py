"""A check of the gradients of backward against central differences.

    ∂L/∂θ ≈ (L(θ + h) − L(θ − h)) / 2h          central difference, off by about h² L‴/6

Two slopes agree when ‖analytic − numeric‖ / (‖analytic‖ + ‖numeric‖) is at rounding level: 1e-7
is far above it, far below what a mistake in a formula does. A ReLU has a kink at 0, and so has
the |w| of L1; where the two points of a difference lie on either side of one, the difference
measures neither slope. Such entries are skipped and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import ACTIVATIONS, PAIRS, Settings

STEP = 1e-5  # h: its square and the rounding error 1e-16 / h are both near 1e-11
AGREEMENT = 1e-7  # the largest difference that counts as none
MAY_SKIP = 0.01  # the largest fraction of entries that may lie at kinks


@dataclass(frozen=True)
class Result:
    """The result of one network's gradient check.

    Attributes:
        difference: ‖analytic − numeric‖ / (‖analytic‖ + ‖numeric‖) over the entries compared.
        entries: how many parameters the network has.
        skipped: how many of them lay at a kink.
    """

    difference: float
    entries: int
    skipped: int

    @property
    def agrees(self) -> bool:
        return self.difference <= AGREEMENT and self.skipped <= MAY_SKIP * self.entries


def check(network: NumpyNet, X: np.ndarray, y: np.ndarray) -> Result:
    """Compare a float64 network's gradients with central differences."""
    analytic = np.concatenate([slope.ravel() for slope in network.gradients(X, y)])
    numeric, smooth = np.zeros_like(analytic), np.ones(len(analytic), bool)
    θ = network.θ
    for i, before in enumerate(θ.copy()):
        losses, sides = [], []
        for moved in (before + STEP, before - STEP):
            θ[i] = moved
            losses.append(network.loss(X, y))
            sides.append(_sides_of_kinks(network))
        θ[i] = before
        numeric[i] = (losses[0] - losses[1]) / (2 * STEP)
        smooth[i] = np.array_equal(sides[0], sides[1])

    analytic, numeric = analytic[smooth], numeric[smooth]
    apart = np.linalg.norm(analytic - numeric)
    size = np.linalg.norm(analytic) + np.linalg.norm(numeric)
    difference = float(apart / size) if size else 0.0
    return Result(difference, len(θ), int(np.sum(~smooth)))


def _sides_of_kinks(network: NumpyNet) -> np.ndarray:
    """Return on which side of every kink the last forward pass was."""
    sides = [network.θ > 0] if network.settings.l1 else []
    if network.settings.activation in ("relu", "leaky_relu"):
        sides += [(layer.z > 0).ravel() for layer in network.layers[:-1]]
    return np.concatenate(sides) if sides else np.empty(0, bool)


def random_case(settings: Settings, inputs: int, outputs: int, n: int, seed: int) -> Any:
    """Build a float64 network with random parameters and suitable examples.

    Returns:
        (network, X (n, inputs), Y (n, outputs)).
    """
    random = np.random.default_rng(seed)
    network = NumpyNet(inputs, outputs, settings, "float64")
    network.θ += random.normal(0, 0.1, len(network.θ))  # biases of exactly 0 would sit at kinks
    X = random.normal(size=(n, inputs))
    if settings.loss == "categorical_crossentropy":
        Y = np.eye(outputs)[random.integers(outputs, size=n)]
    elif settings.output == "linear":
        Y = random.normal(size=(n, outputs))
    else:
        Y = random.integers(2, size=(n, outputs)).astype(float)
    return network, X, Y


def table(seed: int = 0) -> Iterator[dict[str, Any]]:
    """Check every activation with every loss.

    The networks have depths 1 to 5, with and without L1 and L2.

    Yields:
        A row for each pair: activation, loss, output, networks (how many were checked),
        difference (the worst of them), entries, skipped (of all of them), agrees (all of them).
    """
    for activation in ACTIVATIONS:
        for loss, outputs in PAIRS.items():
            for output in outputs:
                base = Settings(activation=activation, loss=loss, output=output)
                results = [
                    check(
                        *random_case(
                            replace(base, hidden=(5, 4, 4, 3)[: depth - 1], l1=l1, l2=l2),
                            inputs=4,
                            outputs=3,
                            n=6,
                            seed=seed + depth,
                        )
                    )
                    for depth in range(1, 6)
                    for l1 in (0.0, 0.01)
                    for l2 in (0.0, 0.01)
                ]
                yield {
                    "activation": activation,
                    "loss": loss,
                    "output": output,
                    "networks": len(results),
                    "difference": max(result.difference for result in results),
                    "entries": sum(result.entries for result in results),
                    "skipped": sum(result.skipped for result in results),
                    "agrees": all(result.agrees for result in results),
                }
