"""Inputs that a run is least sure of, to label next."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from nnguide.errors import InputError
from nnguide.inference.decision import Answer
from nnguide.inference.sources import Named
from nnguide.runs import Run
from nnguide.runs.streaming import predict


@dataclass(frozen=True)
class Doubt:
    """An input and the run's answer to it.

    Attributes:
        margin: the distance of its probability from the threshold, or of the two most probable
            labels from each other; at 0 the answer is a toss of a coin.
    """

    name: str
    answer: Answer
    margin: float


def margin(run: Run, answer: Answer) -> float:
    """Return how far an answer is from another, in probability."""
    if run.threshold is not None:
        return abs(answer.probability - run.threshold)
    first, second = heapq.nlargest(2, (answer.probabilities or {"": answer.probability}).values())
    return first - second


def uncertain(run: Run, named: Named, count: int) -> tuple[list[Doubt], dict[str, InputError]]:
    """Return the inputs with the smallest margins, and the errors.

    `count` inputs are returned, the smallest margin first.
    """
    bad: dict[str, InputError] = {}

    def doubts() -> Iterator[Doubt]:
        for name, answer in predict(run, named):
            if isinstance(answer, InputError):
                bad[name] = answer
            else:
                yield Doubt(name, answer, margin(run, answer))

    return heapq.nsmallest(count, doubts(), key=lambda doubt: doubt.margin), bad
