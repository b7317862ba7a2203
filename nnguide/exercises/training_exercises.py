"""Exercises: optimizers, mini-batches, schedules, initial weights (steps 6 and 9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.exercises.exercise import Case, Exercise, Functions, Mistake

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
    """θ after each of some steps."""
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
    ),
    (
        "Five lines: t, m, v, the two corrections, the step. Keep m, v and t in self.",
        "g² is element by element; t is 1 in the first step, or the corrections divide by 0.",
        "m̂ = m / (1 - 0.9**t), v̂ = v / (1 - 0.999**t), θ - α m̂ / (np.sqrt(v̂) + 1e-8).",
    ),
    use=use_adam,
    in_place=True,
)  # fmt: skip


def batch_cases(random: np.random.Generator) -> Iterator[Case]:
    for n, size in ((40, 8), (60, 60)):
        yield Case("minibatches", (n, size))
    yield Case("minibatches", (50, 8), "a last batch that is shorter")


def use_batches(functions: Functions, case: Case) -> Any:
    """What must hold of an epoch, whatever the order is."""
    n, size = case.args
    ids = np.arange(n)
    inputs, labels = ids[:, None] * [1.0, 2.0], ids * 3
    random, again = np.random.default_rng(5), np.random.default_rng(5)
    epochs = [
        [(np.array(X), np.array(y)) for X, y in functions["minibatches"](inputs, labels, size, one)]
        for one in (random, random, again)
    ]
    whole = np.array_equal(inputs[:, 0], ids) and np.array_equal(labels, ids * 3)
    seen = [np.concatenate([np.asarray(X)[:, 0] for X, _ in epoch]) for epoch in epochs]
    paired = all(np.array_equal(np.asarray(X)[:, 0] * 3, y) for e in epochs for X, y in e)
    return (
        np.array([len(X) for X, _ in epochs[0]]),
        f"all seen: {set(seen[0]) == set(ids)}",
        f"none twice: {len(set(seen[0])) == len(seen[0])}",
        f"X and y belong together: {paired}",
        f"in random order: {not np.array_equal(seen[0], np.sort(seen[0]))}",
        f"another order in the next epoch: {not np.array_equal(seen[0], seen[1])}",
        f"the same generator, the same order: {np.array_equal(seen[0], seen[2])}",
        f"X and y are left as they are: {whole}",
    )


MINIBATCHES = Exercise(
    "minibatches",
    "Mini-batches",
    "6-gradient-descent",
    "every example seen once.",
    '''
"""One epoch: every example once, in random order, X and y together; the last batch may be shorter."""

import numpy as np


def minibatches(X, y, size, random):
    """X (n, in), y (n,), size of a batch, random a np.random.Generator -> a list of (X_part, y_part)."""
    order = random.permutation(len(X))
    batches = []
    for start in range(0, len(X), size):
        rows = order[start : start + size]
        batches.append((X[rows], y[rows]))
    return batches
''',
    batch_cases,
    (
        Mistake("the last, shorter batch is dropped", "range(0, len(X), size)", "range(0, len(X) - size + 1, size)"),
        Mistake("X and y are shuffled apart: the labels no longer belong", "(X[rows], y[rows])", "(X[rows], y[random.permutation(len(y))[: len(rows)]])"),
        Mistake("X and y are shuffled apart: the labels no longer belong", "(X[rows], y[rows])", "(X[rows], y[start : start + size])"),
        Mistake("the order is never shuffled", "random.permutation(len(X))", "np.arange(len(X))"),
        Mistake("drawn with repetition: some examples twice, others never", "random.permutation(len(X))", "random.integers(0, len(X), len(X))"),
        Mistake("the same order in each epoch: use the generator `random`", "random.permutation(len(X))", "np.random.default_rng(0).permutation(len(X))"),
        Mistake("one example too few in each batch", "start + size]", "start + size - 1]"),
        Mistake("the batches overlap: the start moves by 1, not by the size", "range(0, len(X), size)", "range(0, len(X))"),
        Mistake("NumPy's own randomness is used, not the generator `random`", 'random.permutation(len(X))', 'np.random.permutation(len(X))'),
        Mistake('X and y themselves are shuffled: the caller still needs their order', 'order = random.permutation(len(X))', 'order = random.permutation(len(X))\n    X[:], y[:] = X[order], y[order]\n    order = np.arange(len(X))'),
        Mistake('only the first batch is returned', 'batches.append((X[rows], y[rows]))', 'batches.append((X[rows], y[rows]))\n        break'),
        Mistake('`size` is taken for the number of batches', '    batches = []\n', '    batches, size = [], -(-len(X) // size)\n'),
    ),
    (
        "Shuffle the row numbers once, and use the same row numbers for X and y.",
        "random.permutation(len(X)) gives the order; take `size` of it at a time.",
        "A slice that goes past the end is simply shorter: the last batch needs nothing special.",
    ),
    use=use_batches,
)  # fmt: skip


def schedule_cases(random: np.random.Generator) -> Iterator[Case]:
    for step, steps in ((0, 10), (5, 10), (9, 10), (1, 7), (33, 90)):
        highest = float(random.uniform(0.1, 2))
        for name in ("cosine", "step_decay"):
            yield Case(name, (highest, step, steps))
    for step, steps in ((29, 90), (30, 90), (59, 90), (60, 90), (3, 10), (6, 10)):
        yield Case("step_decay", (1.0, step, steps), "the ends of a third")


SCHEDULE = Exercise(
    "schedule",
    "Learning-rate schedules",
    "6-gradient-descent",
    "**Schedules.** Large steps early and small ones late: step, exponential and cosine decay, and",
    '''
"""The learning rate at update number `step` in [0, steps); s = step / steps is how much is over."""

import math


def cosine(highest, step, steps):
    """highest · ½ (1 + cos π s): from highest at the start down towards 0 -> a number."""
    return highest * 0.5 * (1 + math.cos(math.pi * step / steps))


def step_decay(highest, step, steps):
    """highest, a tenth of it after a third, a hundredth after two thirds -> a number."""
    return highest * 0.1 ** (3 * step // steps)
''',
    schedule_cases,
    (
        Mistake("π is missing: the rate stops near three quarters", "math.pi * step", "step"),
        Mistake("2π stands where π belongs: the rate rises again", "math.pi * step", "2 * math.pi * step"),
        Mistake("the ½ is missing: too large by exactly 2", "0.5 * (1 + math", "(1 + math"),
        Mistake("upwards: 1 - cos where 1 + cos belongs", "1 + math.cos", "1 - math.cos"),
        Mistake("degrees stand where radians belong", "math.pi * step", "180 * step"),
        Mistake("the rate is negative in the second half: 1 + is missing", "0.5 * (1 + math.cos(math.pi * step / steps))", "math.cos(math.pi * step / steps)"),
        Mistake("no steps: the rate falls evenly", "(3 * step // steps)", "(3 * step / steps)"),
        Mistake("a tenth after each half, not after each third", "3 * step // steps", "2 * step // steps"),
        Mistake("a tenth from the start on", "(3 * step // steps)", "(3 * step // steps + 1)"),
        Mistake("halved, not divided by ten", "0.1 **", "0.5 **"),
        Mistake('step // steps is 0: a whole-number division', 'math.pi * step / steps', 'math.pi * (step // steps)'),
        Mistake('a sine stands where the cosine belongs', 'math.cos', 'math.sin'),
        Mistake('a tenth is taken away, not divided by ten', '0.1 ** (3 * step // steps)', '(1 - 0.1 * (3 * step // steps))'),
        Mistake('a third is left, not a tenth', '0.1 **', '(1 / 3) **'),
        Mistake('the ends of the thirds are one step late: < and <= are swapped', '3 * step // steps', 'max(0, -(-3 * step // steps) - 1)'),
        Mistake('the thirds are rounded down to whole steps', 'highest * 0.1 ** (3 * step // steps)', 'highest * (1 if step < steps // 3 else 0.1 if step < 2 * steps // 3 else 0.01)'),
    ),
    (
        "First s = step / steps, from 0 to just below 1.",
        "cos goes from 1 at 0 to -1 at π; ½ (1 + cos) goes from 1 to 0.",
        "How many whole thirds are over? 3 * step // steps: 0, 1 or 2.",
    ),
)  # fmt: skip


def initial_cases(random: np.random.Generator) -> Iterator[Case]:
    yield Case("initialise", ([200, 100, 100, 100],))
    yield Case("initialise", ([90, 360, 250],))
    yield Case("initialise", ([300, 120],), "one layer")


def use_initial(functions: Functions, case: Case) -> Any:
    """Shapes, size, mean and independence of the weights; which numbers they are is free."""
    (sizes,) = case.args
    made, again, other = (
        [
            np.asarray(w, float)
            for w in functions["initialise"](list(sizes), np.random.default_rng(s))
        ]
        for s in (1, 1, 2)
    )
    spread, means = [], []
    for W in made[::2]:
        std = float(W.std())
        spread.append(round(10 * std / np.sqrt(2 / W.shape[0])) / 10)
        means.append(round(5 * float(W.mean()) / (std or 1)) / 5)
    same = len(made) > 4 and np.array_equal(made[2], made[4])
    return (
        f"shapes: {[w.shape for w in made]}",
        f"standard deviation over √(2 / in): {spread}",
        f"mean over standard deviation: {[mean + 0.0 for mean in means]}",
        f"biases are 0: {all(not b.any() for b in made[1::2])}",
        f"two layers are equal: {same}",
        f"the same seed, the same weights: {all(map(np.array_equal, made, again))}",
        f"another seed, other weights: {not np.array_equal(made[0], other[0])}",
    )


INITIALISE = Exercise(
    "initialise",
    "Initial weights",
    "7-from-scratch",
    "self.W[l] = random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))  # He et al.",
    '''
"""He's initial weights for ReLU: normal with mean 0 and standard deviation √(2 / in); biases 0.

All randomness comes from the generator, so that a seed repeats it.
"""

import numpy as np


def initialise(sizes, random):
    """sizes [in, hidden, …, out], random a np.random.Generator -> [W1 (in, hidden), b1 (hidden,), …]."""
    weights = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        weights.append(random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)))
        weights.append(np.zeros(fan_out))
    return weights
''',
    initial_cases,
    (
        Mistake("all weights are 0: every unit learns the same", "random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))", "np.zeros((fan_in, fan_out))"),
        Mistake("the square root is missing: the variance is used where the standard deviation belongs", "np.sqrt(2 / fan_in)", "2 / fan_in"),
        Mistake("the number of outputs stands where the number of inputs belongs", "2 / fan_in)", "2 / fan_out)"),
        Mistake("1 / in stands where 2 / in belongs: that suits tanh, not ReLU", "2 / fan_in)", "1 / fan_in)"),
        Mistake("not scaled by the number of inputs", "np.sqrt(2 / fan_in)", "1"),
        Mistake("all weights are positive", "random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))", "random.random((fan_in, fan_out))"),
        Mistake("W is (out, in) where (in, out) belongs", "(fan_in, fan_out))", "(fan_out, fan_in))"),
        Mistake("the biases are not 0", "np.zeros(fan_out)", "random.normal(size=fan_out)"),
        Mistake("not from the generator: a seed does not repeat it", "random.normal(0, np.sqrt", "np.random.normal(0, np.sqrt"),
        Mistake("each layer begins the same random numbers again", "random.normal(0, np.sqrt", "np.random.default_rng(1).normal(0, np.sqrt"),
        Mistake("the biases are missing from the list", "        weights.append(np.zeros(fan_out))\n", ""),
        Mistake("√(2 / (in + out)) is Glorot's, for tanh: He's is √(2 / in)", '2 / fan_in)', '2 / (fan_in + fan_out))'),
        Mistake('uniform between ±√(2 / in): the standard deviation is too small by √3', 'random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))', 'random.uniform(-np.sqrt(2 / fan_in), np.sqrt(2 / fan_in), (fan_in, fan_out))'),
        Mistake('all weights are positive', 'random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))', 'random.random((fan_in, fan_out)) * np.sqrt(2 / fan_in)'),
        Mistake('the seed is fixed inside: use the generator `random`', 'weights = []', 'weights, random = [], np.random.default_rng(0)'),
        Mistake('all weights of a layer are equal: every unit learns the same', 'random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))', 'np.full((fan_in, fan_out), np.sqrt(2 / fan_in))'),
    ),
    (
        "A sum of many inputs grows with their number: the weights must be the smaller.",
        "ReLU silences half of the signal, which is why the variance is 2 / in and not 1 / in.",
        "random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)), then np.zeros(fan_out).",
    ),
    use=use_initial,
)  # fmt: skip

EXERCISES = (SGD, MOMENTUM, ADAM, MINIBATCHES, SCHEDULE, INITIALISE)
