"""The trials of a search as rows of tables and plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from keras_tuner.engine.trial import Trial

from nnguide.files import csv_rows
from nnguide.tuning.oracles import ENDED, Durable, outcome
from nnguide.tuning.settings import Search, objectives


@dataclass(frozen=True)
class Row:
    """A trial.

    Attributes:
        number: its id.
        state: running, completed, failed or waiting (to be run again).
        values: the hyperparameters, by setting.
        score: the objective; None unless it is completed.
        figures: every objective of the task; empty unless it is completed.
        epochs, best_epoch: that were trained, and whose weights were measured; or None.
        seconds: that it took, or None.
        error: why it failed, in a line.
        config: its configuration, as a tree; None unless it is completed.
    """

    number: str
    state: str
    values: dict[str, Any]
    score: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    epochs: int | None = None
    best_epoch: int | None = None
    seconds: float | None = None
    error: str = ""
    config: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("completed", "failed")


@dataclass(frozen=True)
class Progress:
    """The progress of a search.

    Attributes:
        rows: all trials so far, in the order they began.
        changed: the one that began or ended last.
        planned: the most trials there will be.
        best: the best so far.
        elapsed, left: seconds since this process began, and about how many to go.
    """

    rows: list[Row]
    changed: Row
    planned: int
    best: Row | None
    elapsed: float
    left: float | None


def row(trial: Trial, running: bool = True) -> Row:
    """Return a trial as a row.

    One that is neither ended nor `running` waits to be run again.
    """
    values = {k: v for k, v in trial.hyperparameters.values.items() if "/" not in k}
    rung = trial.hyperparameters.values.get("tuner/epochs")
    if trial.status not in ENDED:
        return Row(trial.trial_id, "running" if running else "waiting", values, epochs=rung)
    figures = {key: value for key, value in outcome(trial).items() if key != "traceback"}
    return Row(trial.trial_id, trial.status.lower(), values, **{"epochs": rung, **figures})


def rows(oracle: Durable) -> list[Row]:
    """Return all trials in the order they began."""
    running = {trial.trial_id for trial in list(oracle.ongoing_trials.values())}
    return [row(oracle.trials[name], name in running) for name in list(oracle.start_order)]


def best(search: Search, trials: Sequence[Row]) -> Row | None:
    """Return the completed trial with the best score.

    Of equal ones it is that of the lower loss, then the earlier.
    """
    completed = [row for row in trials if row.score is not None]
    sign = -1 if search.maximise else 1
    return min(
        completed,
        key=lambda row: (sign * (row.score or 0.0), row.figures["val_loss"]),
        default=None,
    )


def as_csv(search: Search, trials: Sequence[Row]) -> str:
    """Return the trials as CSV.

    The columns are number, state, metrics, then one for each hyperparameter.
    """
    figures = list(objectives(search.task))
    names = list(dict.fromkeys(name for row in trials for name in row.values))
    rows: list[list[Any]] = [
        ["trial", "state", "score", "epochs", "best_epoch", "seconds", *figures, *names, "error"]
    ]
    for trial in trials:
        measured = [trial.figures.get(name) for name in figures]
        searched = [trial.values.get(name) for name in names]
        facts = [
            trial.number,
            trial.state,
            trial.score,
            trial.epochs,
            trial.best_epoch,
            trial.seconds,
        ]
        rows.append([*facts, *measured, *searched, trial.error])
    return csv_rows.text(rows)
