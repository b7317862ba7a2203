"""The score of a trial: the mean validation metric of its trainings.

They are done as by `nnguide train`.
"""

from __future__ import annotations

import functools
import math
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from nnguide import data, tasks
from nnguide.config import Config
from nnguide.data.examples import Examples
from nnguide.data.splits import training_and_validation
from nnguide.errors import NnguideError, WorkError
from nnguide.evaluation.evaluate import measure
from nnguide.training.calibrate import assign_folds
from nnguide.training.fit import fit
from nnguide.training.runtime import runtime
from nnguide.tuning.settings import Search, objectives
from nnguide.tuning.space import apply, declare


@dataclass(frozen=True)
class Outcome:
    """The result of a configuration, averaged over executions and folds.

    Attributes:
        score: the objective.
        figures: every objective of the task.
        epochs: that were trained.
        best_epoch: whose weights were measured, counted from 1.
        seconds: wall time.
        config: the configuration, as a tree.
    """

    score: float
    figures: dict[str, float]
    epochs: int
    best_epoch: int
    seconds: float
    config: dict[str, Any]


class Scorer:
    """Scores the configurations of one search.

    The examples are loaded once, without the test set.
    """

    def __init__(self, search: Search, examples: Examples | None = None) -> None:
        self.search = search
        self._examples = examples
        self.task = tasks.get(search.task)
        self.base = declare(search)[1]

    @functools.cached_property
    def examples(self) -> Examples:
        """The training set, which includes the validation examples."""
        return data.of(self.base).load("train") if self._examples is None else self._examples

    def config(self, values: Mapping[str, Any]) -> Config:
        """Return the configuration of a trial's hyperparameters."""
        chosen = apply(self.base, values)
        epochs = values.get("tuner/epochs", self.search.max_epochs)  # hyperband gives the rung's
        return chosen.merge({"train": {"epochs": epochs}})

    def score(self, config: Config, seed: int, executions: int) -> Outcome:
        """Train `config` with several seeds and measure it.

        The seeds start at `seed`.

        Raises:
            WorkError: the loss or a figure is not finite.
            KeyboardInterrupt: Ctrl-C in a training.
        """
        began = time.perf_counter()
        rows: list[dict[str, float]] = []
        for number in range(executions):
            chosen = config.merge({"train": {"seed": seed + number}})
            for training, validation in self._parts(chosen):
                rows.append(self._train(chosen, training, validation))
        mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        epochs, best = (max(round(mean.pop(name)), 1) for name in ("epochs", "best_epoch"))
        score = mean[self.search.objective]
        if not math.isfinite(score):
            raise WorkError(f"{self.search.objective} is {score}")
        seconds = round(time.perf_counter() - began, 3)
        return Outcome(score, mean, epochs, best, seconds, config.to_dict())

    def _parts(self, config: Config) -> Iterator[tuple[Examples, Examples]]:
        """Yield training and validation sets, once or for each fold."""
        if not self.search.folds:
            training, validation = training_and_validation(config, self.examples)
            assert validation is not None  # a Search sees to it
            yield training, validation
            return
        fold = assign_folds(self.examples, self.search.folds, config.data.split_seed)
        for number in range(self.search.folds):
            rest, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            yield self.examples.take(rest), self.examples.take(held)

    def _train(self, config: Config, training: Examples, validation: Examples) -> dict[str, float]:
        try:
            with runtime(config.runtime, seed=config.train.seed) as chosen:
                fitted = fit(self.task, config, training, validation, chosen)
                if fitted.interrupted:
                    raise KeyboardInterrupt
                figures = measure(self.task, fitted.model, validation, None)
        finally:
            keras.backend.clear_session()
        measured_epoch = fitted.best_epoch if config.train.restore_best else fitted.epochs
        # an undefined figure, such as the MCC of one answer to all, is worth what guessing is
        measured = {
            name: figures[name.removeprefix("val_")] or 0.0 for name in objectives(self.task.name)
        }
        return {**measured, "epochs": fitted.epochs, "best_epoch": measured_epoch}


def failure(error: Exception, began: float) -> dict[str, Any]:
    """Return what is recorded of a trial that raised an error."""
    import tensorflow as tf

    if isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError)):
        text = "out of memory"
    elif isinstance(error, NnguideError):
        text = str(error)
    else:
        first = next(iter(str(error).strip().splitlines()), "")
        text = f"{type(error).__name__}: {first}"
    return {
        "error": text,
        "traceback": "".join(traceback.format_exception(error))[-10_000:],
        "seconds": round(time.perf_counter() - began, 3),
    }
