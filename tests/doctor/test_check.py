"""What `nnguide.doctor.check` promises beside its rules."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest
from keras import layers

from nnguide import doctor
from nnguide.doctor import rules
from nnguide.errors import ConfigError, InputError


def network(**more) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(16, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **more)
    return model


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 6)).astype("float32")
    return x, x[:, :3].argmax(axis=1)


def values(variables) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def test_the_model_and_all_randomness_are_as_before(data):
    model = network()
    model.fit(*data, epochs=1, verbose=0)
    fresh = network()
    before = values([*model.variables, *model.optimizer.variables, *fresh.variables])
    np.random.seed(3)
    state, python = np.random.get_state()[1].copy(), random.getstate()
    doctor.check(model, data)
    doctor.check(fresh, data)
    after = values([*model.variables, *model.optimizer.variables, *fresh.variables])
    for was, now in zip(before, after, strict=True):
        np.testing.assert_array_equal(was, now)
    assert (np.random.get_state()[1] == state).all()
    assert random.getstate() == python
    assert "call" not in vars(model.layers[0])
    model.fit(*data, epochs=1, verbose=0)


def test_the_same_report_twice(data):
    keras.utils.set_random_seed(0)
    model = network()
    model.optimizer.learning_rate = 10.0
    first, second = doctor.check(model, data), doctor.check(model, data)
    assert first.to_dict() == second.to_dict()
    assert [finding.id for finding in first.findings] == ["rate-too-large"]


def test_every_rule_is_found_passed_not_run_or_silenced(data):
    report = doctor.check(network(), data, silence=["ordered-data"])
    ids = [f.id for f in report.findings] + list(report.passed) + list(report.not_run)
    assert sorted([*ids, *report.silenced]) == sorted(rules.RULES)
    assert report.silenced == ("ordered-data",)


def test_a_probe_is_not_run_where_batch_norm_makes_it_chance(data):
    x, y = data
    report = doctor.check(network(), (x[:24], y[:24]))
    for rule in ("rate-too-large", "rate-too-small"):
        assert report.not_run[rule].startswith("batch normalization over 6 rows is too noisy")
    assert "rate-too-large" in doctor.check(network(), data).passed


def test_what_lacks_is_not_run_and_not_passed():
    model = network()
    report = doctor.check(model)
    assert {"unscaled-inputs", "label-form", "dead-relu", "rate-too-small"} <= set(report.not_run)
    uncompiled = keras.Sequential([keras.Input((6,)), layers.Dense(3, "softmax")])
    lacking = doctor.check(uncompiled).not_run
    assert {"loss-head", "logits-never", "mse-for-classes", "imbalance"} <= set(lacking)
    assert "compiled" in lacking["loss-head"]


def test_wiring_that_cannot_be_read_is_said(data):
    class Opaque(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.out = layers.Dense(3, "softmax")

        def call(self, x):
            return self.out(x) if float(keras.ops.sum(x)) else self.out(2 * x)

    model = Opaque()
    model.compile("adam", "sparse_categorical_crossentropy")
    report = doctor.check(model, data)
    assert "cannot be read" in report.not_run["linear-stack"]
    assert not report.findings


def test_a_loss_of_the_users_own_is_not_judged(data):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
    model.compile("sgd", lambda y, p: keras.ops.mean(keras.ops.square(p), axis=-1))
    assert "loss-head" in doctor.check(model, data).not_run


def test_silencing_what_is_no_rule():
    with pytest.raises(ConfigError, match="linear-stack"):
        doctor.check(network(), silence=["linear-stak"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (5, "expected data as"),
        ({"x": np.zeros(3)}, "expected data as"),
        ({"x_train": np.zeros((3, 6))}, "expected data as"),
        ((np.zeros((3, 6)), np.zeros(4)), "as many rows"),
        ((np.zeros((3, 5)), np.zeros(3)), "inputs of shape"),
        ((np.zeros((0, 6)), np.zeros(0)), "expected examples"),
        ((np.array([object()] * 3), np.zeros(3)), "numbers or texts"),
    ],
)
def test_data_of_another_form_is_refused(data, said):
    with pytest.raises(InputError, match=said):
        doctor.check(network(), data)


def test_no_model_is_refused():
    with pytest.raises(InputError, match="expected a Keras model; got str"):
        doctor.check("model.keras")


def test_a_history_is_read_from_a_file_a_dict_and_keras(tmp_path, data):
    columns = {"loss": [1.0, 0.8, 0.6, 0.55, 0.54]}
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss\n" + "\n".join(f"{i},{v}" for i, v in enumerate(columns["loss"])))
    made = keras.callbacks.History()
    made.history = columns
    for history in (path, columns, made):
        found = doctor.check(network(), history=history).findings
        assert [finding.id for finding in found] == ["no-validation"]
    for bad in ("loss\n1\nx\n", "accuracy\n1\n", "", "loss\n"):
        path.write_text(bad)
        with pytest.raises(InputError):
            doctor.check(network(), history=path)


def test_the_gradient_norms_are_those_of_the_tape(data):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((6,)), *[layers.Dense(8, "sigmoid") for _ in range(3)], layers.Dense(1)]
    )
    x, y = data[0][:100], data[0][:100, :1]
    model.compile("sgd", "mse")
    (finding,) = [f for f in doctor.check(model, (x, y)).findings if f.id == "saturating-hidden"]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x) - y) ** 2)
    gradients = tape.gradient(loss, [layer.kernel.value for layer in model.layers])
    norms = [float(tf.norm(gradient)) for gradient in gradients]
    np.testing.assert_allclose(list(finding.measured["gradient_norms"].values()), norms, rtol=1e-4)
