"""Training of a task's network on examples.

This is the one path that every training takes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nnguide.config import Config, TrainConfig
from nnguide.config.values import flat
from nnguide.data.examples import Examples
from nnguide.data.records import take_in
from nnguide.errors import ConfigError
from nnguide.models.saving import preprocessor
from nnguide.tasks import Task
from nnguide.training import multi_worker, network, pipeline, starting
from nnguide.training.callbacks import (
    Checkpoint,
    DropoutSchedule,
    EarlyStopping,
    Interruption,
    L2Schedule,
    LearningRate,
    NormalizationStatistics,
    Record,
    StopWhenNotFinite,
    normalizations,
)
from nnguide.training.runtime import Runtime
from nnguide.training.samples import Samples, Taught, samples_of

log = logging.getLogger(__name__)

FEW_STEPS = 400  # an epoch; after more, moving averages have followed the weights
MEASURED = 4096  # examples that normalisation statistics are measured on
AT_ONCE = 512  # of them, in memory


@dataclass
class Fitted:
    """Result of a training.

    Attributes:
        model: raw inputs to probabilities: preprocessing, core and calibration; uncompiled, in
            float32 whatever it was trained in.
        history: figures per epoch, each list as long as `epochs`.
        epochs: epochs that ran to their end.
        best_epoch: counted from 1, by `train.monitor`; 0 if none ended.
        seconds: wall time from building the network to leaving `fit`, tracing included; of this
            process alone where the training was resumed.
        interrupted: whether Ctrl-C ended it.
    """

    model: keras.Model
    history: dict[str, list[float]] = field(default_factory=dict)
    epochs: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    interrupted: bool = False


def fit(
    task: Task,
    config: Config,
    training: Examples,
    validation: Examples | None,
    runtime: Runtime,
    *,
    taught: Taught | None = None,
    checkpoint: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Fitted:
    """Train a new network of `task`, and validate it.

    It learns from `training`; metrics are followed on `validation`.

    Args:
        task, config: what to train and how.
        training, validation: raw examples; the preprocessing is adapted to `training` alone,
            or that of the run whose weights `train.start_from` takes.
        runtime: from `nnguide.training.runtime.runtime`, entered.
        taught: targets of another network, for a training that starts from it.
        checkpoint: a file that makes the training resumable; one that exists is resumed.
        callbacks: more Keras callbacks, after ours.
    Raises:
        ConfigError: a full batch over several devices, or fewer examples than replicas.
        WorkError: the loss is not finite.
        RunError: the checkpoint belongs to other data or settings, or the run to start from
            is missing, damaged or another one.
        KeyboardInterrupt: Ctrl-C before an epoch ended; later it ends the training early.
    """
    train = config.train
    labels = len(training.label_names)
    start = starting.source(train.start_from) if train.start_from else None
    if start is None:
        layer = task.preprocessor(config, training.inputs)
    else:
        layer = preprocessor(starting.network(start))
    samples = samples_of(task, config, training, taught)
    plan = _plan(train, len(samples.targets), runtime)
    inputs = task.feed(layer, samples.inputs)
    started = time.perf_counter()
    core = network.learning(task, config, layer, inputs[0], start, training.label_names, runtime)
    trainer = network.compiled(core, task, config, plan, labels, runtime)
    stopping = EarlyStopping(
        _monitor(train.monitor, validation), train.patience, train.restore_best
    )
    record: Checkpoint | Record = Record()
    done = 0
    if checkpoint is not None:
        same = identity(config, training, validation)
        record = Checkpoint(checkpoint, stopping, same, runtime.writes)
        done = _resumed(record, trainer, train.epochs, runtime)

    interrupted = False
    if done < train.epochs and not stopping.exhausted:
        batches = _batches(task, config, inputs, samples, plan, done, runtime)
        validation_data = _validation_data(task, layer, validation, runtime)
        all_callbacks = [
            *_statistics(trainer, task.feed(layer, taught.usual) if taught else inputs, plan),
            *_watchers(train),
            stopping,
            record,
            *callbacks,
        ]
        try:
            _run(trainer, train, plan, done, batches, validation_data, all_callbacks, runtime)
        except KeyboardInterrupt:
            if not record.history:
                raise
            interrupted = True
            stopping.restore()
    else:
        stopping.set_model(trainer)
        stopping.restore()
    seconds = time.perf_counter() - started
    return Fitted(
        network.assemble(task, layer, network.plain(task, config, layer, core, labels)),
        record.history,
        epochs=len(record.history.get("loss", ())),
        best_epoch=stopping.best_epoch + 1,
        seconds=seconds,
        interrupted=interrupted,
    )


def _resumed(record: Checkpoint, trainer: keras.Model, epochs: int, runtime: Runtime) -> int:
    """Resume what a checkpoint holds and return the epochs that are done."""
    record.set_model(trainer)
    with runtime.scope:  # the optimizer's variables belong where the model's are
        done = record.resume()
    if done:
        log.info(f"resuming after epoch {done} of {epochs}")
    return done


def _plan(train: TrainConfig, examples: int, runtime: Runtime) -> pipeline.Plan:
    asked = examples if train.batch_size == "full" else min(int(train.batch_size), examples)
    if asked < runtime.replicas:
        raise ConfigError(
            f"train.batch_size {train.batch_size} with {examples} examples leaves some of the "
            f"{runtime.replicas} replicas without any. Expected {runtime.replicas} or more."
        )
    plan = pipeline.plan(examples, train.batch_size, runtime.replicas, train.steps_per_execution)
    if runtime.replicas > 1 and train.batch_size not in ("full", plan.batch):
        log.info(
            f"batches of {plan.batch}: {train.batch_size} is no multiple of {runtime.replicas}"
        )
    if (slices := plan.accumulation_steps) > 1 and runtime.replicas > 1:
        raise ConfigError(
            f"train.batch_size full gathers the gradients of {slices} slices, which Keras "
            "cannot do over several devices. Give a number, or use runtime.strategy none."
        )
    return plan


def _run(
    trainer: keras.Model,
    train: TrainConfig,
    plan: pipeline.Plan,
    done: int,
    batches: Callable[[], tf.data.Dataset],
    validation_data: Callable[[], tf.data.Dataset] | None,
    callbacks: list[keras.callbacks.Callback],
    runtime: Runtime,
) -> None:
    """Run epochs not `done`; raise KeyboardInterrupt at a batch's end."""
    shared = isinstance(trainer, multi_worker.MultiWorkerModel)
    with multi_worker.SharedInterruption() if shared else Interruption() as interruption:
        try:
            with runtime.scope if shared else contextlib.nullcontext():
                read = multi_worker.distributed if shared else (lambda make: make())
                trainer.fit(
                    read(batches),
                    epochs=train.epochs,
                    initial_epoch=done,
                    steps_per_epoch=plan.steps,
                    validation_data=None if validation_data is None else read(validation_data),
                    callbacks=[*callbacks, interruption],
                    shuffle=False,  # the pipeline has shuffled
                    verbose=0,
                )
        except Exception as error:
            if interruption.asked:  # what a library made of it
                raise KeyboardInterrupt from error
            raise


def _watchers(train: TrainConfig) -> list[keras.callbacks.Callback]:
    """Return the callbacks that the settings ask for."""
    watchers: list[keras.callbacks.Callback] = [StopWhenNotFinite(), LearningRate()]
    if train.dropout_schedule.warmup:
        watchers.append(DropoutSchedule(train.dropout_schedule))
    if train.l2_schedule.warmup:
        watchers.append(L2Schedule(train.l2_schedule))
    return watchers


def _statistics(
    trainer: keras.Model,
    inputs: tuple[Any, keras.layers.Layer | None],
    plan: pipeline.Plan,
) -> list[keras.callbacks.Callback]:
    """Return a callback that measures normalisation statistics, if averages are slow."""
    if plan.steps >= FEW_STEPS or not normalizations(trainer):
        return []
    rows, preprocess = inputs
    size = int(rows.shape[0])
    chosen = np.linspace(0, size - 1, min(size, MEASURED)).astype(np.int64)  # of every label
    batch = math.ceil(len(chosen) / math.ceil(len(chosen) / AT_ONCE))  # no small rest
    measured = pipeline.in_order(
        pipeline.gatherer(rows)(chosen), np.zeros(len(chosen)), preprocess, batch=batch
    )
    return [NormalizationStatistics(measured)]


def _batches(
    task: Task,
    config: Config,
    inputs: tuple[Any, keras.layers.Layer | None],
    samples: Samples,
    plan: pipeline.Plan,
    done: int,
    runtime: Runtime,
) -> Callable[[], tf.data.Dataset]:
    """Return a function that makes the pipeline from `done` on."""
    data, preprocess = inputs
    change = task.augment if config.augment and any(vars(config.augment).values()) else None
    several = runtime.strategy == "multi_worker"

    def make() -> tf.data.Dataset:
        made = pipeline.batches(
            data,
            samples.targets,
            plan,
            epochs=range(done, config.train.epochs),
            seed=config.train.seed,
            weights=samples.weights,
            augment=None if change is None else lambda x, seed, rows: change(config, x, seed, rows),
            preprocess=preprocess,
            share=pipeline.Share(*runtime.share) if several else pipeline.WHOLE,
        )
        # Without an end no worker asks the others before each step whether they have more.
        return made.repeat() if several else made

    return make


def _validation_data(
    task: Task, layer: keras.layers.Layer, validation: Examples | None, runtime: Runtime
) -> Callable[[], tf.data.Dataset] | None:
    """Return a function that makes validation batches, else None."""
    if validation is None:
        return None
    held, preprocess = task.feed(layer, validation.inputs)
    targets = task.head(len(validation.label_names)).targets(validation.labels)
    if runtime.strategy != "multi_worker":
        return lambda: pipeline.in_order(held, targets, preprocess, runtime.replicas)
    if len(targets) < runtime.replicas:
        raise ConfigError(
            f"the validation set has {len(targets)} examples for {runtime.replicas} replicas, "
            "which take one each or more. Raise data.validation, or set it to 0."
        )
    share = pipeline.Share(*runtime.share)
    return lambda: pipeline.shared_in_order(held, targets, preprocess, share)


def identity(config: Config, *sets: Examples | None) -> str:
    """Return a hash of all that determines an epoch.

    A resumed training is then the same one. The number of epochs is left out: a training may be
    given more.

    Args:
        sets: the examples that it fits and those that it watches, which decide when it stops.
    """
    settings = {k: v for k, v in flat(config.to_dict()).items() if k != "train.epochs"}
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    for examples in sets:
        if examples is None:
            continue
        digest.update(examples.labels.tobytes())
        take_in(digest, examples.inputs)
    return digest.hexdigest()


def _monitor(monitor: str, validation: Examples | None) -> str:
    return monitor if validation is not None else monitor.removeprefix("val_")
