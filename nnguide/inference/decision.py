"""From a network's probabilities to an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from nnguide.data.mail import MailText, is_empty


@dataclass(frozen=True)
class Answer:
    """What a network answers to one input.

    Attributes:
        label: the winning label; for spam `spam` where the probability is above the threshold.
        probability: of the winning label; for spam always that of spam.
        probabilities: label -> probability, in label order; None for spam.
        guess: the input is a mail without subject and text, so this is no answer of the network's.
        message_id: of a mail that has one.
    """

    label: str
    probability: float
    probabilities: dict[str, float] | None = None
    guess: bool = False
    message_id: str = ""


def answers(
    rows: Any, inputs: Iterable[Any], labels: tuple[str, ...], threshold: float | None
) -> Iterator[Answer]:
    """The answers that rows of outputs, (n, nodes), mean for `inputs`; n of them, in order."""
    for row, value in zip(rows, inputs, strict=True):
        made = answer(row, labels, threshold)
        if isinstance(value, MailText):
            label = labels[0] if is_empty(value) else made.label
            made = replace(made, label=label, guess=is_empty(value), message_id=value.message_id)
        yield made


def answer(row: Any, labels: tuple[str, ...], threshold: float | None) -> Answer:
    """The answer that one row of outputs, (nodes,), means."""
    if threshold is not None:
        probability = float(row[0])
        return Answer(labels[int(probability > threshold)], probability)
    best = int(row.argmax())
    every = {label: float(p) for label, p in zip(labels, row, strict=True)}
    return Answer(labels[best], float(row[best]), every)
