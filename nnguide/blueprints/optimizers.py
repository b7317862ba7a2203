"""Gradient descent, its refinements and learning-rate schedules.

The plain step is θ := θ − α ∂L/∂θ.

An optimizer sees no layers. It sees one vector θ of all parameters, one vector g of their
gradients ∂L/∂θ, and a learning rate α. Every one works in place, as published.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnguide.blueprints.settings import Settings

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's constants (Kingma & Ba 2015)


class Sgd:
    """Plain gradient descent: θ := θ − α g."""

    def __init__(self, θ: np.ndarray, settings: Settings) -> None:
        self.scratch = np.empty_like(θ)

    def step(self, θ: np.ndarray, g: np.ndarray, α: float) -> None:
        θ -= np.multiply(g, α, out=self.scratch)

    def reach(self, α: float) -> Any:
        """Return how far a steady unit gradient moves a parameter.

        It is a number, or one for each parameter.
        """
        return α


class Momentum:
    """Gradient descent with momentum (Polyak 1964).

    v := μ v + g; θ := θ − α v, as a ball that rolls.

    A gradient that keeps its sign adds up to g (1 + μ + μ² + …) = g / (1 − μ).
    """

    def __init__(self, θ: np.ndarray, settings: Settings) -> None:
        self.μ = settings.momentum
        self.v = np.zeros_like(θ)
        self.scratch = np.empty_like(θ)

    def step(self, θ: np.ndarray, g: np.ndarray, α: float) -> None:
        self.v *= self.μ
        self.v += g
        θ -= np.multiply(self.v, α, out=self.scratch)

    def reach(self, α: float) -> Any:
        return α / (1 - self.μ)


class Adam:
    """Adam: a learning rate for each parameter (Kingma & Ba 2015).

    m := β₁ m + (1 − β₁) g           the mean of the gradient
    v := β₂ v + (1 − β₂) g²          and of its square
    m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)   both began at 0: undo that
    θ := θ − α m̂ / (√v̂ + ε)         about α a step, however steep it is

    With a decay λ this is AdamW (Loshchilov & Hutter 2019): θ := θ − α λ θ beforehand, so that
    the decay is not divided by √v̂ as an L2 term in the loss would be.
    """

    def __init__(self, θ: np.ndarray, settings: Settings) -> None:
        self.λ = settings.weight_decay if settings.optimizer == "adamw" else 0.0
        self.t = 0
        self.m, self.v = np.zeros_like(θ), np.zeros_like(θ)
        self.size, self.scratch = np.empty_like(θ), np.empty_like(θ)  # √v̂ + ε, and a buffer

    def step(self, θ: np.ndarray, g: np.ndarray, α: float) -> None:
        self.t += 1
        if self.λ:
            θ *= 1 - α * self.λ
        _move_towards(self.m, g, 1 - BETA_1, self.scratch)
        np.multiply(g, g, out=self.size)
        _move_towards(self.v, self.size, 1 - BETA_2, self.scratch)

        np.sqrt(self.v, out=self.size)
        self.size /= math.sqrt(1 - BETA_2**self.t)
        self.size += EPSILON
        np.divide(self.m, self.size, out=self.scratch)
        self.scratch *= α / (1 - BETA_1**self.t)
        θ -= self.scratch

    def reach(self, α: float) -> Any:
        return α / self.size


def _move_towards(
    mean: np.ndarray, value: np.ndarray, fraction: float, scratch: np.ndarray
) -> None:
    """Compute mean := mean + fraction · (value − mean) in place."""
    np.subtract(value, mean, out=scratch)
    scratch *= fraction
    mean += scratch


OPTIMIZERS: dict[str, Any] = {"sgd": Sgd, "momentum": Momentum, "adam": Adam, "adamw": Adam}


def soft_threshold(θ: np.ndarray, reach: Any) -> None:
    """Move every parameter towards zero by `reach`, in place, and stop there.

    The step for a penalty λ|w|. Its gradient λ sign(w) would jump to and fro over zero for ever;
    the minimum of λ|w| + (w − w₀)² / (2 reach), worked out exactly, is w₀ moved by λ·reach, or
    zero where it would cross. That is how L1 makes weights that are 0, not merely small
    (proximal gradient; for Adam's reach: Yun, Lozano & Yang 2021).
    """
    np.copyto(θ, np.sign(θ) * np.maximum(np.abs(θ) - reach, 0))


def learning_rate(schedule: str, highest: float, step: int, steps: int) -> float:
    """Return the learning rate at update number `step`.

    `step` is in [0, steps).

    With s = step / steps, how much of the training is over:

        constant      α
        step          α · 0.1 ^ ⌊3 s⌋          a tenth after each third
        exponential   α · 0.01 ^ s             down to a hundredth, evenly
        cosine        α · ½ (1 + cos π s)      slow, fast, slow down to 0
        onecycle      up from α/25 to α in the first 30 %, then down to α/10,000, along cosines
                      (Smith & Topin 2018)
    """
    s = step / steps
    if schedule == "step":
        return highest * 0.1 ** (3 * step // steps)
    if schedule == "exponential":
        return highest * 0.01**s
    if schedule == "cosine":
        return _along_cosine(highest, 0, s)
    if schedule == "onecycle":
        if s < 0.3:
            return _along_cosine(highest / 25, highest, s / 0.3)
        return _along_cosine(highest, highest / 10_000, (s - 0.3) / 0.7)
    return highest


def _along_cosine(start: float, end: float, fraction: float) -> float:
    """Return the value along half a cosine from start to end.

    It changes slowly, fast, slowly.
    """
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * fraction))
