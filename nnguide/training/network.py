"""Network of a training, as it learns and as it stays."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from nnguide.config import Config, EmbeddingConfig
from nnguide.models.optimizers import optimizer
from nnguide.runs import Run
from nnguide.tasks import Task
from nnguide.training import multi_worker, pipeline, starting
from nnguide.training.callbacks import normalizations
from nnguide.training.runtime import Runtime


def assemble(task: Task, layer: keras.layers.Layer, core: keras.Model) -> keras.Model:
    """Return the model from raw inputs to float32 probabilities."""
    raw = task.kind.keras_input(layer)
    return keras.Model(raw, core(layer(raw)), name=task.name)


def learning(
    task: Task,
    config: Config,
    layer: keras.layers.Layer,
    rows: Any,
    start: Run | None,
    label_names: tuple[str, ...],
    runtime: Runtime,
) -> keras.Model:
    """Return the network to train, from preprocessed inputs to probabilities.

    Args:
        rows: the training inputs, as the task feeds them.
        start: whose weights it takes.
    """
    with runtime.scope:
        model = config.model.in_training()
        core = task.build(dataclasses.replace(config, model=model), layer, len(label_names))
        if task.adapt is not None:
            task.adapt(core, layer, rows)
        if start is not None:
            starting.transfer(start, core, label_names)
        for norm in normalizations(core):  # the saved network is built again, without it
            norm.synchronized = runtime.replicas > 1
    return core


def compiled(
    core: keras.Model,
    task: Task,
    config: Config,
    plan: pipeline.Plan,
    labels: int,
    runtime: Runtime,
) -> keras.Model:
    """Return `core` compiled in a model that keeps the optimizer."""
    train, head, steps_per_execution = config.train, task.head(labels), plan.steps_per_execution
    if runtime.strategy == "multi_worker":
        trainer = multi_worker.MultiWorkerModel(core.inputs, core.outputs, name="trainer")
        steps_per_execution = 1 if multi_worker.has_embedding(core) else steps_per_execution
    else:
        with runtime.scope:
            trainer = keras.Model(core.inputs, core.outputs, name="trainer")
    with runtime.scope:
        trainer.compile(
            optimizer(train, plan.steps // plan.accumulation_steps, plan.accumulation_steps),
            head.loss(train.label_smoothing),
            metrics=head.metrics(),
            steps_per_execution=steps_per_execution,
            jit_compile=False,  # slower on a CPU, and it breaks under a mirrored strategy
        )
        # Made within the first step they would have it traced twice.
        trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def plain(
    task: Task, config: Config, layer: keras.layers.Layer, core: keras.Model, labels: int
) -> keras.Model:
    """Return `core` in float32 on one device, whatever trained it.

    Its embeddings are rounded where `model.eight_bits` says so.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        whole = task.build(config, layer, labels)
    finally:
        keras.config.set_dtype_policy(before)
    whole.set_weights(core.get_weights())
    if isinstance(config.model, EmbeddingConfig) and config.model.eight_bits:
        whole.get_layer("embedding").round()
    return whole
