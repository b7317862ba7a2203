"""Fitting: the gradient of a full batch, schedules in the history, early stopping, clear ends."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnguide import data, logs, tasks
from nnguide.data.examples import Examples
from nnguide.errors import ConfigError, InputError, RunError, WorkError

tf: Any = logs.tensorflow()

import keras  # noqa: E402

from nnguide.data.splits import training_and_validation  # noqa: E402
from nnguide.evaluation.evaluate import measure  # noqa: E402
from nnguide.models.saving import preprocessor  # noqa: E402
from nnguide.training import pipeline  # noqa: E402
from nnguide.training.cluster import Cluster  # noqa: E402
from nnguide.training.configure import configure  # noqa: E402
from nnguide.training.fit import fit, identity  # noqa: E402
from nnguide.training.runtime import Runtime  # noqa: E402
from nnguide.training.samples import _weights  # noqa: E402


class Begin(keras.callbacks.Callback):
    """Keeps the weights that training starts from."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.weights = self.model.get_weights()


def slope(
    core: keras.Model, weights: list[np.ndarray], x: Any, y: np.ndarray, w: np.ndarray, loss: Any
) -> list[np.ndarray]:
    """The gradient of the weighted mean loss over all examples, penalties included."""
    core.set_weights(weights)
    with tf.GradientTape() as tape:
        each = tf.stack([loss(y[i : i + 1], core(x[i : i + 1])) for i in range(len(y))])
        total = tf.reduce_mean(each * w) + sum(core.losses)
    return [np.asarray(g) for g in tape.gradient(total, core.trainable_weights)]


@pytest.mark.parametrize("size", [16, 4096])
def test_a_full_batch_is_one_update_along_the_mean_gradient(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """54 examples in slices of 16 leave a remainder, which is filled with nothing."""
    monkeypatch.setattr(pipeline, "SLICE", size)
    training = tiny.examples("digits", 60).take(np.arange(54))
    config = tiny.config(
        "digits",
        "train.batch_size=full",
        "train.optimizer=sgd",
        "train.learning_rate=0.5",
        "train.epochs=1",
        "train.class_weight=balanced",
        "model.dropout=0",
        "model.l1=0.001",
        "model.l2=0.01",
    )
    begin = Begin()
    fitted = tiny.fitted("digits", config, training, callbacks=[begin])
    head = tasks.get("digits").head(10)
    core = fitted.model.get_layer("core")
    after = [np.asarray(w) for w in core.trainable_weights]
    slopes = slope(
        core,
        begin.weights,
        fitted.model.layers[1](training.inputs),
        head.targets(training.labels),
        _weights(config, training.labels),
        head.loss(),
    )
    before = [np.asarray(w) for w in core.trainable_weights]
    for was, now, g in zip(before, after, slopes, strict=True):
        np.testing.assert_allclose(was - now, 0.5 * g, atol=2e-6)
        assert np.abs(g).max() > 0


def test_a_full_batch_follows_its_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    """One update an epoch, so the rate falls once an epoch, however many slices there are."""
    training = tiny.examples("digits", 60)
    config = tiny.config(
        "digits", "train.batch_size=full", "train.epochs=3", "train.schedule=exponential"
    )
    expected = [config.train.learning_rate * 0.01 ** (epoch / 3) for epoch in (1, 2, 3)]
    monkeypatch.setattr(pipeline, "SLICE", 16)
    history = tiny.fitted("digits", config, training).history
    np.testing.assert_allclose(history["learning_rate"], expected, rtol=1e-4)


def test_schedules_are_in_the_history() -> None:
    config = tiny.config(
        "digits",
        "train.dropout_schedule.warmup=2",
        "train.dropout_schedule.end=0.4",
        "train.l2_schedule.warmup=1",
        "train.l2_schedule.end=0.01",
    )
    fitted = tiny.fitted("digits", config, tiny.examples("digits", 100))
    assert fitted.history["dropout"] == pytest.approx([0, 0.2, 0.4])
    assert fitted.history["l2"] == pytest.approx([0, 0.01, 0.01])
    assert fitted.history["penalty"][0] == 0 < fitted.history["penalty"][2]


def test_early_stopping_ends_with_the_best_weights() -> None:
    """A rate far too high makes the validation loss jump about."""
    whole = tiny.examples("digits", 160)
    training, held = whole.take(np.arange(0, 110)), whole.take(np.arange(110, len(whole)))
    config = tiny.config("digits", "train.epochs=30", "train.patience=2", "train.learning_rate=0.3")
    fitted = tiny.fitted("digits", config, training, held)
    losses = fitted.history["val_loss"]
    assert fitted.epochs == len(losses) < 30
    assert fitted.best_epoch == int(np.argmin(losses)) + 1 == fitted.epochs - 2
    head = tasks.get("digits").head(10)
    answers = fitted.model.predict(held.inputs.astype(np.float32), verbose=0)
    got = float(head.loss()(head.targets(held.labels), answers))
    assert got == pytest.approx(losses[fitted.best_epoch - 1], rel=1e-3)


@pytest.mark.parametrize(
    ("task", "more"),
    [
        ("digits", ("model.kind=dense",)),
        ("digits", ("model.kind=cnn", "model.filters=8", "model.test_time_shift=1")),
        ("digits", ("model.kind=dense", "train.batch_size=full", "train.epochs=1")),
        ("spam", ()),
    ],
)
def test_few_steps_leave_no_stale_statistics(task: str, more: tuple[str, ...]) -> None:
    """Outside of training a network answers as in it: by the statistics of what it learned from."""
    training = tiny.examples(task, 100)
    config = tiny.config(task, "train.epochs=2", *more, "model.batch_norm=true", "model.dropout=0")
    words = ("model.word_dropout=0", "model.token_dropout=0") if task == "spam" else ()
    fitted = tiny.fitted(task, config.override(words), training, training)
    core, layer = fitted.model.get_layer("core"), preprocessor(fitted.model)
    if task == "spam":
        training_inputs = layer(tf.constant([text.encode() for text in training.inputs]))
    else:
        training_inputs = layer(training.inputs)
    answers = np.asarray(core(training_inputs, training=True))
    head = tasks.get(task).head(len(training.label_names))
    loss = float(head.loss()(head.targets(training.labels), answers))
    assert fitted.history["val_loss"][fitted.best_epoch - 1] == pytest.approx(loss, rel=1e-3)


def test_training_sees_one_view_and_the_network_that_it_leaves_several() -> None:
    """The views cost time and teach nothing, so the same weights come out with and without them."""
    training = tiny.examples("digits", 60)
    settings = ("model.kind=cnn", "model.filters=8,4", "train.epochs=2")
    one = tiny.fitted("digits", tiny.config("digits", *settings), training, training)
    nine = tiny.fitted(
        "digits", tiny.config("digits", *settings, "model.test_time_shift=1"), training, training
    )
    assert nine.history == one.history
    for mine, other in zip(one.model.get_weights(), nine.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    core = nine.model.get_layer("core")
    assert core.get_layer("views").count == 9 and core.get_layer("mean_of_views").count == 9
    pictures = training.inputs.astype(np.float32)
    answers = [fitted.model.predict(pictures, verbose=0) for fitted in (one, nine)]
    assert not np.allclose(*answers, atol=1e-3)


def test_a_dense_network_reads_digits_after_fifty_steps() -> None:
    source = data.find("digits", "optdigits")
    config = configure(
        "digits",
        settings={
            "model": {"kind": "dense", "hidden": [256, 64], "batch_norm": True, "dropout": 0.1},
            "train": {"epochs": 5, "batch_size": 128, "steps_per_execution": 1},
        },
    )
    training, held = training_and_validation(config, source.load("train"))
    fitted = tiny.fitted("digits", config, training, held)
    assert fitted.history["val_accuracy"][-1] > 0.85
    test = source.load("test")
    assert measure(tasks.get("digits"), fitted.model, test, None)["accuracy"] > 0.85


def test_a_loss_that_runs_away_is_a_clear_word() -> None:
    config = tiny.config("digits", "train.optimizer=sgd", "train.learning_rate=1e9")
    with pytest.raises(WorkError, match=r"in epoch \d.*lower train\.learning_rate"):
        tiny.fitted("digits", config, tiny.examples("digits", 100))


def test_rare_labels_weigh_more() -> None:
    labels = np.array([0] * 90 + [2] * 10)
    weights = _weights(tiny.config("spam", "train.class_weight=balanced"), labels)
    assert weights.dtype == np.float32
    assert weights.mean() == pytest.approx(1)
    assert weights[:90].sum() == pytest.approx(weights[90:].sum(), rel=1e-5)
    np.testing.assert_array_equal(_weights(tiny.config("spam"), labels), 1)


def test_the_division_is_stratified_seeded_and_keeps_equal_texts_together() -> None:
    texts = np.array([f"text {n % 40}" for n in range(80)], object)
    examples = Examples(texts, np.arange(80) % 40 % 2, ("ham", "spam"))
    config = tiny.config("spam", "data.validation=0.2")
    training, held = training_and_validation(config, examples)
    assert not set(training.inputs) & set(held.inputs)
    assert held.counts() == {"ham": 8, "spam": 8}
    assert training_and_validation(config, examples)[1].inputs.tolist() == held.inputs.tolist()
    other = training_and_validation(tiny.config("spam", "data.split_seed=1"), examples)[1]
    assert other.inputs.tolist() != held.inputs.tolist()


def test_one_label_alone_cannot_be_learned() -> None:
    only = Examples(np.array(["a", "b"], object), np.zeros(2, int), ("ham", "spam"))
    with pytest.raises(InputError, match="at least two labels to learn from; got only ham"):
        training_and_validation(tiny.config("spam"), only)
    with pytest.raises(InputError, match="got only none"):
        training_and_validation(tiny.config("spam"), only.take(np.arange(0)))


def test_the_identity_is_of_settings_and_data() -> None:
    config, texts = tiny.config("spam"), np.array(["a", "b", "c"], object)
    one = Examples(texts, np.array([0, 1, 0]), ("ham", "spam"))
    relabelled = Examples(texts, np.array([0, 1, 1]), ("ham", "spam"))
    joined = Examples(np.array(["ab", "", "c"], object), one.labels, one.label_names)
    hashes = {
        identity(config, one),
        identity(config, joined),
        identity(config, relabelled),
        identity(config, one, one),
        identity(config, one, relabelled),
        identity(tiny.config("spam", "train.seed=1"), one),
    }
    assert len(hashes) == 6
    assert identity(config, one, None) == identity(config, one)


def test_a_checkpoint_of_other_validation_data_is_refused(tmp_path: Path) -> None:
    whole = tiny.examples("digits", 100)
    config = tiny.config("digits", "train.epochs=1")
    path = tmp_path / "c.npz"
    tiny.fitted("digits", config, whole, whole.take(np.arange(9)), checkpoint=path)
    with pytest.raises(RunError, match="have changed"):
        tiny.fitted("digits", config, whole, whole.take(np.arange(8)), checkpoint=path)


@pytest.mark.parametrize(
    ("batch_size", "validation", "words"),
    [
        ("full", None, r"runtime\.strategy none"),
        ("1", None, "leaves some of the 2 replicas without any"),
        ("30", 1, "validation set has 1 examples for 2 replicas"),
    ],
)
def test_what_several_replicas_cannot_do_is_refused(
    monkeypatch: pytest.MonkeyPatch, batch_size: str, validation: int | None, words: str
) -> None:
    monkeypatch.setattr(pipeline, "SLICE", 16)
    workers = Cluster(("a:1", "b:1"), 0, "--workers")
    two = Runtime("float32", "multi_worker", ("a",), "", contextlib.nullcontext, cluster=workers)
    config = tiny.config("digits", f"train.batch_size={batch_size}")
    whole = tiny.examples("digits", 60)
    held = None if validation is None else whole.take(np.arange(validation))
    with pytest.raises(ConfigError, match=words):
        fit(tasks.get("digits"), config, whole, held, two)


@pytest.mark.parametrize("task", tasks.names())
def test_an_interruption_before_an_epoch_ends_is_passed_on(task: str) -> None:
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny.fitted(task, tiny.config(task), tiny.examples(task, 100), callbacks=[Interrupt()])
