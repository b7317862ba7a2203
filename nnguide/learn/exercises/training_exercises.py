"""Exercises on mini-batches, schedules and initial weights.

They belong to steps 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Functions, Mistake


def batch_cases(random: np.random.Generator) -> Iterator[Case]:
    for n, size in ((40, 8), (60, 60)):
        yield Case("minibatches", (n, size))
    yield Case("minibatches", (50, 8), "a last batch that is shorter")


def use_batches(functions: Functions, case: Case) -> Any:
    """Return the facts of an epoch that hold in any order."""
    n, size = case.args
    ids = np.arange(n)
    inputs, labels = ids[:, None] * [1.0, 2.0], ids * 3
    random, again = np.random.default_rng(5), np.random.default_rng(5)
    epochs = [
        [
            (np.array(X), np.array(y))
            for X, y in functions["minibatches"](inputs, labels, size, generator)
        ]
        for generator in (random, random, again)
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
        Mistake('an empty batch stands at the end', 'range(0, len(X), size)', 'range(0, len(X) + 1, size)'),
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
        Mistake('a tenth after each step, not after each third', '(3 * step // steps)', 'step'),
        Mistake('both π and ½ are missing', 'highest * 0.5 * (1 + math.cos(math.pi * step / steps))', 'highest * (1 + math.cos(step / steps))'),
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
    """Return shapes, size, mean and independence of the weights.

    The exact numbers are free.
    """
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
        Mistake('multiplied by the number of inputs, not divided', 'np.sqrt(2 / fan_in)', 'np.sqrt(2 * fan_in)'),
    ),
    (
        "A sum of many inputs grows with their number: the weights must be the smaller.",
        "ReLU silences half of the signal, which is why the variance is 2 / in and not 1 / in.",
        "random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)), then np.zeros(fan_out).",
    ),
    use=use_initial,
)  # fmt: skip

EXERCISES = (MINIBATCHES, SCHEDULE, INITIALISE)
