"""Input pipeline: each batch depends on seed and step alone.

So a training that is resumed at step k sees exactly what the uninterrupted one would have
seen, without a shuffle buffer or a generator's state to save.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nnguide.preprocessing.picture_rows import PictureRows
from nnguide.preprocessing.token_rows import TokenRows

SLICE = 4096  # examples at a time when a full batch is gathered
AHEAD = 4  # batches made before they are asked for
READ = (TokenRows, PictureRows)  # inputs that are read when a batch needs them


@dataclass(frozen=True)
class Plan:
    """Division of an epoch into steps.

    Attributes:
        batch: examples a step, a multiple of the number of replicas.
        steps: steps an epoch.
        steps_per_execution: steps that a call of the compiled training
            function runs; divides `steps`.
        accumulation_steps: steps whose gradients make one update.
        padding: examples of weight 0 that fill the last slice of a full batch.
    """

    batch: int
    steps: int
    steps_per_execution: int = 1
    accumulation_steps: int = 1
    padding: int = 0


def plan(
    examples: int, batch_size: int | str, replicas: int = 1, steps_per_execution: int = 1
) -> Plan:
    """Divide `examples` into steps.

    At most `steps_per_execution` of them run at once. A mini-batch epoch drops what is left over
    after whole batches, and the fewer than steps / steps_per_execution batches that would make runs
    of unequal length: other examples each time, since each epoch is shuffled. A full batch drops
    nothing.
    """
    if batch_size == "full":
        accumulation_steps = math.ceil(examples / SLICE)
        batch = math.ceil(examples / accumulation_steps / replicas) * replicas
        return Plan(
            batch, accumulation_steps, 1, accumulation_steps, batch * accumulation_steps - examples
        )
    batch = max(min(int(batch_size), examples) // replicas, 1) * replicas
    steps = max(examples // batch, 1)
    executions = math.ceil(steps / steps_per_execution)
    return Plan(batch, steps - steps % executions, steps // executions)


class Share(NamedTuple):
    """Part of each batch that one worker makes.

    A batch has equal parts, one for each replica.

    Attributes:
        first: the number of its first part.
        parts: how many it makes.
        replicas: how many parts a batch has.
    """

    first: int = 0
    parts: int = 1
    replicas: int = 1


WHOLE = Share()


def batches(
    inputs: Any,
    targets: np.ndarray,
    plan: Plan,
    *,
    epochs: range,
    seed: int,
    weights: np.ndarray,
    augment: Callable[[Any, Any, slice], Any] | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Return batches of (inputs, targets, weights) for `epochs`.

    Args:
        inputs: (n, …) array or PictureRows, or the ids of texts, a tf.RaggedTensor or TokenRows,
            which are padded batch by batch.
        targets: (n, nodes) float32.
        plan: how an epoch is cut.
        epochs: the epochs to make, by number.
        seed: of the order and of the augmentation.
        weights: (n,) float32, each example's weight in the loss; their mean is 1.
        augment: (inputs of a batch, seed (2,), rows) -> those rows, changed again each time;
            None: never.
        preprocess: applied after it; None: nothing.
        share: the parts of each batch to make, each a batch of its own.
    """
    n = len(targets)
    take = gatherer(inputs)
    goal, weight = tf.constant(targets), tf.constant(weights, tf.float32)
    per_epoch, size = plan.batch * plan.steps, plan.batch // share.replicas

    def make(number: Any) -> tuple[Any, Any, Any]:
        step = number // share.parts
        first = (share.first + number % share.parts) * size
        epoch = tf.cast(step // plan.steps, tf.int32)
        order = tf.stack([tf.constant(seed % 2**31, tf.int32), epoch])

        def chosen(place: Any) -> Any:
            place += step % plan.steps * plan.batch
            real = place < n  # beyond it: padding of a full batch
            indices = tf.random.experimental.index_shuffle(
                place % n, order, tf.constant(n - 1, tf.int64)
            )
            return indices, real

        indices, real = chosen(first + tf.range(size, dtype=tf.int64))
        if augment is None:
            x = take(indices)
        else:  # random numbers go by the place in the batch, whoever makes it
            whole, _ = chosen(tf.range(plan.batch, dtype=tf.int64))
            seeds = tf.stack([tf.constant(seed % 2**31, tf.int32), tf.cast(step, tf.int32)])
            x = augment(take(whole), seeds, slice(first, first + size))
        if isinstance(x, tf.RaggedTensor):
            x = padded(x)
        if preprocess is not None:
            x = preprocess(x)
        # So that the mean over padded slices is the mean over the real examples.
        scale = per_epoch / n if plan.padding else 1.0
        w = tf.gather(weight, indices) * tf.cast(real, tf.float32) * scale
        return x, tf.gather(goal, indices), w

    steps = slice(epochs.start * plan.steps, epochs.stop * plan.steps)
    return (
        tf.data.Dataset.range(steps.start * share.parts, steps.stop * share.parts)
        .map(make, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(AHEAD)
        .with_options(_options())
    )


def gatherer(inputs: Any) -> Callable[[Any], Any]:
    """Return a function that takes inputs by their places.

    The places are (k,) int64.
    """
    if isinstance(inputs, READ):
        return inputs.gather
    data = inputs if isinstance(inputs, tf.RaggedTensor) else tf.constant(inputs)
    return lambda places: tf.gather(data, places)


def _options() -> tf.data.Options:
    """Return options with a fixed number of parallel calls.

    There are as many as TensorFlow has threads, and that number is not tuned. The tuner of
    TensorFlow 2.21 sleeps twice as long after each look, up to a minute, and at times nothing wakes
    it when the pipeline ends: `fit` then returned up to a minute late.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def padded(rows: tf.RaggedTensor) -> tf.Tensor:
    """Pad rows of ids with 0 to (batch, longest).

    A row is at least one wide, since nothing cannot be pooled.
    """
    ids = rows.to_tensor()
    return tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])


def in_order(
    inputs: Any,
    targets: np.ndarray,
    preprocess: Callable[[Any], Any] | None,
    replicas: int = 1,
    batch: int = 512,
) -> tf.data.Dataset:
    """Return batches of (inputs, targets) in order, for validation.

    Each example comes once. The first batch is a multiple of the replicas, without which Keras
    cannot begin.
    """
    batch = max(min(batch, len(targets)) // replicas, 1) * replicas
    if isinstance(inputs, READ):
        return _read_in_order(inputs, targets, preprocess, batch)

    def make(rows: Any, goal: Any) -> tuple[Any, Any]:
        x = padded(rows) if isinstance(rows, tf.RaggedTensor) else rows
        return (x if preprocess is None else preprocess(x)), goal

    return (
        tf.data.Dataset.from_tensor_slices((inputs, targets))
        .batch(batch)
        .map(make, num_parallel_calls=tf.data.AUTOTUNE)
        .cache()
        .prefetch(AHEAD)
        .with_options(_options())
    )


def _read_in_order(
    inputs: TokenRows | PictureRows,
    targets: np.ndarray,
    preprocess: Callable[[Any], Any] | None,
    batch: int,
) -> tf.data.Dataset:
    """Return the same batches of inputs too many to keep."""
    goal, size = tf.constant(targets), tf.constant(len(targets), tf.int64)

    def make(start: Any) -> tuple[Any, Any]:
        places = tf.range(start, tf.minimum(start + batch, size))
        x = inputs.gather(places)
        x = padded(x) if isinstance(x, tf.RaggedTensor) else x
        return (x if preprocess is None else preprocess(x)), tf.gather(goal, places)

    return (
        tf.data.Dataset.range(0, len(targets), batch)
        .map(make, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(AHEAD)
        .with_options(_options())
    )


def shared_in_order(
    inputs: Any,
    targets: np.ndarray,
    preprocess: Callable[[Any], Any] | None,
    share: Share,
    batch: int = 512,
) -> tf.data.Dataset:
    """Return a worker's parts of what `in_order` gives.

    Each row comes once, and no part is empty. There are as many rows as replicas, or more.
    """
    n = len(targets)
    steps = min(math.ceil(n / batch), n // share.replicas)
    bounds = np.arange(steps * share.replicas + 1) * n // (steps * share.replicas)
    mine = [
        step * share.replicas + share.first + place
        for step in range(steps)
        for place in range(share.parts)
    ]
    goal, take = tf.constant(targets), gatherer(inputs)

    def make(start: Any, stop: Any) -> tuple[Any, Any]:
        places = tf.range(start, stop)
        x = take(places)
        x = padded(x) if isinstance(x, tf.RaggedTensor) else x
        return (x if preprocess is None else preprocess(x)), tf.gather(goal, places)

    made = tf.data.Dataset.from_tensor_slices((bounds[mine], bounds[np.array(mine) + 1])).map(
        make, num_parallel_calls=tf.data.AUTOTUNE
    )
    return (
        (made if isinstance(inputs, READ) else made.cache())
        .prefetch(AHEAD)
        .with_options(_options())
    )
