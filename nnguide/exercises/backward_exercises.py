"""Exercises: losses and their δ, the way back, the gradient check (steps 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.exercises.exercise import Case, Exercise, Functions, Mistake, call
from nnguide.exercises.forward_exercises import weights

SHAPES = ((4, 3), (3, 3), (5, 1))


def mse_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in (*SHAPES, (1, 2)):
        ŷ, y = random.uniform(0.05, 0.95, shape), random.integers(0, 2, shape).astype(float)
        yield Case("mse", (ŷ, y))
        yield Case("mse_delta", (ŷ, y))


MSE = Exercise(
    "mse",
    "Mean squared error and its δ",
    "4-losses",
    "at the output is simply ŷ − y. A squared error behind a sigmoid multiplies that by ŷ(1 − ŷ),",
    '''
"""The squared error behind a sigmoid, ŷ = g(z) with g'(z) = ŷ (1 - ŷ).

Over the outputs of one example it is added up, over the batch it is averaged.
"""

import numpy as np


def mse(ŷ, y):
    """L = mean over the batch of ½ Σ (ŷ - y)²: ŷ, y (batch, out) -> one number."""
    return 0.5 * ((ŷ - y) ** 2).sum(axis=1).mean()


def mse_delta(ŷ, y):
    """δ = ∂L/∂z, with g' and the mean in it: ŷ, y (batch, out) -> δ (batch, out)."""
    return (ŷ - y) * ŷ * (1 - ŷ) / len(y)
''',
    mse_cases,
    (
        Mistake("the ½ is missing: too large by exactly 2", "0.5 * ", ""),
        Mistake("the mean is missing: too large by exactly n", ".sum(axis=1).mean()", ".sum()"),
        Mistake("the mean is taken over the outputs too", ".sum(axis=1).mean()", ".mean()"),
        Mistake("the square is missing: errors cancel", "((ŷ - y) ** 2)", "(ŷ - y)"),
        Mistake("δ lacks g'(z)", " * ŷ * (1 - ŷ)", ""),
        Mistake("the mean is missing: too large by exactly n", " / len(y)", ""),
        Mistake("the sign is turned round: y - ŷ where ŷ - y belongs", "return (ŷ - y) * ŷ", "return (y - ŷ) * ŷ"),
        Mistake("the mean is taken over the outputs too", " / len(y)", " / y.size"),
        Mistake("the 2 of the square is kept, though the ½ cancels it", "return (ŷ - y) * ŷ", "return 2 * (ŷ - y) * ŷ"),
        Mistake('the absolute value stands where the square belongs', '((ŷ - y) ** 2)', 'np.abs(ŷ - y)'),
        Mistake('the root of the mean is taken: only the mean is wanted', 'return 0.5 * ((ŷ - y) ** 2).sum(axis=1).mean()', 'return np.sqrt(0.5 * ((ŷ - y) ** 2).sum(axis=1).mean())'),
        Mistake('this is binary cross-entropy, not the squared error', '0.5 * ((ŷ - y) ** 2)', '-(y * np.log(ŷ) + (1 - y) * np.log(1 - ŷ))'),
        Mistake("g' is taken at y, not at ŷ", '* ŷ * (1 - ŷ)', '* y * (1 - y)'),
        Mistake("g' is half there: ŷ (1 - ŷ) has two factors", '* ŷ * (1 - ŷ)', '* ŷ'),
        Mistake("g' is half there: ŷ (1 - ŷ) has two factors", '* ŷ * (1 - ŷ)', '* (1 - ŷ)'),
    ),
    (
        "The derivative of ½ u² is u; the ½ is there to cancel the 2.",
        "Chain rule: δ = ∂L/∂ŷ · ∂ŷ/∂z, and the sigmoid's slope is ŷ (1 - ŷ).",
        "The loss is averaged over the batch, so its derivative is divided by n = len(y) too.",
    ),
)  # fmt: skip


def bce_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in ((4, 1), (6, 1), (1, 1)):
        z, y = 2 * random.normal(size=shape), random.integers(0, 2, shape).astype(float)
        yield Case("bce", (z, y))
        yield Case("bce_delta", (z, y))
    far = np.array([[-1000.0], [1000.0], [-40.0], [30.0]])
    for name in ("bce", "bce_delta"):
        yield Case(name, (far.copy(), np.array([[1.0], [0.0], [1.0], [1.0]])), "z = ±1000")


BCE = Exercise(
    "bce",
    "Binary cross-entropy and its δ",
    "4-losses",
    "pays without bound. The logarithm of a sigmoid is worked out on paper, so that even z = −1000 for",
    '''
"""Binary cross-entropy from the sum z, with ŷ = 1 / (1 + e^-z), averaged over the batch.

At z = -1000 and y = 1 the loss is 1000: finite, without a warning.
"""

import numpy as np


def bce(z, y):
    """The mean of -[y log ŷ + (1-y) log(1-ŷ)]: z, y (batch, 1) -> one number."""
    return (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()


def bce_delta(z, y):
    """δ = ∂L/∂z, the mean in it: z, y (batch, 1) -> δ (batch, 1)."""
    e = np.exp(-np.abs(z))
    return (np.where(z >= 0, 1, e) / (1 + e) - y) / len(y)
''',
    bce_cases,
    (
        Mistake("overflows at z = -1000", "(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()", "-(y * np.log(1 / (1 + np.exp(-z))) + (1 - y) * np.log(1 - 1 / (1 + np.exp(-z)))).mean()"),
        Mistake("the loss stops where ŷ is clipped: -1000 must cost 1000", "(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()", "-(y * np.log(np.clip(np.tanh(z / 2) / 2 + 0.5, 1e-7, 1 - 1e-7)) + (1 - y) * np.log(np.clip(0.5 - np.tanh(z / 2) / 2, 1e-7, 1))).mean()"),
        Mistake("the mean is missing: too large by exactly n", ").mean()", ").sum()"),
        Mistake("the sign is turned round: the loss is negative", "return (np.maximum", "return -(np.maximum"),
        Mistake("the half for y = 0 is missing", "(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()", "(y * (np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z))))).mean()"),
        Mistake("the labels are swapped: y where 1 - y belongs", "- y * z", "- (1 - y) * z"),
        Mistake("δ has a factor ŷ (1 - ŷ) that cancels out", "(np.where(z >= 0, 1, e) / (1 + e) - y) / len(y)", "(np.where(z >= 0, 1, e) / (1 + e) - y) * e / (1 + e) ** 2 / len(y)"),
        Mistake("the mean is missing: too large by exactly n", " / len(y)", ""),
        Mistake("overflows at z = -1000", "e = np.exp(-np.abs(z))\n    return (np.where(z >= 0, 1, e) / (1 + e) - y)", "return (1 / (1 + np.exp(-z)) - y)"),
        Mistake("z stands where ŷ belongs", "(np.where(z >= 0, 1, e) / (1 + e) - y)", "(z - y)"),
        Mistake("the sign is turned round: y - ŷ where ŷ - y belongs", "(np.where(z >= 0, 1, e) / (1 + e) - y)", "(y - np.where(z >= 0, 1, e) / (1 + e))"),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log((np.tanh(z / 2) / 2 + 0.5) + 1e-7) + (1 - y) * np.log((0.5 - np.tanh(z / 2) / 2) + 1e-7)).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log((np.tanh(z / 2) / 2 + 0.5) + 1e-8) + (1 - y) * np.log((0.5 - np.tanh(z / 2) / 2) + 1e-8)).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log((np.tanh(z / 2) / 2 + 0.5) + 1e-9) + (1 - y) * np.log((0.5 - np.tanh(z / 2) / 2) + 1e-9)).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log((np.tanh(z / 2) / 2 + 0.5) + 1e-10) + (1 - y) * np.log((0.5 - np.tanh(z / 2) / 2) + 1e-10)).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log((np.tanh(z / 2) / 2 + 0.5) + 1e-12) + (1 - y) * np.log((0.5 - np.tanh(z / 2) / 2) + 1e-12)).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log((np.tanh(z / 2) / 2 + 0.5) + 1e-15) + (1 - y) * np.log((0.5 - np.tanh(z / 2) / 2) + 1e-15)).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log((np.tanh(z / 2) / 2 + 0.5) + 1e-16) + (1 - y) * np.log((0.5 - np.tanh(z / 2) / 2) + 1e-16)).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log(np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-8, 1 - 1e-8)) + (1 - y) * np.log(1 - np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-8, 1 - 1e-8))).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log(np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-9, 1 - 1e-9)) + (1 - y) * np.log(1 - np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-9, 1 - 1e-9))).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log(np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-10, 1 - 1e-10)) + (1 - y) * np.log(1 - np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-10, 1 - 1e-10))).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log(np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-12, 1 - 1e-12)) + (1 - y) * np.log(1 - np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-12, 1 - 1e-12))).mean()'),
        Mistake('the loss stops where ŷ is clipped: -1000 must cost 1000', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log(np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-15, 1 - 1e-15)) + (1 - y) * np.log(1 - np.clip((np.tanh(z / 2) / 2 + 0.5), 1e-15, 1 - 1e-15))).mean()'),
        Mistake('the half for y = 1 is missing', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '((1 - y) * (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))))).mean()'),
        Mistake('this is the squared error, not cross-entropy', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '(0.5 * (np.tanh(z / 2) / 2 + 0.5 - y) ** 2).mean()'),
    ),
    (
        "-log ŷ = log(1 + e^-z). What is -log(1 - ŷ)?",
        "Both together: max(z, 0) - y z + log(1 + e^-|z|), where nothing overflows.",
        "np.log1p(x) is log(1 + x). And δ is (ŷ - y) / n: everything else cancels.",
    ),
)  # fmt: skip


def cce_cases(random: np.random.Generator) -> Iterator[Case]:
    for batch, classes in ((4, 3), (3, 3), (1, 5)):
        z, Y = (
            random.normal(size=(batch, classes)),
            np.eye(classes)[random.integers(0, classes, batch)],
        )
        yield Case("cce", (z, Y))
        yield Case("cce_delta", (z, Y))
    far = np.array([[1000.0, -1000.0, 0.0], [1.0, 2.0, 3.0]])
    for name in ("cce", "cce_delta"):
        yield Case(name, (far.copy(), np.eye(3)[[1, 2]]), "z = ±1000")


CCE = Exercise(
    "cce",
    "Categorical cross-entropy and its δ",
    "4-losses",
    "−Σ y log ŷ for k classes. It is the surprise at the truth: the network that was sure and wrong",
    '''
"""Categorical cross-entropy from the sums z, with ŷ = softmax(z), averaged over the batch.

Y is one-hot. z may be ±1000: finite, without a warning.
"""

import numpy as np


def cce(z, Y):
    """The mean over the batch of -Σ Y log ŷ: z, Y (batch, classes) -> one number."""
    z = z - z.max(axis=1, keepdims=True)
    log_ŷ = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -(Y * log_ŷ).sum(axis=1).mean()


def cce_delta(z, Y):
    """δ = ∂L/∂z, the mean in it: z, Y (batch, classes) -> δ (batch, classes)."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True) - Y) / len(Y)
''',
    cce_cases,
    (
        Mistake("overflows at z = 1000", "z = z - z.max(axis=1, keepdims=True)", "z = 1 * z"),
        Mistake("the logarithm of a ŷ that is rounded to 0", "log_ŷ = z - np.log(np.exp(z).sum(axis=1, keepdims=True))", "log_ŷ = np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))"),
        Mistake("the mean is missing: too large by exactly n", ".sum(axis=1).mean()", ".sum()"),
        Mistake("the mean is taken over the classes too", ".sum(axis=1).mean()", ".mean()"),
        Mistake("the sign is turned round: the loss is negative", "return -(Y", "return (Y"),
        Mistake("the softmax is missing: z stands where log ŷ belongs", "log_ŷ = z - np.log(np.exp(z).sum(axis=1, keepdims=True))", "log_ŷ = z"),
        Mistake("the mean is missing: too large by exactly n", " / len(Y)", ""),
        Mistake("overflows at z = 1000", "np.exp(z - z.max(axis=1, keepdims=True))", "np.exp(z)"),
        Mistake("the sign is turned round: Y - ŷ where ŷ - Y belongs", "(e / e.sum(axis=1, keepdims=True) - Y)", "(Y - e / e.sum(axis=1, keepdims=True))"),
        Mistake("the mean is taken over the classes too", " / len(Y)", " / Y.size"),
        Mistake("the softmax adds up over the batch", "e.sum(axis=1, keepdims=True)", "e.sum(axis=0)"),
        Mistake('only the true class gets a δ: the others are pushed down too', '(e / e.sum(axis=1, keepdims=True) - Y)', 'Y * (e / e.sum(axis=1, keepdims=True) - Y)'),
        Mistake('δ has a factor ŷ (1 - ŷ) that cancels out', '(e / e.sum(axis=1, keepdims=True) - Y)', '(e / e.sum(axis=1, keepdims=True)) * (1 - e / e.sum(axis=1, keepdims=True)) * (e / e.sum(axis=1, keepdims=True) - Y)'),
        Mistake("δ is -Y / ŷ: that is ∂L/∂ŷ, and the softmax's slope is missing", '(e / e.sum(axis=1, keepdims=True) - Y)', '-Y / np.maximum(e / e.sum(axis=1, keepdims=True), 1e-300)'),
        Mistake('z stands where ŷ belongs', '(e / e.sum(axis=1, keepdims=True) - Y)', '(z - Y)'),
        Mistake('the other classes count too, as in binary cross-entropy', '-(Y * log_ŷ)', '-(Y * log_ŷ + (1 - Y) * np.log(np.maximum(1 - np.exp(log_ŷ), 1e-300)))'),
        Mistake('the loss stops where ŷ is clipped: z = -1000 must cost its full price', '(Y * log_ŷ)', '(Y * np.log(np.exp(log_ŷ) + 1e-7))'),
        Mistake('the loss stops where ŷ is clipped: z = -1000 must cost its full price', '(Y * log_ŷ)', '(Y * np.log(np.exp(log_ŷ) + 1e-8))'),
        Mistake('the loss stops where ŷ is clipped: z = -1000 must cost its full price', '(Y * log_ŷ)', '(Y * np.log(np.exp(log_ŷ) + 1e-9))'),
        Mistake('the loss stops where ŷ is clipped: z = -1000 must cost its full price', '(Y * log_ŷ)', '(Y * np.log(np.exp(log_ŷ) + 1e-10))'),
        Mistake('the loss stops where ŷ is clipped: z = -1000 must cost its full price', '(Y * log_ŷ)', '(Y * np.log(np.exp(log_ŷ) + 1e-12))'),
        Mistake('the loss stops where ŷ is clipped: z = -1000 must cost its full price', '(Y * log_ŷ)', '(Y * np.log(np.exp(log_ŷ) + 1e-15))'),
    ),
    (
        "log softmax(z) = z - log Σ e^z: the logarithm never meets a ŷ that is 0.",
        "Take the largest z of each row away first; it changes no ŷ.",
        "δ is (ŷ - Y) / n: the slopes of the logarithm and of the softmax cancel.",
    ),
)  # fmt: skip


def back_cases(random: np.random.Generator) -> Iterator[Case]:
    for batch, inside, outside in ((4, 3, 2), (3, 3, 3), (1, 2, 5), (6, 1, 1)):
        z = random.normal(size=(batch, inside))
        W = random.normal(size=(inside, outside))
        yield Case("layer_back", (random.normal(size=(batch, outside)), z, W))


LAYER_BACK = Exercise(
    "layer_back",
    "Back through one layer",
    "5-backpropagation",
    "error goes back through the weights that the signal came through, δ[l−1] = (δ[l] W[l]ᵀ) g'(z[l−1]),",
    '''
"""The way back through one layer whose input was a = ReLU(z_before).

δ already holds the mean over the batch, so that sums over the batch are all that is left.
"""

import numpy as np


def layer_back(δ, z_before, W):
    """δ (batch, out), z_before (batch, in), W (in, out) -> ∂L/∂W (in, out), ∂L/∂b (out,), δ_before (batch, in)."""
    a = np.maximum(z_before, 0)
    dW = a.T @ δ
    db = δ.sum(axis=0)
    δ_before = (δ @ W.T) * (z_before > 0)
    return dW, db, δ_before
''',
    back_cases,
    (
        Mistake("δ of the layer before lacks g'(z)", " * (z_before > 0)", ""),
        Mistake("W where Wᵀ belongs", "δ @ W.T", "δ @ W"),
        Mistake("z stands where the activation a belongs in ∂L/∂W", "a = np.maximum(z_before, 0)", "a = z_before"),
        Mistake("∂L/∂W is transposed: δᵀ a where aᵀ δ belongs", "a.T @ δ", "δ.T @ a"),
        Mistake("∂L/∂b is averaged, though δ already holds the mean", "δ.sum(axis=0)", "δ.mean(axis=0)"),
        Mistake("∂L/∂b is not added up over the batch", "δ.sum(axis=0)", "δ.copy()"),
        Mistake("∂L/∂b is added up over the units, not over the batch", "δ.sum(axis=0)", "δ.sum(axis=1)"),
        Mistake("∂L/∂W is averaged, though δ already holds the mean", "a.T @ δ", "a.T @ δ / len(a)"),
        Mistake("ReLU's value stands where its slope belongs", "(z_before > 0)", "np.maximum(z_before, 0)"),
        Mistake("∂L/∂W has g'(z) of the layer before in it", "a.T @ δ", "(a * (z_before > 0) * z_before).T @ δ"),
        Mistake("the slope of the sigmoid stands where ReLU's belongs", ' * (z_before > 0)', ' * (1 - np.tanh(z_before / 2) ** 2) / 4'),
        Mistake("the slope of tanh stands where ReLU's belongs", ' * (z_before > 0)', ' * (1 - np.tanh(z_before) ** 2)'),
        Mistake('the slope is turned round: 1 where z < 0', ' * (z_before > 0)', ' * (z_before < 0)'),
        Mistake("the sign of z stands where ReLU's slope belongs", ' * (z_before > 0)', ' * np.sign(z_before)'),
        Mistake('∂L/∂b is averaged and ∂L/∂W too, though δ already holds the mean', 'dW = a.T @ δ\n    db = δ.sum(axis=0)', 'dW = a.T @ δ / len(δ)\n    db = δ.mean(axis=0)'),
    ),
    (
        "A weight's share is what came in through it: ∂L/∂W = aᵀ δ, and the shapes must fit.",
        "The error goes back through the same weights: δ Wᵀ, (batch, out) (out, in).",
        "Then it passes ReLU: times 1 where z_before > 0, times 0 elsewhere.",
    ),
)  # fmt: skip


def network_back_cases(random: np.random.Generator) -> Iterator[Case]:
    for batch, *sizes in ((4, 3, 2), (3, 3, 3, 3), (1, 2, 5, 1), (5, 4, 3, 2, 3)):
        made = weights(random, *sizes)
        activations = [random.normal(size=(batch, sizes[0]))]
        for W, b in zip(made[::2], made[1::2], strict=True):
            activations.append(np.maximum(activations[-1] @ W + b, 0))
        δ = random.normal(size=(batch, sizes[-1])) / batch
        yield Case("backward", (activations, made, δ))


BACKWARD = Exercise(
    "backward",
    "Back through a network",
    "5-backpropagation",
    "How does the loss change when one weight changes? The chain rule answers factor by factor. For",
    '''
"""The way back through a network: the gradients of all weights, from the last layer to the first.

activations is what forward gave, [X, a1, …, z_last]; the hidden layers are ReLU. δ is ∂L/∂z_last.
"""

import numpy as np


def backward(activations, weights, δ):
    """weights [W1, b1, …], δ (batch, out) -> [∂L/∂W1, ∂L/∂b1, …], each of its weight's shape."""
    gradients = []
    for l in range(len(weights) // 2 - 1, -1, -1):
        a = activations[l]
        gradients = [a.T @ δ, δ.sum(axis=0), *gradients]
        δ = (δ @ weights[2 * l].T) * (a > 0)
    return gradients
''',
    network_back_cases,
    (
        Mistake("∂L/∂W of the layers before lacks g'(z)", " * (a > 0)", ""),
        Mistake("the gradients are in the wrong order: last layer first", "gradients = [a.T @ δ, δ.sum(axis=0), *gradients]", "gradients = [*gradients, a.T @ δ, δ.sum(axis=0)]"),
        Mistake("W where Wᵀ belongs", "weights[2 * l].T", "weights[2 * l]"),
        Mistake("the mean is taken twice: δ already holds it", "[a.T @ δ, δ.sum(axis=0)", "[a.T @ δ / len(a), δ.sum(axis=0) / len(a)"),
        Mistake("the output of the layer stands where its input belongs", "a.T @ δ", "activations[l + 1].T @ δ"),
        Mistake("the bias's gradient is averaged, its weight's is not", "δ.sum(axis=0)", "δ.mean(axis=0)"),
        Mistake("the slope is taken at the wrong layer's activation", "(a > 0)", "(activations[0][:, :1] > 0)"),
        Mistake("ReLU's value stands where its slope belongs", "(a > 0)", "a"),
        Mistake("δ never goes back: each layer has the last layer's δ", "        δ = (δ @ weights[2 * l].T) * (a > 0)\n", ""),
        Mistake("the slope is taken at the layer's output: δ of the last layer has none", 'gradients = [a.T @ δ, δ.sum(axis=0), *gradients]\n        δ = (δ @ weights[2 * l].T) * (a > 0)', 'δ = δ * (activations[l + 1] > 0)\n        gradients = [a.T @ δ, δ.sum(axis=0), *gradients]\n        δ = δ @ weights[2 * l].T'),
        Mistake("the slope of the sigmoid stands where ReLU's belongs", '(a > 0)', 'a * (1 - a)'),
        Mistake("the slope of tanh stands where ReLU's belongs", '(a > 0)', '(1 - a**2)'),
        Mistake("the biases' gradients are missing", '[a.T @ δ, δ.sum(axis=0), *gradients]', '[a.T @ δ, *gradients]'),
        Mistake('weight and bias are in the wrong order in each pair', '[a.T @ δ, δ.sum(axis=0), *gradients]', '[δ.sum(axis=0), a.T @ δ, *gradients]'),
    ),
    (
        "It is the exercise layer_back once for each layer, from the last to the first.",
        "Layer l has the input activations[l]; ReLU's slope there is activations[l] > 0.",
        "Put each new pair in front of the list: the loop runs backwards, the list does not.",
    ),
)  # fmt: skip


def check_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in ((3,), (2, 3), (1, 1)):
        c = random.normal(size=shape)
        yield Case(
            "numerical_gradient",
            (lambda θ, c=c: float((c * np.exp(θ)).sum()), random.normal(size=shape), 1e-2),
        )
    yield Case(
        "numerical_gradient", (lambda θ: float(θ[0] ** 3 * θ[1]), np.array([1.5, -2.0]), 0.1)
    )


def use_check(functions: Functions, case: Case) -> Any:
    """The gradient, and whether θ is as it was."""
    θ = case.args[1]
    before = θ.copy()
    gradient = call(functions, case)
    return gradient, np.array(θ, copy=True) - before


GRADIENT_CHECK = Exercise(
    "gradient_check",
    "Central differences",
    "5-backpropagation",
    "Derivatives are easy to get almost right, so they are checked: every activation with every loss,",
    '''
"""The gradient by trying it out: move one entry of θ up and down by h, and see what f does.

(f(θ + h) - f(θ - h)) / 2h for each entry by itself. θ is as before at the end.
"""

import numpy as np


def numerical_gradient(f, θ, h):
    """f (θ -> a number), θ any shape, h a small number -> the gradient, of θ's shape."""
    gradient = np.zeros(θ.shape)
    for i in np.ndindex(θ.shape):
        middle = θ[i]
        θ[i] = middle + h
        up = f(θ)
        θ[i] = middle - h
        down = f(θ)
        θ[i] = middle
        gradient[i] = (up - down) / (2 * h)
    return gradient
''',
    check_cases,
    (
        Mistake("a one-sided difference: f(θ + h) - f(θ), not f(θ - h)", "(up - down) / (2 * h)", "(up - f(θ)) / h"),
        Mistake("divided by h where 2h belongs: too large by exactly 2", "(2 * h)", "h"),
        Mistake("θ is not put back after each entry", "        θ[i] = middle\n", ""),
        Mistake("all entries are moved at once", "        θ[i] = middle + h\n        up = f(θ)\n        θ[i] = middle - h\n        down = f(θ)\n        θ[i] = middle\n", "        up, down = f(θ + h), f(θ - h)\n"),
        Mistake("the sign is turned round: down - up", "(up - down)", "(down - up)"),
        Mistake("divided by 2 alone: h is missing", "(2 * h)", "2"),
        Mistake("moved down from where it was moved up: the steps are h and 0", "θ[i] = middle - h", "θ[i] = θ[i] - h"),
    ),
    (
        "One entry at a time: np.ndindex(θ.shape) gives every index of any shape.",
        "Remember the entry, set it to middle + h, ask f; then middle - h, ask f; put it back.",
        "Two steps of h lie between the two answers: divide by 2h.",
    ),
    use=use_check,
    in_place=True,
)  # fmt: skip

EXERCISES = (MSE, BCE, CCE, LAYER_BACK, BACKWARD, GRADIENT_CHECK)
