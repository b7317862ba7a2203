"""Remarks of a training on its result.

They say what needed no training, and whether it beats guessing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import data, runs, tasks
from nnguide.config import Config
from nnguide.data.examples import Examples
from nnguide.runs import Run
from nnguide.training import starting

log = logging.getLogger(__name__)

MEASURED = 2000  # examples that a network is measured on before training


def untrained(task: tasks.Task, run: Run, validation: Examples) -> dict[str, Any] | None:
    """Return what a run reaches on other data's validation set.

    None where the run lacks one of its labels.
    """
    from nnguide.evaluation.evaluate import figures_of

    if set(validation.label_names) - set(run.labels):
        return None
    size = len(validation)
    some = validation.take(np.linspace(0, size - 1, min(size, MEASURED)).astype(np.int64))
    number = np.array([run.labels.index(name) for name in some.label_names])
    measured = Examples(some.inputs, number[some.labels], run.labels)
    return figures_of(run.outputs(measured.inputs), measured, run.threshold)


def before(task: tasks.Task, run: Run, name: str, validation: Examples) -> str | None:
    """Return a line on a run's result before training.

    It is on the validation set. None where the run cannot be measured on it.
    """
    figures = untrained(task, run, validation)
    if figures is None:
        return None
    return (
        f"{name} has validation accuracy {_percent(figures)} on {figures['n']:,} examples "
        "without training on this data"
    )


def shipped(task: tasks.Task) -> Run | None:
    """Return the trained run that comes with nnguide."""
    folder = runs.shipped(task.name)
    return Run.open(folder) if folder.is_dir() else None


@dataclass(frozen=True)
class Guessing:
    """Comparison of a validation accuracy with a constant answer.

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
        """Return a remark on metrics that do not beat guessing.

        None where they do.
        """
        if measured["val_accuracy_low"] > self.majority:
            return None
        names = ("accuracy", "accuracy_low", "accuracy_high")
        figures = {name: measured[f"val_{name}"] for name in names}
        compared = (
            f"validation accuracy {_percent(figures)} on {measured['n_validation']:,} examples; "
            f"always answering {self.label} has {self.majority:.1%}"
        )
        if figures["accuracy"] > self.majority:
            return f"too few validation examples to tell it from guessing: {compared}"
        return f"no better than guessing: {compared}"


def _percent(figures: dict[str, Any]) -> str:
    low, high = figures["accuracy_low"], figures["accuracy_high"]
    return f"{figures['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%})"


def compare(
    task: tasks.Task,
    config: Config,
    source: data.Source,
    validation: Examples,
) -> None:
    """Log what an existing network reaches without this training.

    It is the run to start from, or for a user's own data the shipped network.
    """
    run: Run | None
    if start := config.train.start_from:
        name, hint = starting.named(start)[0], ""
        run = starting.source(start)
        if (warning := _seen(run, name, config, source)) is not None:
            log.warning(warning)
    else:
        own = source.is_own
        run, name = shipped(task) if own else None, f"the {task.name} network of nnguide"
        hint = f". --from {task.name} starts from it"
    if run is not None and (line := before(task, run, name, validation)) is not None:
        log.info(f"{line}{hint}")


def _seen(run: Run, name: str, config: Config, source: data.Source) -> str | None:
    """Return a warning where the start has seen the test.

    The run to start from has then learned from what is to measure the new one.
    """
    mine, theirs = config.data, run.config.data
    split = (mine.split_seed, mine.validation) != (theirs.split_seed, theirs.validation)
    folds = config.calibration.on == "folds"
    if run.manifest["dataset"] != source.name or not (split or folds):
        return None
    what = "validation and test examples" if split else "examples that calibration scores"
    settings = f"data.split_seed={theirs.split_seed}, data.validation={theirs.validation:g}"
    return (
        f"warning: {name} has learned from {what} of {source.name}: metrics will be too good. "
        f"Set {settings} and calibration.on=validation"
    )


def advice(task: tasks.Task, config: Config, validation: Examples, folder: Path) -> str:
    """Return what to type after a training not better than guessing."""
    tries = []
    if not config.train.start_from and (run := shipped(task)) is not None:
        same = not set(validation.label_names) - set(run.labels)
        tries.append(f"--from {task.name}" + ("" if same else ", with a new head,"))
    tries.append(f"--epochs {4 * config.train.epochs}")
    return (
        f"Try {' or '.join(tries)}, or more examples; `nnguide doctor {folder}` looks for what "
        "is wrong with the data and the network"
    )
