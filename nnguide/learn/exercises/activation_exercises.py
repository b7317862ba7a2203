"""Exercises on activations, their derivatives, and stable sigmoid and softmax.

They belong to step 2; stable functions never overflow.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Mistake

FAR = np.array([[-1000.0, 1000.0, -3.0], [0.0, 710.0, -746.0]])


def activation_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 4), (1, 1), (5,)):
        for name in ("relu", "leaky_relu", "tanh"):
            yield Case(name, (2 * random.normal(size=shape),))
    for name in ("relu", "leaky_relu", "tanh"):
        yield Case(name, (FAR.copy(),), "z = ±1000")


ACTIVATIONS = Exercise(
    "activations",
    "ReLU, leaky ReLU and tanh",
    "2-activations",
    "through and silences the rest",
    '''
"""Three activations a = g(z), element by element, for z of any shape.

They stay finite at z = ±1000, without a warning of NumPy.
"""

import numpy as np


def relu(z):
    """What is positive goes through, the rest is 0: z (...) -> a (...)."""
    return np.maximum(z, 0)


def leaky_relu(z):
    """As relu, but a hundredth of what is negative is kept: z (...) -> a (...)."""
    return np.where(z > 0, z, 0.01 * z)


def tanh(z):
    """(e^z - e^-z) / (e^z + e^-z): z (...) -> a (...) in (-1, 1)."""
    return np.tanh(z)
''',
    activation_cases,
    (
        Mistake(
            "ReLU is turned round: it keeps the negative", "np.maximum(z, 0)", "np.minimum(z, 0)"
        ),
        Mistake("the absolute value is no ReLU", "np.maximum(z, 0)", "np.abs(z)"),
        Mistake("ReLU gives its slope, not its value", "np.maximum(z, 0)", "(z > 0) * 1.0"),
        Mistake("the leak is lost: this is plain ReLU", "0.01 * z)", "0 * z)"),
        Mistake("the leak is 0.1, not 0.01", "0.01 * z)", "0.1 * z)"),
        Mistake("the leak has the wrong sign", "0.01 * z)", "-0.01 * z)"),
        Mistake(
            "overflows at z = 1000",
            "np.tanh(z)",
            "(np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))",
        ),
        Mistake("this is the sigmoid, not tanh", "np.tanh(z)", "(np.tanh(z / 2) + 1) / 2"),
        Mistake(
            "the smaller of z and 0.01 z is taken, not the larger",
            "np.where(z > 0, z, 0.01 * z)",
            "np.minimum(z, 0.01 * z)",
        ),
        Mistake("the leak is 0.001, not 0.01", "0.01 * z)", "0.001 * z)"),
        Mistake("the leak is 0.2, not 0.01", "0.01 * z)", "0.2 * z)"),
        Mistake("ReLU lets at most 1 through", "np.maximum(z, 0)", "np.clip(z, 0, 1)"),
        Mistake(
            "ReLU is turned round: it keeps the negative", "np.maximum(z, 0)", "np.maximum(-z, 0)"
        ),
        Mistake(
            "ReLU keeps the negative too, with another sign",
            "np.where(z > 0, z, 0.01 * z)",
            "np.abs(z)",
        ),
    ),
    (
        "Each function looks at one number at a time; NumPy does so for a whole array.",
        "np.maximum and np.where choose element by element.",
        "NumPy knows tanh, and its tanh does not overflow.",
    ),
)


def slope_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 4), (1, 2), (6,)):
        for name in ("relu_slope", "tanh_slope", "sigmoid_slope"):
            yield Case(name, (2 * random.normal(size=shape),))
    yield Case("relu_slope", (np.array([-1.0, 0.0, 2.0]),), "the kink z = 0")


SLOPES = Exercise(
    "slopes",
    "The slopes of the activations",
    "2-activations",
    "activation  a = g(z)                     g'(z)                 z = -2     0    2         -1000  1000",
    '''
"""The derivative g'(z) of three activations, element by element, as a function of z.

The slope of ReLU at its kink, z = 0, is taken as 0.
"""

import numpy as np


def relu_slope(z):
    """1 where z > 0, else 0: z (...) -> g'(z) (...)."""
    return np.where(z > 0, 1.0, 0.0)


def tanh_slope(z):
    """1 - a² with a = tanh(z): z (...) -> g'(z) (...)."""
    a = np.tanh(z)
    return 1 - a**2


def sigmoid_slope(z):
    """a (1 - a) with a = 1 / (1 + e^-z): z (...) -> g'(z) (...)."""
    a = 1 / (1 + np.exp(-z))
    return a * (1 - a)
''',
    slope_cases,
    (
        Mistake("the slope of ReLU at z = 0 is taken as 1", "z > 0, 1.0", "z >= 0, 1.0"),
        Mistake(
            "ReLU's value is given, not its slope", "np.where(z > 0, 1.0, 0.0)", "np.maximum(z, 0)"
        ),
        Mistake(
            "the sign of z is given, not ReLU's slope", "np.where(z > 0, 1.0, 0.0)", "np.sign(z)"
        ),
        Mistake("the slope of tanh lacks the square", "1 - a**2", "1 - a"),
        Mistake("z stands where a = tanh(z) belongs", "1 - a**2", "1 - z**2"),
        Mistake("the slope of the sigmoid is used for tanh", "1 - a**2", "a * (1 - a)"),
        Mistake("z stands where a = g(z) belongs", "a * (1 - a)", "z * (1 - z)"),
        Mistake("the sigmoid's value is given, not its slope", "a * (1 - a)", "a"),
        Mistake("the factor a is missing from a (1 - a)", "a * (1 - a)", "1 - a"),
        Mistake(
            "this is leaky ReLU's slope: where z < 0 ReLU has 0",
            "np.where(z > 0, 1.0, 0.0)",
            "np.where(z > 0, 1.0, 0.01)",
        ),
        Mistake("1 + a stands where 1 - a belongs", "a * (1 - a)", "a * (1 + a)"),
        Mistake("1 + a² stands where 1 - a² belongs", "1 - a**2", "1 + a**2"),
        Mistake("tanh's slope is used for the sigmoid", "a * (1 - a)", "1 - np.tanh(z) ** 2"),
        Mistake(
            "the slope of ReLU is turned round: 1 where z < 0", "z > 0, 1.0, 0.0", "z < 0, 1.0, 0.0"
        ),
    ),
    (
        "Two of the slopes are simplest in terms of a = g(z): compute a first.",
        "The table of step 2 has a column g'(z).",
        "tanh: 1 - a²; sigmoid: a (1 - a); ReLU: 1 or 0, and 0 at the kink.",
    ),
)


def sigmoid_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 4), (1, 1), (6,)):
        yield Case("sigmoid", (3 * random.normal(size=shape),))
    yield Case("sigmoid", (FAR.copy(),), "z = ±1000")


SIGMOID = Exercise(
    "sigmoid",
    "A sigmoid that never overflows",
    "2-activations",
    "e^1000 is too large for any float, so the code never computes it.",
    '''
"""The sigmoid a = 1 / (1 + e^-z), for z of any shape.

At z = ±1000 it is 0 and 1 without a warning: e^1000 is never computed.
"""

import numpy as np


def sigmoid(z):
    """z (...) -> a (...) in [0, 1]."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)
''',
    sigmoid_cases,
    (
        Mistake("overflows at z = -1000", "e = np.exp(-np.abs(z))\n    return np.where(z >= 0, 1, e) / (1 + e)", "return 1 / (1 + np.exp(-z))"),
        Mistake("overflows at z = 1000", "e = np.exp(-np.abs(z))\n    return np.where(z >= 0, 1, e) / (1 + e)", "e = np.exp(z)\n    return e / (1 + e)"),
        Mistake("the sign of z is lost: |z| is used for both sides", "np.where(z >= 0, 1, e)", "1"),
        Mistake("the sign of z is turned round: this is 1 - sigmoid", "z >= 0, 1, e", "z >= 0, e, 1"),
        Mistake("z is clipped so early that values are wrong", "e = np.exp(-np.abs(z))", "z = np.clip(z, -2, 2)\n    e = np.exp(-np.abs(z))"),
        Mistake("this is tanh, not the sigmoid", "np.where(z >= 0, 1, e) / (1 + e)", "np.tanh(z)"),
        Mistake("1 - e^-z stands where 1 + e^-z belongs", "e = np.exp(-np.abs(z))\n    return np.where(z >= 0, 1, e) / (1 + e)", "return 1 / (1 - np.exp(-z))"),
        Mistake('z is clipped so early that values are wrong', 'e = np.exp(-np.abs(z))', 'z = np.clip(z, -1, 1)\n    e = np.exp(-np.abs(z))'),
        Mistake('z is clipped so early that values are wrong', 'e = np.exp(-np.abs(z))', 'z = np.clip(z, -5, 5)\n    e = np.exp(-np.abs(z))'),
        Mistake('z is clipped so early that values are wrong', 'e = np.exp(-np.abs(z))', 'z = np.clip(z, -6, 6)\n    e = np.exp(-np.abs(z))'),
        Mistake('z is clipped so early that values are wrong', 'e = np.exp(-np.abs(z))', 'z = np.clip(z, -10, 10)\n    e = np.exp(-np.abs(z))'),
        Mistake('this is softplus, log(1 + e^z), not the sigmoid', 'e = np.exp(-np.abs(z))\n    return np.where(z >= 0, 1, e) / (1 + e)', 'return np.logaddexp(0, z)'),
        Mistake("this is the sigmoid's slope a (1 - a), not its value", 'e = np.exp(-np.abs(z))\n    return np.where(z >= 0, 1, e) / (1 + e)', 'a = (1 + np.tanh(z / 2)) / 2\n    return a * (1 - a)'),
        Mistake('this is 2 a - 1, between -1 and 1: tanh of half of z', 'np.where(z >= 0, 1, e) / (1 + e)', 'np.tanh(z / 2)'),
        Mistake('a step, 0 or 1, not the sigmoid', 'np.where(z >= 0, 1, e) / (1 + e)', '(z >= 0) * 1.0'),
        Mistake('2^-z stands where e^-z belongs', 'np.exp(-np.abs(z))', '2.0 ** -np.abs(z)'),
    ),
    (
        "e^-z is harmless where z ≥ 0. What else equals the sigmoid where z < 0?",
        "e^z / (1 + e^z) is the same number, and harmless where z < 0.",
        "With e = e^-|z| the answer is 1/(1 + e) on one side and e/(1 + e) on the other.",
    ),
)  # fmt: skip


def softmax_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in ((4, 3), (3, 3), (5, 2)):
        yield Case("softmax", (2 * random.normal(size=shape),))
    yield Case("softmax", (random.normal(size=(1, 4)),), "a batch of one")
    yield Case("softmax", (FAR.copy(),), "z = ±1000")
    yield Case(
        "softmax", (random.normal(size=(2, 3)) + np.array([[1000.0], [-1000.0]]),), "z = ±1000"
    )


SOFTMAX = Exercise(
    "softmax",
    "A softmax that never overflows",
    "2-activations",
    "sums into k probabilities that add up to 1. Each must stay finite when its sum is not small:",
    '''
"""The softmax of each row, e^z_i / Σ_j e^z_j: k sums become k probabilities.

Rows may hold z = ±1000, each row of another size: no overflow, no warning, no NaN.
"""

import numpy as np


def softmax(z):
    """z (batch, classes) -> a (batch, classes); each row adds up to 1."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
''',
    softmax_cases,
    (
        Mistake("overflows at z = 1000", " - z.max(axis=1, keepdims=True)", ""),
        Mistake("adds up over the batch, not over the classes", "axis=1", "axis=0"),
        Mistake("adds up over the batch, not over the classes", "e / e.sum(axis=1, keepdims=True)", "e / e.sum(axis=0)"),
        Mistake("one sum for the whole batch: the rows do not add up to 1", "e.sum(axis=1, keepdims=True)", "e.sum()"),
        Mistake("one largest z for the whole batch: rows far below it are lost", "z.max(axis=1, keepdims=True)", "z.max()"),
        Mistake("the probabilities are not divided by their sum", "return e / e.sum(axis=1, keepdims=True)", "return e"),
        Mistake("each class by itself: this is the sigmoid", "e = np.exp(z - z.max(axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)", "return np.tanh(z / 2) / 2 + 0.5"),
        Mistake('the exponential is missing: z itself is divided by its sum', 'e = np.exp(z - z.max(axis=1, keepdims=True))', 'e = z'),
        Mistake('the exponential is missing: z itself is divided by its sum', 'e = np.exp(z - z.max(axis=1, keepdims=True))', 'e = z - z.min(axis=1, keepdims=True)'),
        Mistake('this is the logarithm of the softmax', 'e = np.exp(z - z.max(axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)', 'z = z - z.max(axis=1, keepdims=True)\n    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))'),
        Mistake('this is the largest class alone: 1 there, 0 elsewhere', 'e = np.exp(z - z.max(axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)', 'return (z == z.max(axis=1, keepdims=True)) * 1.0'),
        Mistake('e to the |z|: the sign of z is lost', 'np.exp(z - z.max(axis=1, keepdims=True))', 'np.exp(np.abs(z) - np.abs(z).max(axis=1, keepdims=True))'),
        Mistake('2^z stands where e^z belongs', 'np.exp(z - z.max(axis=1, keepdims=True))', '2.0 ** (z - z.max(axis=1, keepdims=True))'),
        Mistake('10^z stands where e^z belongs', 'np.exp(z - z.max(axis=1, keepdims=True))', '10.0 ** (z - z.max(axis=1, keepdims=True))'),
        Mistake('the largest is taken away after e^z, not before', 'np.exp(z - z.max(axis=1, keepdims=True))', 'np.exp(z)\n    e = e - e.max(axis=1, keepdims=True)'),
        Mistake('e^-z stands where e^z belongs: the smallest wins', 'np.exp(z - z.max(axis=1, keepdims=True))', 'np.exp(z.min(axis=1, keepdims=True) - z)'),
    ),
    (
        "Adding the same number to every z of a row changes no ratio of the e^z.",
        "Take the largest z of a row away from the row first: e^0 = 1 is the largest then.",
        "axis=1, keepdims=True keeps (batch, 1), so that it is broadcast along the row.",
    ),
)  # fmt: skip

EXERCISES = (ACTIVATIONS, SLOPES, SIGMOID, SOFTMAX)
