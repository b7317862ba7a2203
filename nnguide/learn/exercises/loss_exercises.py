"""Exercises on losses and their δ (step 4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Mistake

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
        Mistake('z stands where ŷ belongs: the sigmoid is missing', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log(z) + (1 - y) * np.log(1 - z)).mean()'),
        Mistake('z stands where ŷ belongs: the sigmoid is missing', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '-(y * np.log(np.abs(z)) + (1 - y) * np.log(np.abs(1 - z))).mean()'),
        Mistake('a logarithm to the base 2 stands where the natural one belongs', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean() / np.log(2)'),
        Mistake('y (1 - ŷ) is charged, not its logarithm', '(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean()', '(y * (0.5 - np.tanh(z / 2) / 2) + (1 - y) * (np.tanh(z / 2) / 2 + 0.5)).mean()'),
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
        Mistake('Y is not used: all classes are charged, not the true one', '(Y * log_ŷ)', 'log_ŷ'),
        Mistake('a logarithm to the base 2 stands where the natural one belongs', '-(Y * log_ŷ)', '-(Y * log_ŷ) / np.log(2)'),
        Mistake('the probability is charged, not its logarithm', '(Y * log_ŷ)', '(Y * np.exp(log_ŷ))'),
        Mistake('the largest class is charged, not the true one', '-(Y * log_ŷ).sum(axis=1)', '-log_ŷ.max(axis=1)'),
    ),
    (
        "log softmax(z) = z - log Σ e^z: the logarithm never meets a ŷ that is 0.",
        "Take the largest z of each row away first; it changes no ŷ.",
        "δ is (ŷ - Y) / n: the slopes of the logarithm and of the softmax cancel.",
    ),
)  # fmt: skip

EXERCISES = (MSE, BCE, CCE)
