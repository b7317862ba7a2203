"""Schedules that take effect in a compiled `fit`, early stopping, and clear ends."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import logs
from nnguide.config import Ramp
from nnguide.errors import RunError, WorkError

logs.tensorflow()

import keras  # noqa: E402
from keras import ops  # noqa: E402

from nnguide.models.blocks import Dropout, Penalty  # noqa: E402
from nnguide.training.callbacks import (  # noqa: E402
    Checkpoint,
    DropoutSchedule,
    EarlyStopping,
    Interruption,
    L2Schedule,
    StopWhenNotFinite,
)


def prediction_is_loss(y_true: Any, y_pred: Any) -> Any:
    return ops.mean(y_pred, axis=-1)


def test_a_dropout_schedule_takes_effect_in_a_compiled_fit() -> None:
    """The loss is the fraction of zeros behind the layer, so it shows the rate that acted."""
    inputs = keras.Input((2000,), name="x")
    dropped = keras.Model(inputs, Dropout(0.9, seed=0)(inputs))  # nested: found there too
    zeros = ops.mean(ops.cast(ops.equal(dropped(inputs), 0), "float32"), axis=-1, keepdims=True)
    model = keras.Model(inputs, zeros)
    model.compile("sgd", prediction_is_loss)
    ramp = Ramp(0.0, 0.6, 3)
    x = np.ones((64, 2000), np.float32)
    history = model.fit(
        x, x[:, :1], batch_size=16, epochs=5, verbose=0, callbacks=[DropoutSchedule(ramp)]
    ).history
    np.testing.assert_allclose(history["loss"], [0, 0.2, 0.4, 0.6, 0.6], atol=0.01)
    assert history["dropout"] == pytest.approx([0, 0.2, 0.4, 0.6, 0.6])


def test_a_dropout_schedule_leaves_whole_tokens_alone() -> None:
    inputs = keras.Input((3, 4), name="x")
    tokens, units = Dropout(0.1, whole=(None, 1)), Dropout(0.2)
    schedule = DropoutSchedule(Ramp(0.5, 0.5, 1))
    schedule.set_model(keras.Model(inputs, units(tokens(inputs))))
    schedule.on_epoch_begin(0)
    assert (float(tokens.rate), float(units.rate)) == pytest.approx((0.1, 0.5))


def test_an_l2_schedule_takes_effect_in_a_compiled_fit() -> None:
    """With a learning rate of nothing, only the penalty can change the loss."""
    inputs = keras.Input((3,), name="x")
    layer = keras.layers.Dense(1, kernel_regularizer=Penalty(l1=0.5, l2=9.0))
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x, y = np.ones((8, 3), np.float32), np.zeros((8, 1), np.float32)
    w = np.asarray(layer.kernel)
    ramp = Ramp(0.1, 0.3, 2)
    history = model.fit(x, y, epochs=4, verbose=0, callbacks=[L2Schedule(ramp)]).history
    penalty = 0.5 * np.abs(w).sum() + np.array([0.1, 0.2, 0.3, 0.3]) * (w**2).sum()
    error = w.sum() ** 2
    np.testing.assert_allclose(history["loss"], error + penalty, rtol=1e-4)
    np.testing.assert_allclose(history["penalty"], penalty, rtol=1e-5)
    assert history["l2"] == pytest.approx([0.1, 0.2, 0.3, 0.3])


def test_a_stock_layer_would_not_have_moved() -> None:
    """Why the layers are ours: Keras's Dropout keeps the rate it was traced with."""
    inputs = keras.Input((2000,), name="x")
    stock = keras.layers.Dropout(0.0, seed=0)
    zeros = ops.mean(ops.cast(ops.equal(stock(inputs), 0), "float32"), axis=-1, keepdims=True)
    model = keras.Model(inputs, zeros)
    model.compile("sgd", prediction_is_loss)
    x = np.ones((16, 2000), np.float32)
    model.fit(x, x[:, :1], verbose=0)
    stock.rate = 0.9
    assert model.fit(x, x[:, :1], verbose=0).history["loss"] == [0.0]


class Weights:
    """A stand-in for a model: its weights are a number."""

    def __init__(self) -> None:
        self.value, self.stop_training = 0.0, False

    def get_weights(self) -> list[np.ndarray]:
        return [np.array(self.value)]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self.value = float(weights[0])


def watch(stopping: EarlyStopping, figures: list[float], start: int = 0) -> tuple[Weights, int]:
    """Feed a figure an epoch, as `fit` would; the model, and how many epochs ran."""
    model = Weights()
    stopping.set_model(model)  # type: ignore[arg-type]
    for epoch, figure in enumerate(figures, start=start):
        model.value = epoch
        stopping.on_epoch_end(epoch, {stopping.monitor: figure})
        if model.stop_training:
            break
    return model, epoch + 1


@pytest.mark.parametrize(
    ("figures", "patience", "epochs", "best"),
    [
        ([3, 2, 1, 2, 3, 0], 2, 5, 2),
        ([3, 2, 1, 2, 3, 0], 3, 6, 5),
        ([3, 2, 1, 2, 3, 0], 0, 6, 5),
        ([1, 1, 1, 1], 2, 3, 0),  # no lower is no better
        ([1, 2], 1, 2, 0),
        ([float("nan"), 2, 1], 0, 3, 2),
        ([2, float("nan"), float("nan")], 2, 3, 0),
    ],
)
def test_patience_counts_epochs_without_a_lower_loss(
    figures: list[float], patience: int, epochs: int, best: int
) -> None:
    stopping = EarlyStopping(patience=patience)
    model, ran = watch(stopping, figures)
    assert (ran, stopping.best_epoch) == (epochs, best)
    assert stopping.best == figures[best]
    stopping.on_train_end()
    assert model.value == best


def test_more_accuracy_is_better() -> None:
    stopping = EarlyStopping("val_accuracy", patience=2)
    _, ran = watch(stopping, [0.1, 0.5, 0.5, 0.4, 0.9])
    assert (ran, stopping.best_epoch) == (4, 1)


def test_the_last_weights_stay_where_that_is_asked() -> None:
    stopping = EarlyStopping(patience=2, restore_best=False)
    model, _ = watch(stopping, [1, 2, 3])
    stopping.on_train_end()
    assert model.value == 2


def test_what_is_not_measured_cannot_be_watched() -> None:
    with pytest.raises(WorkError, match="val_loss is not measured; measured: loss"):
        EarlyStopping().on_epoch_end(0, {"loss": 1.0})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=12), st.integers(0, 4), st.integers(1, 11))
def test_a_resumed_stopping_stops_where_the_uninterrupted_one_did(
    figures: list[float], patience: int, cut: int
) -> None:
    whole = EarlyStopping(patience=patience)
    _, ran = watch(whole, figures)
    first = EarlyStopping(patience=patience)
    _, so_far = watch(first, figures[:cut])
    second = EarlyStopping(patience=patience)
    second.set_state(first.state(), first.weights)
    if not second.exhausted and so_far < len(figures):
        _, so_far = watch(second, figures[so_far:], so_far)
    assert (so_far, second.state()) == (ran, whole.state())
    assert second.weights == whole.weights


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_not_finite_stops(value: float) -> None:
    guard = StopWhenNotFinite()
    guard.on_epoch_begin(2)
    guard.on_train_batch_end(0, {"loss": 1.0})
    guard.on_epoch_end(2, {"loss": 1.0, "val_loss": 2.0})
    with pytest.raises(WorkError, match=r"the loss became .* in epoch 3.*learning_rate"):
        guard.on_train_batch_end(1, {"loss": value})
    with pytest.raises(WorkError, match="the val_loss became"):
        guard.on_epoch_end(2, {"loss": 1.0, "val_loss": value})


def fresh(path: Path, identity: str = "a") -> tuple[keras.Model, Checkpoint]:
    inputs = keras.Input((4,), name="x")
    dropped = Dropout(0.5)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="out")(dropped))
    model.compile(keras.optimizers.Adam(0.1), "mse")
    checkpoint = Checkpoint(path, EarlyStopping("loss"), identity)
    checkpoint.set_model(model)
    checkpoint.stopping.set_model(model)
    return model, checkpoint


def test_a_checkpoint_holds_everything(tmp_path: Path) -> None:
    """Weights, the optimizer's state, random generators, the best weights and the history."""
    keras.utils.set_random_seed(1)  # the second epoch is the better one: its weights stay
    x, y = np.ones((8, 4), np.float32), np.ones((8, 2), np.float32)
    model, checkpoint = fresh(tmp_path / "c.npz")
    assert checkpoint.resume() == 0
    history = model.fit(
        x, y, epochs=2, verbose=0, callbacks=[checkpoint.stopping, checkpoint]
    ).history
    assert history["loss"][1] < history["loss"][0]
    other, again = fresh(tmp_path / "c.npz")
    assert again.resume() == 2
    assert again.history == checkpoint.history
    assert again.stopping.state() == checkpoint.stopping.state()
    for mine, its in zip(again.stopping.weights, checkpoint.stopping.weights, strict=True):
        np.testing.assert_array_equal(mine, its)
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])
    assert again.resume() == 2
    for one in (model, other):
        one.fit(x, y, epochs=1, verbose=0)
    for mine, its in zip(other.variables, model.variables, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    _, checkpoint = fresh(tmp_path / "c.npz")
    checkpoint.save(1)
    with pytest.raises(RunError, match=r"have changed.*--force"):
        fresh(tmp_path / "c.npz", "b")[1].resume()


@pytest.mark.parametrize("harm", ["empty", "cut", "flipped", "other"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "c.npz"
    _, checkpoint = fresh(path)
    checkpoint.save(1)
    content = bytearray(path.read_bytes())
    if harm == "other":
        np.savez(path, x=np.zeros(3))
    else:
        content[200] ^= 0xFF
        path.write_bytes({"empty": b"", "cut": content[:500], "flipped": content}[harm])
    with pytest.raises(RunError, match=r"damaged.*--force"):
        fresh(path)[1].resume()


def test_namespace_models_suffice() -> None:
    """The schedules look at layers only: a model without ours is left alone."""
    model = SimpleNamespace(_flatten_layers=lambda **_: [], losses=[])
    for schedule in (DropoutSchedule(Ramp(0.1, 0.2, 2)), L2Schedule(Ramp(0.1, 0.2, 2))):
        schedule.set_model(model)  # type: ignore[arg-type]
        logs: dict[str, Any] = {}
        schedule.on_epoch_begin(1)
        schedule.on_epoch_end(1, logs)
        assert 0.15 in [pytest.approx(value) for value in logs.values()]


def test_a_ctrl_c_that_a_library_swallows_still_ends_the_training() -> None:
    class Swallowing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            with contextlib.suppress(BaseException):
                os.kill(os.getpid(), signal.SIGINT)

    # a command that ran in this process before has its own
    signal.signal(signal.SIGINT, signal.default_int_handler)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.zeros((4, 2), np.float32)
    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        model.fit(x, x[:, :1], epochs=50, verbose=0, callbacks=[Swallowing(), interruption])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
