"""Gradients, occlusion, LIME and exact Shapley values for a few features.

Each explains an answer by the parts of the input that it depends on.

All call one function, from the parts that are present (0 or 1 for each) to the answer. With n parts
there are 2ⁿ subsets, so for few parts all of them can be computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Answer = Callable[[np.ndarray], np.ndarray]  # (questions, parts) of 0 and 1 -> (questions,)
MOST_PARTS = 10


def every_subset(parts: int) -> np.ndarray:
    """Return every subset of the parts as 0s and 1s.

    The result is (2ⁿ, n); the last row has every part.
    """
    numbers = np.arange(2**parts)
    return (numbers[:, None] >> np.arange(parts)) & 1


def hiding(answer: Answer, parts: int) -> np.ndarray:
    """Return how far the answer falls when each part is hidden."""
    whole = np.ones((1, parts))
    return answer(whole) - answer(whole - np.eye(parts))


def shapley(answer: Answer, parts: int) -> np.ndarray:
    """Return the exact Shapley value of each part.

    It is the mean of what a part adds, over all orders in which the parts can be added.

        φ_i = Σ_S |S|! (n − |S| − 1)! / n! · (f(S ∪ i) − f(S))        S: subsets without i

    The values sum to the answer for all parts minus the answer for none (Shapley 1953).
    """
    subsets = every_subset(parts)
    answers, size = answer(subsets), subsets.sum(axis=1)
    weight = [
        math.factorial(k) * math.factorial(parts - k - 1) / math.factorial(parts)
        for k in range(parts)
    ]
    values = np.zeros(parts)
    for i in range(parts):
        without = np.flatnonzero(subsets[:, i] == 0)
        with_it = without + 2**i  # the same question with part i
        shares = np.array(weight)[size[without]]
        values[i] = (shares * (answers[with_it] - answers[without])).sum()
    return values


def lime(answer: Answer, parts: int, width: float = 0.75) -> np.ndarray:
    """Return the slopes of a weighted linear fit to the answers.

    Answers for inputs close to the whole count more.

    The weight of a subset is e^(−d²/width²), where d is the fraction of parts that it hides
    (Ribeiro, Singh & Guestrin 2016, here with all subsets and not a sample of them).
    """
    subsets = every_subset(parts)
    hidden = (1 - subsets).sum(axis=1) / max(parts, 1)
    weight = np.exp(-((hidden / width) ** 2))
    A = np.hstack([subsets, np.ones((len(subsets), 1))]) * np.sqrt(weight)[:, None]
    line = np.linalg.lstsq(A, answer(subsets) * np.sqrt(weight), rcond=None)[0]
    return line[:-1]
