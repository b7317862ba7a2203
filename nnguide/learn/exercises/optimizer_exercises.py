"""Exercises on gradient descent, momentum and Adam (step 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Functions, Mistake

SHAPES = ((3,), (2, 3), (1, 1))


def sgd_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        yield Case("sgd", (random.normal(size=shape), random.normal(size=shape), 0.3))


SGD = Exercise(
    "sgd",
    "A step of gradient descent",
    "6-gradient-descent",
    "The slope points uphill, so a step goes the other way: W := W − α ∂L/∂W. The learning rate α "
    "is",
    '''
"""One step downhill. It may change θ in place; in either case it returns the new θ."""

import numpy as np


def sgd(θ, g, α):
    """θ and its gradient g, of one shape, the learning rate α -> the new θ."""
    return θ - α * g
''',
    sgd_cases,
    (
        Mistake("uphill: θ + α g where θ - α g belongs", "θ - α", "θ + α"),
        Mistake("the learning rate α is missing", "α * g", "g"),
        Mistake("only the step is returned, not the new θ", "θ - α * g", "-α * g"),
        Mistake("divided by α, not multiplied", "α * g", "g / α"),
        Mistake("only the sign of the gradient is used", "α * g", "α * np.sign(g)"),
        Mistake("θ is shrunk: α multiplies θ too", "θ - α * g", "α * (θ - g)"),
        Mistake("θ is multiplied by the step: θ (1 - α g)", "θ - α * g", "θ * (1 - α * g)"),
        Mistake("the gradient is squared", "α * g", "α * g * g"),
        Mistake("g - α θ: θ and g are swapped", "θ - α * g", "g - α * θ"),
        Mistake(
            "the gradient is scaled to the length 1 first", "α * g", "α * g / np.linalg.norm(g)"
        ),
        Mistake("α is applied twice", "α * g", "α * α * g"),
        Mistake("α is subtracted from the gradient, not multiplied", "α * g", "(g - α)"),
    ),
    (
        "The gradient points to where the loss grows.",
        "The learning rate α says how far to go: the step is α g.",
        "θ - α g.",
    ),
    in_place=True,
)


def momentum_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        θ, v, g = (random.normal(size=shape) for _ in range(3))
        yield Case("momentum", (θ, v, g, 0.3, 0.8))


MOMENTUM = Exercise(
    "momentum",
    "Momentum",
    "6-gradient-descent",
    "**Momentum** keeps a velocity, so that steps in one direction add up and steps to and fro "
    "cancel;",
    '''
"""A ball that rolls: v := μ v + g, then θ := θ - α v with the new v. In place or not."""

import numpy as np


def momentum(θ, v, g, α, μ):
    """θ, velocity v, gradient g, of one shape; rate α, momentum μ -> the new θ, the new v."""
    v = μ * v + g
    return θ - α * v, v
''',
    momentum_cases,
    (
        Mistake("the step is made with the old velocity", "v = μ * v + g\n    return θ - α * v, v", "return θ - α * v, μ * v + g"),
        Mistake("g is weighed by 1 - μ: this is a moving average", "μ * v + g", "μ * v + (1 - μ) * g"),
        Mistake("μ is missing: the velocity never fades", "μ * v + g", "v + g"),
        Mistake("the velocity is forgotten: this is plain gradient descent", "μ * v + g", "g.copy()"),
        Mistake("θ and v are in the wrong order", "θ - α * v, v", "v, θ - α * v"),
        Mistake("uphill: θ + α v where θ - α v belongs", "θ - α", "θ + α"),
        Mistake("the learning rate α is missing", "α * v", "v"),
        Mistake("μ multiplies the gradient, not the velocity", "μ * v + g", "v + μ * g"),
        Mistake('α is in the velocity: v := μ v + α g', 'v = μ * v + g\n    return θ - α * v, v', 'v = μ * v + α * g\n    return θ - v, v'),
        Mistake('α is in the velocity, and in the step again', 'v = μ * v + g\n    return θ - α * v, v', 'v = μ * v + α * g\n    return θ - α * v, v'),
        Mistake('the velocity has the opposite sign: v := μ v - g', 'v = μ * v + g\n    return θ - α * v, v', 'v = μ * v - g\n    return θ + α * v, v'),
        Mistake('the velocity has the opposite sign and holds α: v := μ v - α g', 'v = μ * v + g\n    return θ - α * v, v', 'v = μ * v - α * g\n    return θ + v, v'),
        Mistake("looks ahead: this is Nesterov's momentum", 'v = μ * v + g\n    return θ - α * v, v', 'v = μ * v + g\n    return θ - α * (g + μ * v), v'),
        Mistake('the velocity is added to g, and is not kept', 'v = μ * v + g\n    return θ - α * v, v', 'return θ - α * (μ * v + g), v'),
        Mistake('μ multiplies the step, not the velocity', 'v = μ * v + g\n    return θ - α * v, v', 'v = v + g\n    return θ - α * μ * v, v'),
    ),
    (
        "Two lines: first the velocity, then the step.",
        "The old velocity fades to μ v, and the gradient is added whole.",
        "v = μ v + g; θ = θ - α v; return both.",
    ),
    in_place=True,
)  # fmt: skip


def adam_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        gradients = [random.normal(size=shape) * 10.0**k for k in (0, -1, 0, 1, 0)]
        yield Case("Adam", (random.normal(size=shape), gradients, 0.1))
    gradients = [np.array([1e-8, -3e-8, 2e-9])] * 3
    yield Case("Adam", (np.zeros(3), gradients, 0.1), "gradients of 1e-8")


def use_adam(functions: Functions, case: Case) -> Any:
    """Return θ after each of some steps."""
    θ, gradients, α = case.args
    optimizer = functions["Adam"](θ)
    path = []
    for g in gradients:
        θ = optimizer.step(θ, g, α)
        path.append(np.array(θ, copy=True))
    return tuple(path)


ADAM = Exercise(
    "adam",
    "Adam",
    "6-gradient-descent",
    "**Adam** divides it by the recent size of each gradient, so that every weight moves by about "
    "the",
    '''
"""Adam (Kingma & Ba 2015) with β₁ = 0.9, β₂ = 0.999, ε = 1e-8.

m := β₁ m + (1 - β₁) g, v := β₂ v + (1 - β₂) g²; both began at 0, so step t = 1, 2, … takes
m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ), and θ := θ - α m̂ / (√v̂ + ε).
"""

import numpy as np


class Adam:
    def __init__(self, θ):
        """θ of any shape: set m and v to 0, of θ's shape, and t to 0."""
        self.m = np.zeros_like(θ)
        self.v = np.zeros_like(θ)
        self.t = 0

    def step(self, θ, g, α):
        """θ, its gradient g, the learning rate α -> the new θ (in place or not)."""
        self.t += 1
        self.m += 0.1 * (g - self.m)
        self.v += 0.001 * (g**2 - self.v)
        m̂ = self.m / (1 - 0.9**self.t)
        v̂ = self.v / (1 - 0.999**self.t)
        return θ - α * m̂ / (np.sqrt(v̂) + 1e-8)
''',
    adam_cases,
    (
        Mistake("Adam without bias correction", "m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)", "m̂, v̂ = self.m, self.v"),
        Mistake("m has no bias correction", " / (1 - 0.9**self.t)", ""),
        Mistake("v has no bias correction", " / (1 - 0.999**self.t)", ""),
        Mistake("the square root of v is missing", "np.sqrt(v̂)", "v̂"),
        Mistake("v adds up g, not g²", "g**2", "abs(g)"),
        Mistake("m and v are views of the same array twice", "self.m = np.zeros_like(θ)\n        self.v = np.zeros_like(θ)", "self.m = self.v = np.zeros_like(θ)"),
        Mistake("t never grows: every step is corrected as the first", "self.t += 1", "self.t = 1"),
        Mistake("ε is inside the square root", "(np.sqrt(v̂) + 1e-8)", "np.sqrt(v̂ + 1e-8)"),
        Mistake("uphill: θ + α m̂ where θ - α m̂ belongs", "θ - α", "θ + α"),
        Mistake("m is lost: g stands in its place", "m̂ = self.m / (1 - 0.9**self.t)", "m̂ = g"),
        Mistake("β₁ and β₂ are swapped", "self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)", "self.m += 0.001 * (g - self.m)\n        self.v += 0.1 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.999**self.t)\n        v̂ = self.v / (1 - 0.9**self.t)"),
        Mistake('t is 0 in the first step: the correction divides by 0', 'self.t += 1\n        self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)\n', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)\n        self.t += 1\n'),
        Mistake('m and v are forgotten after each step', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)', 'self.m = 0.1 * g\n        self.v = 0.001 * g**2'),
        Mistake('the squares are not remembered: v is g² alone', 'self.v += 0.001 * (g**2 - self.v)', 'self.v = 0.001 * g**2'),
        Mistake('β₂ is 0.99, not 0.999', '0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)', '0.01 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.99**self.t)'),
        Mistake('v adds up m², not g²', '(g**2 - self.v)', '(self.m**2 - self.v)'),
        Mistake('the corrected m and v are kept, and corrected again', 'm̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)', 'm̂ = self.m = self.m / (1 - 0.9**self.t)\n        v̂ = self.v = self.v / (1 - 0.999**self.t)'),
        Mistake('the gradient is added whole: the factors 1 - β are missing', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)', 'self.m = 0.9 * self.m + g\n        self.v = 0.999 * self.v + g**2'),
        Mistake('β₁ is 0.99, not 0.9', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)', 'self.m += 0.01 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.99**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)'),
        Mistake('β₁ is 0.95, not 0.9', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)', 'self.m += 0.05 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.95**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)'),
        Mistake('β₂ is 0.9, as β₁', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.1 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.9**self.t)'),
        Mistake('β₂ is 0.99, not 0.999', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.001 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.999**self.t)', 'self.m += 0.1 * (g - self.m)\n        self.v += 0.01 * (g**2 - self.v)\n        m̂ = self.m / (1 - 0.9**self.t)\n        v̂ = self.v / (1 - 0.99**self.t)'),
        Mistake('t counts two for each step', 'self.t += 1', 'self.t += 2'),
    ),
    (
        "Five lines: t, m, v, the two corrections, the step. Keep m, v and t in self.",
        "g² is element by element; t is 1 in the first step, or the corrections divide by 0.",
        "m̂ = m / (1 - 0.9**t), v̂ = v / (1 - 0.999**t), θ - α m̂ / (np.sqrt(v̂) + 1e-8).",
    ),
    use=use_adam,
    in_place=True,
)  # fmt: skip

EXERCISES = (SGD, MOMENTUM, ADAM)
