"""Exercises on dropout, penalties, early stopping and scaling.

They belong to steps 8 and 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Functions, Mistake
from nnguide.learn.exercises.forward_exercises import weights


def dropout_cases(random: np.random.Generator) -> Iterator[Case]:
    for rate in (0.2, 0.5):
        a = random.uniform(0.5, 2, (300, 80))
        yield Case("dropout", (a, rate, True))
        yield Case("dropout", (a[:20], rate, False), "no training")
    yield Case("dropout", (random.normal(size=(3, 4)), 0.0, True), "rate 0")


def use_dropout(functions: Functions, case: Case) -> Any:
    """Return how many units are left, and their scale.

    Which units they are is free.
    """
    a, rate, training = case.args
    out, again = (
        np.asarray(functions["dropout"](a, rate, training, np.random.default_rng(3)), float)
        for _ in range(2)
    )
    if out.shape != a.shape:
        return (out,)
    factor = out / a
    scales = factor[factor != 0]
    mask = factor != 0
    rows = len(mask) > 1 and 0 < mask.mean() < 1 and bool((mask == mask[0]).all())
    columns = 0 < mask.mean() < 1 and bool((mask == mask[:, :1]).all())
    return (
        f"units that stay: {round(20 * mask.mean()) / 20:.0%}",
        scales.min(initial=np.inf),
        scales.max(initial=0),
        f"the same units in all examples: {rows}",
        f"all units of an example or none: {columns}",
        f"the same generator, the same units: {np.array_equal(out, again)}",
    )


DROPOUT = Exercise(
    "dropout",
    "Inverted dropout",
    "8-overfitting",
    "and less on new points. **Dropout** silences random units, so that none can rely on another;",
    '''
"""Inverted dropout: in training each number is 0 with probability `rate`, the others are made larger
by 1 / (1 - rate), so that the mean stays; outside training nothing happens.
"""

import numpy as np


def dropout(a, rate, training, random):
    """a (batch, units), rate in [0, 1), training True or False, random a generator -> (batch, units)."""
    if not training:
        return a
    return a * (random.random(a.shape) >= rate) / (1 - rate)
''',
    dropout_cases,
    (
        Mistake("dropout works at test time too", "    if not training:\n        return a\n", ""),
        Mistake("not made larger by 1 / (1 - rate): the mean sinks", " / (1 - rate)", ""),
        Mistake("dropout scales at test time, not in training", "return a\n    return a * (random.random(a.shape) >= rate) / (1 - rate)", "return a * (1 - rate)\n    return a * (random.random(a.shape) >= rate)"),
        Mistake("dropout scales at test time", "        return a\n", "        return a * (1 - rate)\n"),
        Mistake("`rate` is the fraction that stays, not the one that goes", ">= rate) / (1 - rate)", "< rate) / rate"),
        Mistake("the scale is 1 / rate where 1 / (1 - rate) belongs", "/ (1 - rate)", "/ (rate or 1)"),
        Mistake("the wrong units go: `rate` of them stay", ">= rate", "< rate"),
        Mistake("multiplied by 1 - rate where divided belongs", "/ (1 - rate)", "* (1 - rate)"),
        Mistake("the same units are dropped in every example", "random.random(a.shape)", "random.random(a.shape[1])"),
        Mistake("whole examples are dropped, not units", "random.random(a.shape)", "random.random((len(a), 1))"),
        Mistake("training is turned round", "if not training", "if training"),
        Mistake("NumPy's own randomness is used, not the generator `random`", '(random.random(', '(np.random.random('),
        Mistake('half of the units go, whatever the rate', '>= rate)', '>= 0.5)'),
    ),
    (
        "Draw one number in [0, 1) for each entry: random.random(a.shape).",
        "It stays where the number is at least `rate`: that is the fraction 1 - rate.",
        "Divide what stays by 1 - rate, and return a as it is outside training.",
    ),
    use=use_dropout,
)  # fmt: skip


def penalty_cases(random: np.random.Generator) -> Iterator[Case]:
    for sizes in ((3, 2), (3, 3, 3), (2, 4, 1)):
        for l1, l2 in ((0.0, 0.1), (0.2, 0.0), (0.03, 0.07)):
            made = weights(random, *sizes)
            yield Case("penalty", (made, l1, l2))
            yield Case("penalty_gradients", (made, l1, l2))


PENALTY = Exercise(
    "penalty",
    "L1 and L2",
    "8-overfitting",
    "**L2** pulls every weight towards zero in proportion to its size; **L1** pulls all of them alike,",
    '''
"""What L1 and L2 add to the loss, l1 Σ|w| + l2 Σ w², and to the gradients.

The sums run over the weight matrices W alone: biases are not penalised. weights is [W1, b1, …].
"""

import numpy as np


def penalty(weights, l1, l2):
    """weights [W1, b1, …], two numbers -> one number."""
    return sum(l1 * np.abs(W).sum() + l2 * (W**2).sum() for W in weights[::2])


def penalty_gradients(weights, l1, l2):
    """weights [W1, b1, …] -> a list of arrays of the same shapes; those of the biases are 0."""
    gradients = []
    for W, b in zip(weights[::2], weights[1::2]):
        gradients.append(l1 * np.sign(W) + 2 * l2 * W)
        gradients.append(np.zeros_like(b))
    return gradients
''',
    penalty_cases,
    (
        Mistake("the bias is penalised too", "for W in weights[::2])", "for W in weights)"),
        Mistake("L2 lacks the square", "(W**2).sum()", "np.abs(W).sum()"),
        Mistake("L1 lacks the absolute value", "np.abs(W).sum()", "W.sum()"),
        Mistake("the root of the sum of squares: L2 adds the squares alone", "(W**2).sum()", "np.sqrt((W**2).sum())"),
        Mistake("the mean stands where the sum belongs", "np.abs(W).sum() + l2 * (W**2).sum()", "np.abs(W).mean() + l2 * (W**2).mean()"),
        Mistake("l1 and l2 are swapped", "l1 * np.abs(W).sum() + l2", "l2 * np.abs(W).sum() + l1"),
        Mistake("only the first layer is penalised", "for W in weights[::2])", "for W in weights[:1])"),
        Mistake("L2 has a ½ that is not wanted", "l2 * (W**2)", "0.5 * l2 * (W**2)"),
        Mistake("the bias is penalised too", "np.zeros_like(b)", "l1 * np.sign(b) + 2 * l2 * b"),
        Mistake("the 2 of the square is missing", "2 * l2 * W", "l2 * W"),
        Mistake("L1's slope is the sign of w, not w", "l1 * np.sign(W)", "l1 * W"),
        Mistake("L1's slope is ±1: the sign is lost", "l1 * np.sign(W)", "l1"),
        Mistake('the mean stands where the sum belongs', 'np.abs(W).sum() + l2 * (W**2).sum()', 'np.abs(W).sum() + l2 * (W**2).mean()'),
        Mistake('the sums are not weighed by l1 and l2', 'l1 * np.abs(W).sum() + l2 * (W**2).sum()', 'np.abs(W).sum() + (W**2).sum()'),
        Mistake('the biases are penalised, not the weights', 'for W in weights[::2])', 'for W in weights[1::2])'),
        Mistake("L1's slope has the wrong sign", 'l1 * np.sign(W) +', '-l1 * np.sign(W) +'),
        Mistake("L2's slope is 2 l2 w, not w²", '2 * l2 * W', 'l2 * W**2'),
        Mistake("L1's slope is the sign of w, not |w|", 'l1 * np.sign(W)', 'l1 * np.abs(W)'),
        Mistake("the biases' zeros are missing from the list", '        gradients.append(np.zeros_like(b))\n', ''),
        Mistake('L1 is squared', 'np.abs(W).sum() + l2', 'np.abs(W).sum() ** 2 + l2'),
    ),
    (
        "weights[::2] are the matrices, weights[1::2] the biases.",
        "The slope of |w| is the sign of w, that of w² is 2 w.",
        "l1 * np.sign(W) + 2 * l2 * W for a matrix, zeros for a bias.",
    ),
)  # fmt: skip


def stopping_cases(random: np.random.Generator) -> Iterator[Case]:
    for losses, patience, where in (
        ([5.0, 4.0, 3.0, 3.5, 3.6, 3.7, 1.0], 2, ""),
        ([5.0, 4.0, 4.5, 3.0, 3.5, 2.0, 2.5, 2.6, 2.7, 2.8], 3, ""),
        ([3.0, 2.0, 1.0], 2, "a loss that falls to the end"),
        ([3.0, 2.0, 2.0, 2.0, 2.0, 1.0], 2, "equal losses"),
        ([1.0, 2.0], 1, ""),
        ([4.0, 3.0, 3.5, 3.2, 3.4, 3.3], 9, ""),
        ([4.0, 3.0, 3.5, 3.2, 3.4, 2.0, 9.0, 9.0, 9.0, 9.0], 4, ""),
        ([5.0, 3.0, 4.0, 3.5, 4.0, 2.0], 3, "a loss that falls, but not below the lowest"),
    ):
        yield Case("early_stopping", (losses, patience), where)


STOPPING = Exercise(
    "early_stopping",
    "Early stopping",
    "8-overfitting",
    "and the useless ones reach exactly zero; **early stopping** returns to the weights that were best",
    '''
"""When does training end, and to which epoch does it return?

It ends when `patience` epochs in a row brought no lower validation loss than the lowest before
(an equal loss is no lower one), or when the losses end. Epochs count from 1.
"""


def early_stopping(losses, patience):
    """The validation loss of each epoch -> (epoch of the lowest, last epoch that is trained)."""
    best, waited = 1, 0
    for epoch, loss in enumerate(losses, 1):
        if epoch == 1 or loss < losses[best - 1]:
            best, waited = epoch, 0
        else:
            waited += 1
            if waited == patience:
                return best, epoch
    return best, len(losses)
''',
    stopping_cases,
    (
        Mistake("epochs are counted from 0", "return best, epoch\n    return best, len(losses)", "return best - 1, epoch - 1\n    return best - 1, len(losses) - 1"),
        Mistake("an equal loss counts as a lower one", "loss < losses", "loss <= losses"),
        Mistake("the last epoch is returned, not the best", "return best, epoch\n    return best, len(losses)", "return epoch, epoch\n    return len(losses), len(losses)"),
        Mistake("patience is not counted anew after a lower loss", "best, waited = epoch, 0", "best = epoch"),
        Mistake("stops one epoch late", "waited == patience", "waited > patience"),
        Mistake("stops at the first rise, whatever the patience", "waited == patience", "waited == 1"),
        Mistake("compared with the epoch before, not with the lowest", "losses[best - 1]", "losses[epoch - 2]"),
        Mistake("looks at all losses, those after the stop too", "return best, epoch\n", "return losses.index(min(losses)) + 1, epoch\n"),
        Mistake("never stops", "waited == patience", "False"),
        Mistake("the two epochs are in the wrong order", "return best, epoch\n    return best, len(losses)", "return epoch, best\n    return len(losses), best"),
        Mistake('the count is set back whenever the loss falls, though not below the lowest', '            waited += 1\n', '            waited = 0 if loss < losses[epoch - 2] else waited + 1\n'),
        Mistake('stops one epoch early', 'waited == patience', 'waited == max(patience - 1, 1)'),
        Mistake('looks at all losses, those after the stop too', '    best, waited = 1, 0\n', '    best = losses.index(min(losses)) + 1\n    return best, min(best + patience, len(losses))\n    best, waited = 1, 0\n'),
        Mistake('the loss is returned, not its epoch', 'return best, epoch\n    return best, len(losses)', 'return losses[best - 1], epoch\n    return losses[best - 1], len(losses)'),
        Mistake('the highest loss is looked for, not the lowest', 'loss < losses', 'loss > losses'),
        Mistake('stops one epoch late', 'waited == patience', 'waited == patience + 1'),
        Mistake('the last epoch is counted one too far', 'return best, epoch\n', 'return best, epoch + 1\n'),
        Mistake('of equal losses the later one is returned, though it stops in time', '            waited += 1\n', '            best = epoch if loss == losses[best - 1] else best\n            waited += 1\n'),
    ),
    (
        "Remember the best epoch so far and how many epochs have passed since.",
        "A lower loss sets the count back to 0; anything else adds 1.",
        "Stop when the count reaches patience; return the best epoch and this one.",
    ),
)  # fmt: skip


def scaling_cases(random: np.random.Generator) -> Iterator[Case]:
    for shape in ((6, 3), (3, 3), (40, 2)):
        X = random.normal(size=shape) * 10 + 5
        yield Case("fit_scaling", (X,))
        yield Case("scale", (X[:2] * 1.5, X.mean(axis=0), X.std(axis=0)))
    constant = np.column_stack([np.full(5, 7.0), random.normal(size=5)])
    yield Case("fit_scaling", (constant,), "a constant column")


SCALING = Exercise(
    "scaling",
    "Scaling of features",
    "9-common-mistakes",
    "larger, so no single learning rate fits both. Standardise with the mean and the standard deviation",
    '''
"""Standardise: each feature gets mean 0 and standard deviation 1 on the training set.

New examples are scaled by the numbers of the training set, never by their own.
"""

import numpy as np


def fit_scaling(X):
    """X (n, features) of the training set -> mean (features,), std (features,); std 1 for a constant column."""
    std = X.std(axis=0)
    return X.mean(axis=0), np.where(std == 0, 1.0, std)


def scale(X, mean, std):
    """X (n, features), the training set's mean and std -> scaled X (n, features)."""
    return (X - mean) / std
''',
    scaling_cases,
    (
        Mistake("one mean for all features", "X.mean(axis=0)", "np.full(X.shape[1], X.mean())"),
        Mistake("over the features of each example, not over the examples", "std = X.std(axis=0)\n    return X.mean(axis=0)", "std = X.std(axis=1)\n    return X.mean(axis=1)"),
        Mistake("the variance stands where the standard deviation belongs", "std = X.std(axis=0)", "std = X.var(axis=0)"),
        Mistake("the std of a constant column stays 0 or nearly so: dividing gives NaN or huge numbers", "np.where(std == 0, 1.0, std)", "std"),
        Mistake("mean and std are in the wrong order", "X.mean(axis=0), np.where(std == 0, 1.0, std)", "np.where(std == 0, 1.0, std), X.mean(axis=0)"),
        Mistake("scaled by the examples' own mean and std", "(X - mean) / std", "(X - X.mean(axis=0)) / X.std(axis=0)"),
        Mistake("the mean is not subtracted", "(X - mean) / std", "X / std"),
        Mistake("the mean is subtracted after the division", "(X - mean) / std", "X / std - mean"),
        Mistake("not divided by the standard deviation", "(X - mean) / std", "X - mean"),
        Mistake("multiplied by the standard deviation", "(X - mean) / std", "(X - mean) * std"),
        Mistake("the mean is added", "X - mean", "X + mean"),
        Mistake("min-max scaling: the smallest value and the range", "std = X.std(axis=0)\n    return X.mean(axis=0)", "std = X.max(axis=0) - X.min(axis=0)\n    return X.min(axis=0)"),
        Mistake('one mean and one std for all features: axis=0 is missing', 'std = X.std(axis=0)\n    return X.mean(axis=0), np.where(std == 0, 1.0, std)', 'return X.mean(), X.std()'),
        Mistake('divided by n - 1: the standard deviation here divides by n', 'std = X.std(axis=0)', 'std = X.std(axis=0, ddof=1) if len(X) > 1 else X.std(axis=0)'),
        Mistake('the median stands where the mean belongs', 'X.mean(axis=0)', 'np.median(X, axis=0)'),
        Mistake('divided by the largest value: neither mean nor std is used', 'std = X.std(axis=0)\n    return X.mean(axis=0)', 'std = np.abs(X).max(axis=0)\n    return 0 * X[0]'),
        Mistake('one std for all features', 'std = X.std(axis=0)', 'std = np.full(X.shape[1], X.std())'),
        Mistake("scaled by the examples' own mean", '(X - mean)', '(X - X.mean(axis=0))'),
        Mistake('one std for all features', 'std = X.std(axis=0)', 'std = np.full(X.shape[1], X.std(axis=0).mean())'),
        Mistake('the variance stands where the standard deviation belongs', '(X - mean) / std', '(X - mean) / std**2'),
    ),
    (
        "Columns are features, rows are examples: the mean of a column runs along axis 0.",
        "A constant column has std 0; with 1 in its place it becomes 0 and not NaN.",
        "scale uses the two arguments alone: (X - mean) / std.",
    ),
)  # fmt: skip

EXERCISES = (DROPOUT, PENALTY, STOPPING, SCALING)
