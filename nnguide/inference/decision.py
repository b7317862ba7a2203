"""From a network's probabilities to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a network answers to one input.

    Attributes:
        label: the winning label; for spam `spam` where the probability is above the threshold.
        probability: of the winning label; for spam always that of spam.
        probabilities: label -> probability, in label order; None for spam.
    """

    label: str
    probability: float
    probabilities: dict[str, float] | None = None


def answer(row: Any, labels: tuple[str, ...], threshold: float | None) -> Answer:
    """The answer that one row of outputs, (nodes,), means."""
    if threshold is not None:
        probability = float(row[0])
        return Answer(labels[int(probability > threshold)], probability)
    best = int(row.argmax())
    every = {label: float(p) for label, p in zip(labels, row, strict=True)}
    return Answer(labels[best], float(row[best]), every)
