"""Keras callbacks for schedules, early stopping and resuming.

Schedules are of dropout and L2. All of them work in any `model.fit`.
"""

from __future__ import annotations

import json
import math
import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nnguide.config import Ramp
from nnguide.errors import RunError, WorkError
from nnguide.files import atomic, parse_json
from nnguide.files.arrays import DAMAGE, read_npz
from nnguide.models.blocks import Dropout, Penalty


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    return list(model._flatten_layers(include_self=False, recursive=True))


class DropoutSchedule(keras.callbacks.Callback):
    """Move the rate of nnguide's `Dropout` layers along a ramp.

    It is logged as `dropout`. Those that hide whole tokens or words keep the rates of their own
    settings.

    Args:
        ramp: start, end and warm-up epochs; rates in [0, 1).
    """

    def __init__(self, ramp: Ramp) -> None:
        super().__init__()
        self.ramp = ramp

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for layer in _layers(self.model):
            if isinstance(layer, Dropout) and layer.whole is None:
                layer.rate.assign(self.ramp.at(epoch))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs["dropout"] = self.ramp.at(epoch)


class L2Schedule(keras.callbacks.Callback):
    """Move the L2 factor of every `Penalty` along a ramp.

    It is logged as `l2`. `penalty`, what all penalties add to the loss, is
    logged too at the end of the epoch.
    """

    def __init__(self, ramp: Ramp) -> None:
        super().__init__()
        self.ramp = ramp

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for layer in _layers(self.model):
            penalty = getattr(layer, "kernel_regularizer", None)
            if isinstance(penalty, Penalty):
                penalty.l2.assign(self.ramp.at(epoch))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs["l2"] = self.ramp.at(epoch)
            losses = [keras.ops.convert_to_numpy(loss) for loss in self.model.losses]
            logs["penalty"] = float(sum(map(float, losses)))


class NormalizationStatistics(keras.callbacks.Callback):
    """Measure BatchNormalization statistics again before each validation.

    Its moving averages remember how they started, and lag behind weights that move fast: after
    few steps a network that fits its examples well would answer others almost at random. Here
    the layers see training examples once more, without dropout, and keep the mean of what they
    measured. So validation, early stopping and calibration see the network that is saved.

    Args:
        batches: training examples as the network takes them, with anything beside them.

    Source: Wu & Johnson, Rethinking "Batch" in BatchNorm (2021), section 3.
    """

    def __init__(self, batches: Iterable[tuple[Any, Any]]) -> None:
        super().__init__()
        self.batches = batches
        self._measured = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._measured = False

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._measure()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._measure()  # where no validation did

    def _measure(self) -> None:
        if self._measured:
            return
        norms = normalizations(self.model)
        dropouts = [layer for layer in _layers(self.model) if isinstance(layer, Dropout)]
        momenta = [layer.momentum for layer in norms]
        rates = [float(keras.ops.convert_to_numpy(layer.rate)) for layer in dropouts]
        try:
            for layer in dropouts:
                layer.rate.assign(0.0)
            for number, (inputs, _) in enumerate(self.batches):
                for layer in norms:
                    layer.momentum = number / (number + 1)  # a moving average becomes the mean
                self.model(inputs, training=True)
        finally:
            for layer, momentum in zip(norms, momenta, strict=True):
                layer.momentum = momentum
            for layer, rate in zip(dropouts, rates, strict=True):
                layer.rate.assign(rate)
        self._measured = True


def normalizations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Return every BatchNormalization of a model."""
    norms = keras.layers.BatchNormalization
    return [layer for layer in _layers(model) if isinstance(layer, norms)]


class EarlyStopping(keras.callbacks.Callback):
    """Stop when the monitored metric no longer improves.

    The model ends with the best weights.

    Args:
        monitor: a key of the epoch's logs; `accuracy` in its name means more is better.
        patience: epochs without improvement before stopping; 0: never stop.
        restore_best: end with the best epoch's weights.

    Attributes:
        best: the best figure so far, or None before the first epoch ended.
        best_epoch: its epoch, from 0, or -1.

    Unlike Keras's own it can be saved and restored with `state` and `set_state`, so that a
    resumed training stops where the uninterrupted one would have.
    """

    def __init__(
        self, monitor: str = "val_loss", patience: int = 0, restore_best: bool = True
    ) -> None:
        super().__init__()
        self.monitor, self.patience, self.restore_best = monitor, patience, restore_best
        self.sign = 1 if "accuracy" in monitor else -1
        self.best: float | None = None
        self.best_epoch = -1
        self.weights: list[np.ndarray] = []
        self._epoch = -1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.monitor not in (logs or {}):
            raise WorkError(f"{self.monitor} is not measured; measured: {', '.join(logs or {})}")
        now = float((logs or {})[self.monitor])
        self._epoch = epoch
        if self.best is None or math.isnan(self.best) or self.sign * now > self.sign * self.best:
            self.best, self.best_epoch = now, epoch
            self.weights = self.model.get_weights()
        if self.exhausted:
            self.model.stop_training = True

    @property
    def exhausted(self) -> bool:
        """Whether the patience is used up."""
        return 0 < self.patience <= self._epoch - self.best_epoch

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.restore()

    def restore(self) -> None:
        """Give the model its best weights.

        Nothing changes if there are none, or if that was not asked for.
        """
        if self.restore_best and self.weights:
            self.model.set_weights(self.weights)

    def state(self) -> dict[str, Any]:
        """Return everything but the weights, as JSON values."""
        return {"best": self.best, "best_epoch": self.best_epoch, "epoch": self._epoch}

    def set_state(self, state: dict[str, Any], weights: list[np.ndarray]) -> None:
        """Continue from a saved state."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self._epoch = state["epoch"]
        self.weights = weights


class StopWhenNotFinite(keras.callbacks.Callback):
    """Stop as soon as the loss is NaN or infinite.

    The loss is that of training or of validation. The error says which.
    """

    def _check(self, when: str, logs: dict[str, Any] | None) -> None:
        for name in ("loss", "val_loss"):
            value = float((logs or {}).get(name, 0.0))
            if not math.isfinite(value):
                raise WorkError(
                    f"the {name} became {value} in {when}: the weights have diverged. "
                    "Try a lower train.learning_rate, and check that the inputs are scaled."
                )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._now = f"epoch {epoch + 1}"

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._check(self._now, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check(self._now, logs)


class Checkpoint(keras.callbacks.Callback):
    """Save after every epoch all that resuming needs.

    A resumed training continues as if it was never interrupted. The file is one .npz, written
    atomically. It has the model's variables (the state of its random generators among them), the
    optimizer's, the best weights, the early stopping's count and the history.

    Args:
        path: the file.
        stopping: the early stopping whose state travels along.
        identity: of the data and settings; a checkpoint of another identity is refused.
        writes: whether this process writes it; of several workers only one does.
    """

    def __init__(
        self, path: Path, stopping: EarlyStopping, identity: str, writes: bool = True
    ) -> None:
        super().__init__()
        self.path, self.stopping, self.identity, self.writes = path, stopping, identity, writes
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.save(epoch + 1)

    def save(self, epochs: int) -> None:
        """Write the state after `epochs` finished epochs."""
        meta = {
            "identity": self.identity,
            "epochs": epochs,
            "history": self.history,
            "stopping": self.stopping.state(),
        }
        arrays = {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}
        for kind, values in (
            ("model", [np.asarray(v) for v in self.model.variables]),
            ("optimizer", [np.asarray(v) for v in self.model.optimizer.variables]),
            ("best", self.stopping.weights),
        ):
            arrays.update({f"{kind}_{i:04d}": value for i, value in enumerate(values)})
        if not self.writes:  # it only took part in reading what workers share
            return
        with atomic(self.path) as beside, beside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def resume(self) -> int:
        """Restore the saved state, and return its finished epochs.

        Without a saved state that is 0.
        """
        if not self.path.exists():
            return 0
        try:
            meta, arrays = self._read()
            if meta["identity"] == self.identity:
                self._restore(meta, arrays)
        except DAMAGE as error:
            raise RunError(f"{self.path} is damaged ({error}). Start over with --force.") from error
        if meta["identity"] != self.identity:
            raise RunError(
                f"{self.path.parent}: its data or settings have changed since it was "
                "interrupted. Start over with --force."
            )
        return meta["epochs"]

    def _restore(self, meta: dict[str, Any], arrays: dict[str, list[np.ndarray]]) -> None:
        """Set the state that was read.

        Raises:
            ValueError: it does not fit the model or itself.
        """
        epochs, history, stopping = meta["epochs"], meta["history"], meta["stopping"]
        if not all(len(values) == epochs for values in history.values()):
            raise ValueError(f"expected a history of {epochs} epochs")
        if not -1 <= stopping["best_epoch"] <= stopping["epoch"] < epochs:
            raise ValueError("its best epoch is not among its epochs")
        self.model.optimizer.build(self.model.trainable_variables)
        self.stopping.set_state(stopping, _fitting(arrays["best"], self.model.weights))
        variables, optimizer = self.model.variables, self.model.optimizer.variables
        for owner, mine in (("model", variables), ("optimizer", optimizer)):
            for variable, value in zip(mine, _fitting(arrays[owner], mine), strict=True):
                variable.assign(value)
        self.history = {name: [float(v) for v in values] for name, values in history.items()}

    def _read(self) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
        """Read the saved state.

        It is what was counted, and the arrays of each kind in their order.
        """
        arrays: dict[str, list[np.ndarray]] = {"model": [], "optimizer": [], "best": []}
        saved = read_npz(self.path)
        meta = parse_json(saved.pop("meta").tobytes().decode("utf-8"))
        for name in sorted(saved):
            arrays[name.partition("_")[0]].append(saved[name])
        return meta, arrays


def _fitting(arrays: list[np.ndarray], variables: list[Any]) -> list[np.ndarray]:
    """Return the arrays, checked to fit the variables."""
    shapes, wanted = [a.shape for a in arrays], [tuple(v.shape) for v in variables]
    if shapes != wanted:
        raise ValueError(f"expected arrays of shapes {wanted}; got {shapes}")
    if not all(np.issubdtype(array.dtype, np.number) for array in arrays):
        raise ValueError("expected arrays of numbers")
    return arrays


class Interruption(keras.callbacks.Callback):
    """End the training after Ctrl-C, within `with`.

    It ends even if another library's bare `except:` swallows the exception. Python raises
    KeyboardInterrupt wherever it stands, also inside a library that catches all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if callable(handler):  # what it does stays as it is
                    self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, frame: Any) -> None:
        self.asked = True
        self._before[number](number, frame)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.asked:
            raise KeyboardInterrupt


class LearningRate(keras.callbacks.Callback):
    """Log the learning rate at the end of each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            rate = self.model.optimizer.learning_rate  # a number, a variable or a mirrored one
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(rate))


class Record(keras.callbacks.Callback):
    """Keep the history where no checkpoint does."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
