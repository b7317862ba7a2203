"""Exercises on the backward pass and the gradient check (step 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Functions, Mistake, call
from nnguide.learn.exercises.forward_exercises import weights


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
        Mistake('the three are in another order: ∂L/∂W, ∂L/∂b, δ_before', 'dW, db, δ_before\n', 'δ_before, dW, db\n'),
        Mistake('∂L/∂W and ∂L/∂b are swapped', 'dW, db, δ_before\n', 'db, dW, δ_before\n'),
        Mistake('ReLU is taken of δ: its slope is taken at z', ' * (z_before > 0)', ' * (δ @ W.T > 0)'),
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
        Mistake('ReLU is taken of δ: its slope is taken at the activation', '(δ @ weights[2 * l].T) * (a > 0)', 'np.maximum(δ @ weights[2 * l].T, 0)'),
        Mistake('∂L/∂b is not added up over the batch', '[a.T @ δ, δ.sum(axis=0), *', '[a.T @ δ, δ, *'),
        Mistake("the slope of leaky ReLU stands where ReLU's belongs", '(a > 0)', 'np.where(a > 0, 1, 0.01)'),
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
    """Return the gradient, and the change of θ.

    θ must not change.
    """
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
        Mistake('a one-sided difference: f(θ) - f(θ - h), not f(θ + h)', '(up - down) / (2 * h)', '(f(θ) - down) / h'),
        Mistake('divided by h²: one h too many', '(2 * h)', '(2 * h * h)'),
        Mistake('multiplied by 2h, not divided', '(up - down) / (2 * h)', '(up - down) * (2 * h)'),
    ),
    (
        "One entry at a time: np.ndindex(θ.shape) gives every index of any shape.",
        "Remember the entry, set it to middle + h, ask f; then middle - h, ask f; put it back.",
        "Two steps of h lie between the two answers: divide by 2h.",
    ),
    use=use_check,
    in_place=True,
)  # fmt: skip

EXERCISES = (LAYER_BACK, BACKWARD, GRADIENT_CHECK)
