"""Train a task and leave a finished run folder: data, fit, figures, manifest."""

from __future__ import annotations

import csv
import io
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide import data as data_sets
from nnguide import framework_logs, runs, tasks, workspace
from nnguide.config import Config
from nnguide.errors import ConfigError, ExtraError, WorkError, WriteError
from nnguide.evaluation import validation_scores
from nnguide.files import write_json, write_text, writing_to
from nnguide.runs import Run
from nnguide.training import notebook, rehearsal, remarks, updates
from nnguide.training import resume as resuming
from nnguide.training.configure import configure, of_data, with_words
from nnguide.workspace import Workspace

if TYPE_CHECKING:
    from nnguide.data.examples import Examples
    from nnguide.training.fit import Fitted
    from nnguide.training.runtime import Runtime


def train(
    task: str,
    data: Any = None,
    *,
    label_column: str | None = None,
    text_column: str | None = None,
    preset: str = "default",
    config: Config | Mapping[str, Any] | None = None,
    settings: Iterable[str] | Mapping[str, Any] = (),
    out: Path | str | None = None,
    force: bool = False,
    resume: bool = False,
    callbacks: Sequence[Any] = (),
    watch: Callable[[str], Sequence[Any]] | None = None,
    say: Callable[[str], None] | None = None,
) -> Run:
    """Train a network and return its finished run.

    Args:
        task, preset, config, settings: as for `configure`.
        data: what to learn from, instead of the setting data.dataset: a set's name, a path, or
            what a program holds, as `nnguide.data.memory.FORMS` lists it. Without a test set of
            its own, a fifth of it is kept for `evaluate`.
        label_column, text_column: of a table; None: "label" and "text".
        out: the run's folder; None makes one under saved_models/runs.
        force: replace a folder that is not empty, whole and at the end.
        resume: go on with a training that was interrupted, or give a finished one more epochs;
            settings that are not given are those it was begun with.
        callbacks: more Keras callbacks, for the training alone.
        watch: makes Keras callbacks that show progress, for a title: "" for the training, else
            that of a network that calibration trains.
        say: takes each line meant for the user. Without `watch` and `say` a notebook shows both
            in its cell, and nothing is shown elsewhere.
    Raises:
        NnguideError: see nnguide.errors; nothing that existed is lost.
        KeyboardInterrupt: interrupted before the first epoch ended; no folder is left.
    """
    if watch is None and say is None and notebook.is_running():
        board = notebook.Board()
        watch, say = board.watch, board.say
    watch, say = watch or (lambda title: ()), say or (lambda line: None)
    tree = config.to_dict() if isinstance(config, Config) else config or {}
    settings = settings if isinstance(settings, Mapping) else list(settings)
    settled = configure(task, preset=preset, config=tree, settings=settings)
    source = None
    if data is not None or label_column or text_column:
        source, words = of_data(settled, settings, data, label_column, text_column)
        settings = with_words(settings, words)
        settled = configure(task, preset=preset, config=tree, settings=settings)
    given = updates.given(tree, settings)
    left = resuming.newest(task) if resume and out is None else None
    folder = Path(out) if out else left or runs.default_folder(task, settled.train.seed)
    space = resuming.place(folder, force)
    begun = resuming.find(space, task) if resume else None
    if begun is not None:
        try:
            settled = begun.settle(preset, tree, settings)
        except ConfigError:
            if begun.waits or not force:
                raise
            begun = None
    if begun is not None:
        if begun.run is not None and begun.is_over(settled):
            say(f"{folder} is already finished")
            return begun.run
        space = begun.space
        given = set(updates.CHOSEN)  # when it was begun
    elif resume:
        say(f"nothing to resume at {folder}: starting from the beginning")
    if settled.model.l2 and settled.train.l2_schedule.warmup:
        say("train.l2_schedule replaces model.l2")

    resuming.check(space, resume)
    source = source or data_sets.of(settled)
    if source.note:
        say(source.note)
    with space.claimed(resume):
        if begun is not None:
            begun.bring(settled, say)
        keep = begun is not None or not workspace.is_used(folder)
        show = Shown(say, callbacks, watch)
        return _work(tasks.get(task), settled, given, source, space, keep, show)


@dataclass(frozen=True)
class Shown:
    """How a training shows itself: arguments of `train`."""

    say: Callable[[str], None]
    callbacks: Sequence[Any] = ()
    watch: Callable[[str], Sequence[Any]] = lambda title: ()


def _work(
    task: tasks.Task,
    config: Config,
    given: set[str],
    source: data_sets.Source,
    space: Workspace,
    keep: bool,
    show: Shown,
) -> Run:
    examples = source.load("train")
    say = show.say
    framework_logs.tensorflow()
    import keras

    from nnguide.data.splits import training_and_validation
    from nnguide.doctor.checkup import Checkup
    from nnguide.training.fit import fit
    from nnguide.training.runtime import runtime

    checkpoint = space.path / runs.CHECKPOINT
    if rehearsal.is_asked(source):
        config = rehearsal.gentle(config, given)
        training, validation = rehearsal.parts(config, examples, say)
        examples = training if validation is None else training.join(validation)
    else:
        training, validation = training_and_validation(config, examples)
    with runtime(config.runtime, seed=config.train.seed) as chosen:
        say(chosen.reason)
        for told in chosen.warnings:
            say(f"warning: {told}")
        say(
            f"training {task.name} on {source.name}: {len(training):,} examples, "
            f"{len(validation or ()):,} for validation"
        )
        for note in examples.notes:
            say(note)
        config = updates.suited(config, given, len(training), say)
        write_json(space.path / "config.json", config.to_dict())
        if validation is not None:
            remarks.compare(task, config, source, validation, say)
        board = keras.callbacks.TensorBoard(
            space.path / "tensorboard", write_graph=False, profile_batch=0
        )
        size: int | None = None  # as large as suits the data
        if not updates.is_enough(config, len(training)):
            batch = config.train.batch_size
            size = len(training) if isinstance(batch, str) else int(batch)
        checkup = Checkup(
            training.inputs,
            task.head(len(training.label_names)).targets(training.labels),
            size,
            say,
        )
        try:
            fitted = fit(
                task,
                config,
                training,
                validation,
                chosen,
                checkpoint=checkpoint,
                callbacks=[checkup, board, *show.callbacks, *show.watch("")],
                say=say,
            )
        except OSError as error:
            if isinstance(error, WriteError):
                raise
            with writing_to(space.path):
                raise
        parts = (training, validation)
        run = write_run(
            task, config, source, parts, examples, fitted, chosen, space, show, keep=keep
        )
    if validation is not None:
        verdict = remarks.Guessing.on(validation).verdict(run.metrics)
        if verdict is not None:
            say(f"warning: {verdict}. {remarks.advice(task, config, validation, run.folder)}")
    return run


def write_run(
    task: tasks.Task,
    config: Config,
    source: data_sets.Source,
    parts: tuple[Examples, Examples | None],
    whole: Examples,
    fitted: Fitted,
    runtime: Runtime,
    space: Workspace,
    show: Shown,
    *,
    keep: bool = True,
    **more: Any,
) -> Run:
    """Calibrate a trained model, write everything of its run into `space` and publish it.

    Args:
        parts: the training and the validation examples.
        whole: both together.
        keep: publish an interrupted training; else it raises KeyboardInterrupt.
        more: what metrics.json says beside the usual.
    """
    metrics = _finish(task, config, parts, whole, fitted, runtime, space, show)
    about = {"dataset": source.name, "dataset_is_fallback": source.is_fallback}
    kinds = data_sets.kinds_of(source, whole)
    write_json(space.path / "metrics.json", {**metrics, **about, "runtime": runtime.reason, **more})
    if fitted.interrupted:
        if not keep:
            show.say(f"{space.folder} stays as it was: go on with --resume --force to replace it")
            raise KeyboardInterrupt
        show.say(f"keeping the best of {fitted.epochs} finished epochs: go on with --resume")
    return runs.finish(
        space,
        task.name,
        **about,
        dataset_path=source.path,
        **({"learned_from": list(kinds)} if kinds else {}),
        versions=_versions(),
    )


def _finish(
    task: tasks.Task,
    config: Config,
    parts: tuple[Examples, Examples | None],
    whole: Examples,
    fitted: Fitted,
    runtime: Runtime,
    space: Workspace,
    show: Shown,
) -> dict[str, Any]:
    """Calibrate; write everything of the run but its metrics and manifest; the figures."""
    from nnguide.evaluation import figures
    from nnguide.evaluation.evaluate import measure
    from nnguide.models import light_form
    from nnguide.models.saving import save

    say = show.say
    decision: dict[str, Any] = {"labels": list(whole.label_names)}
    if whole.features:
        decision["features"] = list(whole.features)
    if task.threshold is not None:
        decision["threshold"] = task.threshold
    try:
        decision.update(_decide(task, config, parts[1], whole, fitted, runtime, space, show))
    except KeyboardInterrupt:
        say("interrupted: the probabilities are not calibrated")
        fitted.interrupted = True
    save(fitted.model, space.path / "model.keras")
    write_json(space.path / "decision.json", decision)
    try:
        light_form.write(fitted.model, space.path, (parts[1] or parts[0]).inputs)
    except (WorkError, ExtraError) as error:
        say(f"warning: {error}. `nnguide predict` will use Keras.")
    write_text(space.path / "history.csv", history_csv(fitted.history))
    figures.curves(fitted.history, space.path / "curves.png", fitted.best_epoch)
    figure: dict[str, Any] = {}
    if parts[1] is not None:
        figure = measure(task, fitted.model, parts[1], decision.get("threshold"))
        figure["majority"] = remarks.Guessing.on(parts[1]).majority
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
        "n_train": len(parts[0]),
        "n_validation": len(parts[1] or ()),
        "parameters": fitted.model.count_params(),
        "interrupted": fitted.interrupted,
    }


def _decide(
    task: tasks.Task,
    config: Config,
    validation: Examples | None,
    whole: Examples,
    fitted: Fitted,
    runtime: Runtime,
    space: Workspace,
    show: Shown,
) -> dict[str, Any]:
    """Calibration and, where a bound on blocked ham was given, the threshold."""
    from nnguide.training import calibrate

    if config.calibration.on == "none" or fitted.interrupted:
        return {}
    if config.calibration.on == "folds":
        held = calibrate.out_of_fold(task, config, whole, runtime, show.say, show.watch)
    else:
        assert validation is not None  # configure() has seen to it
        scores = calibrate.logits(fitted.model, validation)
        held = calibrate.Held(scores, validation.labels, "the validation set")
    fit = calibrate.fit_calibration(fitted.model, held)
    decision: dict[str, Any] = {"calibration": {**fit, "on": held.where, "n": len(held.labels)}}
    if task.threshold is not None:
        spam = calibrate.probabilities(held, fit)
        validation_scores.save(space.path, spam, held.labels)
        if config.calibration.max_blocked_ham:
            decision.update(
                validation_scores.choose(
                    spam, held.labels, config.calibration.max_blocked_ham, show.say
                )
            )
        validation_scores.draw(
            space.path, spam, held.labels, decision.get("threshold", task.threshold)
        )
    return decision


def history_csv(history: Mapping[str, Sequence[float]]) -> str:
    """The history as CSV: `epoch`, counted from 1, then a column for each figure."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["epoch", *history])
    for epoch, row in enumerate(zip(*history.values(), strict=True), start=1):
        writer.writerow([epoch, *(f"{value:.9g}" for value in row)])
    return lines.getvalue()


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
