"""Exercises on the neuron, a layer and the forward pass.

They belong to steps 1 and 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Mistake


def neuron_cases(random: np.random.Generator) -> Iterator[Case]:
    for batch, features in ((4, 3), (3, 3), (1, 5), (7, 1)):
        yield Case("neuron", (random.normal(size=(batch, features)), random.normal(size=features),
                              float(random.normal())))  # fmt: skip


NEURON = Exercise(
    "neuron",
    "The sum of a neuron",
    "1-the-neuron",
    "| cell body | the sum z = W·x + b | `z` |",
    '''
"""One neuron looks at a batch of examples and takes its sum z = x·w + b for each."""

import numpy as np


def neuron(X, w, b):
    """The sums of a batch: X (batch, in), w (in,), b a number -> z (batch,)."""
    return X @ w + b
''',
    neuron_cases,
    (
        Mistake("the bias b is missing", " + b", ""),
        Mistake("the products x·w are not added up", "X @ w", "X * w"),
        Mistake("the bias is subtracted", " + b", " - b"),
        Mistake("the bias is added to the inputs, before the weights", "X @ w + b", "(X + b) @ w"),
        Mistake(
            "an activation is applied; only the sum is wanted",
            "X @ w + b",
            "np.maximum(X @ w + b, 0)",
        ),
        Mistake(
            "the sum runs over the batch, not over the inputs",
            "X @ w + b",
            "(X * w).sum(axis=0) + b",
        ),
        Mistake("the bias is added once for each input", "X @ w + b", "(X * w + b).sum(axis=1)"),
        Mistake(
            "the mean over the inputs stands where the sum belongs",
            "X @ w + b",
            "(X * w).mean(axis=1) + b",
        ),
        Mistake("the weights are squared", "X @ w", "X @ w**2"),
        Mistake("the bias is multiplied, not added", " + b", " * b"),
        Mistake(
            "the distance to the weights is taken, not the product",
            "X @ w + b",
            "((X - w) ** 2).sum(axis=1) + b",
        ),
    ),
    (
        "Each example is a row of X. What does one row and w give?",
        "Multiply number by number, add along the inputs, then add b once.",
        "A matrix product with a vector does the first two: X @ w.",
    ),
)


def weights(random: np.random.Generator, *sizes: int) -> list[np.ndarray]:
    """Return [W1, b1, W2, b2, …] for layers of these sizes."""
    made = []
    for inside, outside in itertools.pairwise(sizes):
        made += [random.normal(size=(inside, outside)), random.normal(size=outside)]
    return made


def layer_cases(random: np.random.Generator) -> Iterator[Case]:
    for batch, inside, outside in ((4, 3, 2), (3, 3, 3), (1, 2, 5), (6, 1, 1)):
        X = random.normal(size=(batch, inside))
        yield Case("layer", (X, *weights(random, inside, outside)))


LAYER = Exercise(
    "layer",
    "Forward through one layer",
    "3-layers-and-the-forward-pass",
    "z[1]      (1, 3)  = a[0] W[1] + b[1]             = [[1, 1, -1]]",
    '''
"""One dense layer with ReLU: a matrix product, a sum and an activation.

Both the sum z and the activation a are returned: the way back needs z.
"""

import numpy as np


def layer(X, W, b):
    """X (batch, in), W (in, out), b (out,) -> z (batch, out), a (batch, out)."""
    z = X @ W + b
    a = np.maximum(z, 0)
    return z, a
''',
    layer_cases,
    (
        Mistake("the bias b is missing", " + b", ""),
        Mistake("Wᵀ where W belongs", "X @ W", "X @ W.T"),
        Mistake("the activation is missing: a = z", "a = np.maximum(z, 0)", "a = z.copy()"),
        Mistake("z and a are in the wrong order", "z, a\n", "a, z\n"),
        Mistake("z and a are the same array: ReLU has overwritten z", "a = np.maximum(z, 0)", "a = np.maximum(z, 0, out=z)"),
        Mistake("the bias is added after the activation", "z = X @ W + b\n    a = np.maximum(z, 0)", "z = X @ W\n    a = np.maximum(z, 0) + b"),
        Mistake('the bias is added after the activation', 'z = X @ W + b\n    a = np.maximum(z, 0)', 'z = X @ W + b\n    a = np.maximum(X @ W, 0) + b'),
        Mistake('the activation is the sigmoid, not ReLU', 'np.maximum(z, 0)', '(1 + np.tanh(z / 2)) / 2'),
        Mistake('the activation is tanh, not ReLU', 'np.maximum(z, 0)', 'np.tanh(z)'),
        Mistake('the bias is subtracted', ' + b', ' - b'),
        Mistake('the slope of ReLU is given, not its value', 'np.maximum(z, 0)', '(z > 0) * 1.0'),
        Mistake('the bias is added to the inputs, before the weights', 'X @ W + b', '(X + b.mean()) @ W'),
        Mistake('the activation is leaky ReLU, not ReLU', 'np.maximum(z, 0)', 'np.where(z > 0, z, 0.01 * z)'),
        Mistake('the absolute value is no ReLU', 'np.maximum(z, 0)', 'np.abs(z)'),
    ),
    (
        "Look at the shapes: (batch, in) times (in, out) is (batch, out).",
        "b (out,) is added to every row by itself: NumPy broadcasts it.",
        "z = X @ W + b, and a is z with the negative numbers set to 0 in a new array.",
    ),
)  # fmt: skip


def network_cases(random: np.random.Generator) -> Iterator[Case]:
    for batch, *sizes in ((4, 3, 2), (3, 3, 3, 3), (1, 2, 5, 1), (5, 4, 3, 2, 3)):
        yield Case("forward", (random.normal(size=(batch, sizes[0])), weights(random, *sizes)))


FORWARD = Exercise(
    "forward",
    "Forward through a network",
    "3-layers-and-the-forward-pass",
    "pass** is one matrix product, one sum and one activation a layer, here for one example through",
    '''
"""A network of any depth: ReLU after each layer but the last, which gives its sums z.

All activations are kept, since the way back needs them. The weights are [W1, b1, W2, b2, …].
"""

import numpy as np


def forward(X, weights):
    """X (batch, in) -> [X, a1, a2, …, z_last], one array (batch, units) a layer."""
    activations = [X]
    layers = len(weights) // 2
    for l in range(layers):
        z = activations[-1] @ weights[2 * l] + weights[2 * l + 1]
        activations.append(np.maximum(z, 0) if l < layers - 1 else z)
    return activations
''',
    network_cases,
    (
        Mistake("ReLU is applied to the last layer too", " if l < layers - 1 else z", ""),
        Mistake("no activation between the layers: they are one linear layer", "np.maximum(z, 0) if l < layers - 1 else z", "z"),
        Mistake("the biases are missing", " + weights[2 * l + 1]", ""),
        Mistake("the input X is missing from the list", "return activations", "return activations[1:]"),
        Mistake("only the last layer is returned", "return activations", "return activations[-1]"),
        Mistake("Wᵀ where W belongs", "weights[2 * l] +", "weights[2 * l].T +"),
        Mistake('each layer takes X, not what the layer before gave', 'activations[-1] @', 'X @'),
        Mistake('the sums z are kept, not the activations', 'activations = [X]\n    layers = len(weights) // 2\n    for l in range(layers):\n        z = activations[-1] @ weights[2 * l] + weights[2 * l + 1]\n        activations.append(np.maximum(z, 0) if l < layers - 1 else z)\n', 'activations, a = [X], X\n    layers = len(weights) // 2\n    for l in range(layers):\n        z = a @ weights[2 * l] + weights[2 * l + 1]\n        a = np.maximum(z, 0)\n        activations.append(z)\n'),
        Mistake('the activation is the sigmoid, not ReLU', 'np.maximum(z, 0) if', '(1 + np.tanh(z / 2)) / 2 if'),
        Mistake('a softmax or sigmoid on the last layer: its sums are wanted', 'else z)', 'else (1 + np.tanh(z / 2)) / 2)'),
        Mistake('the last layer is left out', 'return activations', 'return activations[:-1]'),
        Mistake('the activation is leaky ReLU, not ReLU', 'np.maximum(z, 0) if', 'np.where(z > 0, z, 0.01 * z) if'),
        Mistake('the activation is tanh, not ReLU', 'np.maximum(z, 0) if', 'np.tanh(z) if'),
        Mistake('the layers go from the last to the first', 'weights[2 * l] + weights[2 * l + 1]', 'weights[-2 - 2 * l] + weights[-1 - 2 * l]'),
    ),
    (
        "Each layer takes what the layer before it gave: keep a list and use its last entry.",
        "Layer l has W = weights[2 l] and b = weights[2 l + 1].",
        "The last layer is left as its sum: whether softmax or sigmoid follows is the loss's affair.",
    ),
)  # fmt: skip

NEURONS, NETWORKS = (NEURON,), (LAYER, FORWARD)
