"""Writing of a trained model's run.

It has calibration, metrics, every file and its manifest.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnguide import data as data_sets
from nnguide import runs, tasks
from nnguide.config import Config
from nnguide.data.origins import origins as origins_of
from nnguide.errors import ExtraError, WorkError
from nnguide.evaluation import validation_scores
from nnguide.files import csv_rows, write_json, write_text
from nnguide.files.workspace import Workspace
from nnguide.runs import Run
from nnguide.training import remarks

if TYPE_CHECKING:
    from nnguide.data.examples import Examples
    from nnguide.training.fit import Fitted
    from nnguide.training.runtime import Runtime
    from nnguide.training.samples import Taught

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """Output of a training: arguments of `train`.

    They say how it shows itself, and where workers train in step.
    """

    callbacks: Sequence[Any] = ()
    watch: Callable[[str], Sequence[Any]] = lambda title: ()
    in_step: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext


@dataclass
class Training:
    """A training with its data, runtime and workspace.

    Attributes:
        task, config: what learns, and how.
        source: where the examples are from.
        training, validation: the examples that are fitted, and those that follow the training.
        whole: both together.
        runtime: where it is computed, entered.
        space: where the run is made, claimed.
        show: how it shows itself.
        keep: publish an interrupted training; else it raises KeyboardInterrupt.
        taught: targets of the network that it starts from, with corrections.
    """

    task: tasks.Task
    config: Config
    source: data_sets.Source
    training: Examples
    validation: Examples | None
    whole: Examples
    runtime: Runtime
    space: Workspace
    show: Shown
    keep: bool = True
    taught: Taught | None = None


def write_run(training: Training, fitted: Fitted, **more: Any) -> Run:
    """Calibrate a trained model, write everything of its run and publish it.

    Args:
        more: what metrics.json says beside the usual.
    """
    source, space = training.source, training.space
    metrics = _finish(training, fitted)
    about = {"dataset": source.name, "dataset_is_fallback": source.is_fallback}
    kinds = data_sets.kinds_of(source, training.whole)
    runtime = training.runtime.reason
    write_json(space.path / "metrics.json", {**metrics, **about, "runtime": runtime, **more})
    if fitted.interrupted:
        if not training.keep:
            log.info(f"{space.folder} is unchanged: continue with --resume --force to replace it")
            raise KeyboardInterrupt
        log.info(f"keeping the best of {fitted.epochs} finished epochs: continue with --resume")
    return runs.finish(
        space,
        training.task.name,
        **about,
        dataset_path=source.path,
        **({"learned_from": list(kinds)} if kinds else {}),
        versions=_versions(),
    )


def _finish(training: Training, fitted: Fitted) -> dict[str, Any]:
    """Calibrate, write the run's files, and return the metrics.

    The metrics and the manifest themselves are written later.
    """
    from nnguide.evaluation import figures
    from nnguide.evaluation.evaluate import measure
    from nnguide.models import light_form
    from nnguide.models.saving import save

    task, space = training.task, training.space
    validation = training.validation
    decision: dict[str, Any] = {"labels": list(training.whole.label_names)}
    if training.whole.features:
        decision["features"] = list(training.whole.features)
    if task.threshold is not None:
        decision["threshold"] = task.threshold
    try:
        decision.update(_decide(training, fitted))
    except KeyboardInterrupt:
        log.info("interrupted: the probabilities are not calibrated")
        fitted.interrupted = True
    save(fitted.model, space.path / "model.keras")
    write_json(space.path / "decision.json", decision)
    try:
        light_form.write(fitted.model, space.path, (validation or training.training).inputs)
    except (WorkError, ExtraError) as error:
        log.warning(f"warning: {error}. `nnguide predict` will use Keras.")
    write_text(space.path / "history.csv", history_csv(fitted.history))
    figures.curves(fitted.history, space.path / "curves.png", fitted.best_epoch)
    figure: dict[str, Any] = {}
    if validation is not None:
        figure = measure(task, fitted.model, validation, decision.get("threshold"))
        figure["majority"] = remarks.Guessing.on(validation).majority
    return {
        "run": str(space.folder),
        "task": task.name,
        "epochs": fitted.epochs,
        "best_epoch": fitted.best_epoch,
        "train_seconds": round(fitted.seconds, 3),
        "val_accuracy": figure.get("accuracy"),
        "val_accuracy_low": figure.get("accuracy_low"),
        "val_accuracy_high": figure.get("accuracy_high"),
        "val_majority": figure.get("majority"),
        "val_loss": figure.get("loss"),
        "n_train": len(training.training),
        "n_validation": len(validation or ()),
        "parameters": fitted.model.count_params(),
        "interrupted": fitted.interrupted,
    }


def _decide(training: Training, fitted: Fitted) -> dict[str, Any]:
    """Return calibration, refusal and threshold.

    The threshold is chosen where a bound on blocked ham was given.
    """
    from nnguide.evaluation import refusal
    from nnguide.models.saving import outputs
    from nnguide.training import calibrate

    task, config, show = training.task, training.config, training.show
    whole, space = training.whole, training.space
    if config.calibration.on == "none" or fitted.interrupted:
        return {}
    if config.calibration.on == "validation":
        assert training.validation is not None  # configure() has seen to it
        examples = training.validation
        scores = calibrate.logits(fitted.model, examples)
        held = calibrate.Held(scores, examples.labels, "the validation set")
        origins = origins_of(training.source, examples, config.data.split_seed)
    else:
        origins = origins_of(training.source, whole, config.data.split_seed)
        with show.in_step():
            held = calibrate.out_of_fold(
                *(task, config, whole, training.runtime, show.watch),
                origins if config.calibration.on == "sources" else None,
            )
    fit = calibrate.fit_calibration(fitted.model, held)
    decision: dict[str, Any] = {"calibration": {**fit, "on": held.where, "n": len(held.labels)}}
    if task.kind.can_refuse:
        calibrated = calibrate.probabilities(held, fit)
        network = functools.partial(outputs, fitted.model)
        decision.update(refusal.choose(config, whole.label_names, calibrated, held.where, network))
    if task.threshold is not None:
        spam = calibrate.probabilities(held, fit)
        own = validation_scores.Scores(spam, held.labels, origins, held.seen)
        validation_scores.save(space.path, own)
        if bound := config.calibration.max_blocked_ham:
            data = f"{held.where} of {training.source.name}"
            decision.update(validation_scores.choose(own, bound, data))
        validation_scores.draw(
            space.path, spam, held.labels, decision.get("threshold", task.threshold)
        )
    return decision


def history_csv(history: Mapping[str, Sequence[float]]) -> str:
    """Return the history as CSV.

    It has `epoch`, counted from 1, then a column for each metric.
    """
    rows = enumerate(zip(*history.values(), strict=True), start=1)
    figures = [[epoch, *(f"{value:.9g}" for value in row)] for epoch, row in rows]
    return csv_rows.text([["epoch", *history], *figures])


def _versions() -> dict[str, str]:
    import keras
    import numpy as np
    import tensorflow as tf

    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
