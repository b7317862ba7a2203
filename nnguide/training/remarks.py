"""What a training says of itself: what needed no training, and whether it beats guessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnguide import runs, tasks
from nnguide.data.examples import Examples
from nnguide.runs import Run

MEASURED = 2000  # examples that a network is measured on before training


def untrained(task: tasks.Task, run: Run, validation: Examples) -> dict[str, Any] | None:
    """What a run reaches on a validation set of other data; None where it lacks a label of it."""
    from nnguide.evaluation.evaluate import figures_of

    if set(validation.label_names) - set(run.labels):
        return None
    size = len(validation)
    some = validation.take(np.linspace(0, size - 1, min(size, MEASURED)).astype(np.int64))
    number = np.array([run.labels.index(name) for name in some.label_names])
    measured = Examples(some.inputs, number[some.labels], run.labels)
    return figures_of(task, run.outputs(measured.inputs), measured, run.threshold)


def before(task: tasks.Task, run: Run, name: str, validation: Examples) -> str | None:
    """A line on what a run reaches on the validation set untrained; None where it cannot."""
    figures = untrained(task, run, validation)
    if figures is None:
        return None
    return (
        f"{name} answers {_percent(figures)} of {figures['n']:,} validation examples right "
        "without training on this data"
    )


def shipped(task: tasks.Task) -> Run | None:
    """The trained run that comes with nnguide."""
    folder = runs.shipped(task.name)
    return Run.open(folder) if folder.is_dir() else None


@dataclass(frozen=True)
class Guessing:
    """How a validation accuracy compares with one answer for all.

    Attributes:
        majority: accuracy of always answering the most frequent label.
        label: that label.
    """

    majority: float
    label: str

    @classmethod
    def on(cls, validation: Examples) -> Guessing:
        """Measure the most frequent label of a validation set."""
        counts = np.bincount(validation.labels, minlength=len(validation.label_names))
        best = int(counts.argmax())
        return cls(float(counts[best] / len(validation)), validation.label_names[best])

    def verdict(self, measured: dict[str, Any]) -> str | None:
        """What to say of a run's metrics that do not beat it; None where they do."""
        if measured["val_accuracy_low"] > self.majority:
            return None
        names = ("accuracy", "accuracy_low", "accuracy_high")
        figures = {name: measured[f"val_{name}"] for name in names}
        compared = (
            f"{_percent(figures)} of {measured['n_validation']:,} validation examples are right; "
            f"always answering {self.label} would be right for {self.majority:.1%}"
        )
        if figures["accuracy"] > self.majority:
            return f"too few validation examples to tell it from guessing: {compared}"
        return f"no better than guessing: {compared}"


def _percent(figures: dict[str, Any]) -> str:
    low, high = figures["accuracy_low"], figures["accuracy_high"]
    return f"{figures['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%})"
