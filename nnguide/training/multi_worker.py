"""Keras's `fit` over several workers.

The stock one cannot do it (Keras 3.10 to 3.16). `MultiWorkerModel` overrides two public methods;
everything else of `fit` is Keras's own. Four conditions, each of which it fails without:

- the model is made outside the strategy's scope, then compiled and fitted inside: Keras skips its
  symbolic build, which cannot reduce;
- several steps of one execution are a plain loop: no collective runs inside `tf.cond`;
- the batches of `fit` have no end, and those of validation are cut so that no replica is without;
- the gradient of an embedding, which is as long as the batch has different ids, is reduced in
  executions of one step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from nnguide.training.callbacks import Interruption


class MultiWorkerModel(keras.Model):
    """A model whose `fit` runs in step on every worker.

    The strategy is a `MultiWorkerMirroredStrategy`.

    Attributes:
        asked: 1 where this worker was asked to stop, else 0.
        stops: whether any worker was asked to before the last step; the same on all.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.train_function: Any
        self.test_function: Any
        self.asked = tf.Variable(0.0, trainable=False)
        self.stops = False

    def make_train_function(self, force: bool = False) -> None:
        if self.train_function is not None and not force:
            return
        strategy, steps = tf.distribute.get_strategy(), self.steps_per_execution
        names: list[str] = []

        def step(batch: Any) -> Any:
            logs = self.train_step(batch)
            names[:] = sorted(logs)
            # One tensor, so one collective; what was asked of any worker travels along.
            return tf.stack([*(tf.cast(logs[name], tf.float32) for name in names), self.asked])

        @tf.function
        def several(iterator: Any) -> Any:
            for _ in tf.range(steps - 1):
                strategy.run(step, args=(next(iterator),))
            return strategy.reduce("MEAN", strategy.run(step, args=(next(iterator),)), axis=None)

        def train(iterator: Any) -> dict[str, Any]:
            *figures, asked = several(iterator).numpy().tolist()
            self.stops = asked > 0
            return dict(zip(names, figures, strict=True))

        self.train_function = train

    def make_test_function(self, force: bool = False) -> None:
        if self.test_function is not None and not force:
            return
        strategy = tf.distribute.get_strategy()

        @tf.function
        def step(batch: Any) -> None:
            strategy.run(self.test_step, args=(batch,))

        def test(iterator: Any) -> dict[str, Any]:
            for number in range(self.steps_per_execution):
                try:
                    batch = next(iterator)
                except (StopIteration, tf.errors.OutOfRangeError):
                    if number == 0:
                        raise StopIteration from None
                    break
                step(batch)
            return dict.fromkeys(self.get_metrics_result(), 0.0)  # `evaluate` reads the sums

        self.test_function = test

    def agree(self) -> bool:
        """Return whether any worker was asked to stop.

        Every worker calls this at the same point.
        """
        strategy = tf.distribute.get_strategy()

        @tf.function
        def asked() -> Any:
            return strategy.reduce("SUM", strategy.run(lambda: tf.identity(self.asked)), axis=None)

        return float(asked()) > 0


class SharedInterruption(Interruption):
    """End the training of all workers after one's Ctrl-C.

    Within `with` all end after the same step. The first Ctrl-C waits for that step; a second one
    ends this worker at once.
    """

    def _interrupt(self, number: int, frame: Any) -> None:
        if self.asked:
            super()._interrupt(number, frame)
        self.asked = True

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.asked:
            self.model.asked.assign(1.0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.model.stops:
            self.asked = True
            raise KeyboardInterrupt

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.on_train_batch_begin(0)  # asked while it was validating for the last time
        if self.model.agree():
            self.asked = True
            raise KeyboardInterrupt


class Steps(keras.callbacks.Callback):
    """Note each point of a training that all workers reach.

    Args:
        note: takes the epoch, from 1.
    """

    def __init__(self, note: Callable[[int], None]) -> None:
        super().__init__()
        self.note, self.epoch = note, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch + 1
        self.note(self.epoch)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.note(self.epoch)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.note(self.epoch)


def has_embedding(core: keras.Model) -> bool:
    """Return whether a gradient's shape depends on the batch."""
    return any(isinstance(layer, keras.layers.Embedding) for layer in core.layers)


def distributed(make: Callable[[], tf.data.Dataset]) -> Any:
    """Return this worker's data as `fit` takes it.

    `make` gives it; `fit` runs under the strategy's scope.
    """
    strategy = tf.distribute.get_strategy()
    return strategy.distribute_datasets_from_function(lambda context: make())
