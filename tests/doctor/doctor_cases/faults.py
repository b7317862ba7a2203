"""One planted mistake each: a family's plan with one choice changed, or its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from doctor_cases import families
from doctor_cases.patient import Patient, Plan, Random, choose, one_hot

Fault = Callable[[Random], Patient]
FAULTS: dict[str, list[Fault]] = {}


def fault(rule: str) -> Callable[[Fault], Fault]:
    """The decorated function plants the mistake that `rule` should find."""

    def declare(plant: Fault) -> Fault:
        FAULTS.setdefault(rule, []).append(plant)
        return plant

    return declare


def _from(random: Random, kinds: Any, plan: Plan) -> Patient:
    return choose(random, *kinds)(random, plan)


def _labels(patient: Patient) -> np.ndarray:
    """The labels as numbers of classes."""
    y = np.asarray(patient.data[1])
    return y.argmax(1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y)).astype(int)


def _take(x: Any, order: Any) -> Any:
    if isinstance(x, dict):
        return {key: value[order] for key, value in x.items()}
    return [value[order] for value in x] if isinstance(x, list) else x[order]


def _scaled(x: Any, by: float, to: float = 0.0) -> Any:
    if isinstance(x, dict):
        return {key: value * by + to for key, value in x.items()}
    return [value * by + to for value in x] if isinstance(x, list) else x * by + to


@fault("unscaled-inputs")
def large_columns(random: Random) -> Patient:
    kinds = (
        families.tabular,
        families.two_inputs,
        families.recurrent,
        families.subclassed,
        families.regression,
    )
    patient = _from(random, kinds, Plan())
    x, y = patient.data
    patient.data = (
        _scaled(x, float(choose(random, 30, 100, 1000)), float(choose(random, 0, 50))),
        y,
    )
    return patient


@fault("unscaled-inputs")
def one_large_column(random: Random) -> Patient:
    patient = _from(random, (families.tabular, families.residual, families.nested), Plan())
    patient.data[0][:, -1] = np.exp(random.normal(8, 1, len(patient.data[0])))
    return patient


@fault("unscaled-inputs")
def bytes_of_pictures(random: Random) -> Patient:
    patient = families.convolutional(random, Plan())
    x, y = patient.data
    if x.dtype == np.uint8:  # scaled in the model: scale it once more before
        patient.data = ((x / 255 / 255).astype("float32"), y)
    else:
        patient.data = ((x * 255).astype("uint8"), y)
    return patient


@fault("saturating-hidden")
def sigmoid_layers(random: Random) -> Patient:
    plan = Plan(activation="sigmoid", depth=int(random.integers(2, 7)))
    return _from(
        random,
        (families.tabular, families.convolutional, families.nested, families.subclassed),
        plan,
    )


@fault("saturating-hidden")
def tanh_layers(random: Random) -> Patient:
    plan = Plan(activation="tanh", depth=int(random.integers(3, 8)))
    return _from(
        random, (families.tabular, families.regression, families.text, families.subclassed), plan
    )


@fault("linear-stack")
def no_activation(random: Random) -> Patient:
    plan = Plan(activation="linear", depth=int(random.integers(2, 4)), batch_norm=False)
    return _from(
        random,
        (
            families.tabular,
            families.text,
            families.convolutional,
            families.subclassed,
            families.nested,
            families.two_inputs,
            families.regression,
        ),
        plan,
    )


@fault("loss-head")
def softmax_with_binary(random: Random) -> Patient:
    loss = choose(
        random,
        "binary_crossentropy",
        keras.losses.BinaryCrossentropy(),
        keras.losses.binary_crossentropy,
    )
    return _from(
        random, families.CLASSIFIERS, Plan(head="softmax", loss=loss, label_form="one-hot")
    )


@fault("loss-head")
def sigmoid_with_categorical(random: Random) -> Patient:
    form = choose(random, "numbers", "one-hot")
    return _from(random, families.CLASSIFIERS, Plan(head="sigmoid", label_form=form))


@fault("loss-head")
def relu_head(random: Random) -> Patient:
    return _from(
        random,
        (families.tabular, families.nested),
        Plan(head=choose(random, "relu", "tanh"), label_form="one-hot"),
    )


@fault("softmax-one-node")
def softmax_one_node(random: Random) -> Patient:
    loss = choose(random, "binary_crossentropy", "binary_crossentropy", "mse")
    patient = _from(
        random,
        (families.tabular, families.convolutional, families.subclassed, families.text),
        Plan(head="softmax", nodes=1, loss=loss, label_form="numbers"),
    )
    patient.data = (patient.data[0], (_labels(patient) > 0).astype("float32")[:, None])
    return patient


@fault("logits-twice")
def logits_twice(random: Random) -> Patient:
    form = choose(random, "numbers", "one-hot")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if form == "one-hot":
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return _from(random, families.CLASSIFIERS, Plan(head="softmax", loss=loss, label_form=form))


@fault("logits-twice")
def binary_logits_twice(random: Random) -> Patient:
    patient = _from(
        random,
        (families.tabular, families.text),
        Plan(
            head="sigmoid",
            nodes=1,
            loss=keras.losses.BinaryCrossentropy(from_logits=True),
            label_form="numbers",
        ),
    )
    patient.data = (patient.data[0], (_labels(patient) > 0).astype("float32"))
    return patient


@fault("logits-never")
def logits_never(random: Random) -> Patient:
    return _from(
        random,
        families.CLASSIFIERS,
        Plan(head="linear", label_form=choose(random, "numbers", "one-hot")),
    )


@fault("label-form")
def one_hot_with_sparse(random: Random) -> Patient:
    patient = _from(random, families.CLASSIFIERS, Plan(label_form="numbers"))
    x, y = patient.data
    patient.data = (x, one_hot(y, int(y.max()) + 1))
    return patient


@fault("label-form")
def numbers_with_categorical(random: Random) -> Patient:
    patient = _from(random, families.CLASSIFIERS, Plan(label_form="one-hot"))
    x, y = patient.data
    numbers = y.argmax(1)
    patient.data = (x, numbers if random.random() < 0.5 else numbers[:, None])
    return patient


@fault("label-range")
def labels_from_one(random: Random) -> Patient:
    patient = _from(random, families.CLASSIFIERS, Plan(label_form="numbers"))
    patient.data = (patient.data[0], patient.data[1] + 1)
    return patient


@fault("label-range")
def labels_minus_one(random: Random) -> Patient:
    patient = _from(
        random,
        (families.tabular, families.text, families.convolutional),
        Plan(head="sigmoid", nodes=1, loss="binary_crossentropy", label_form="numbers"),
    )
    low, high = choose(random, (-1, 1), (1, 2), (0, 255))
    patient.data = (patient.data[0], np.where(_labels(patient) > 0, high, low).astype("float32"))
    return patient


@fault("label-range")
def several_of_one_hot(random: Random) -> Patient:
    patient = _from(random, (families.tabular, families.nested), Plan(label_form="one-hot"))
    x, y = patient.data
    patient.data = (x, np.maximum(y, np.roll(y, 1, axis=1) * (random.random((len(y), 1)) < 0.5)))
    return patient


@fault("mse-for-classes")
def mse(random: Random) -> Patient:
    loss = choose(random, "mse", "mae", keras.losses.MeanSquaredError())
    head = choose(random, "softmax", "sigmoid", "linear")
    return _from(random, families.CLASSIFIERS, Plan(loss=loss, head=head, label_form="one-hot"))


@fault("mse-for-classes")
def mse_on_one_node(random: Random) -> Patient:
    patient = _from(
        random,
        (families.tabular, families.text, families.convolutional),
        Plan(head="sigmoid", nodes=1, loss="mean_squared_error", label_form="numbers"),
    )
    patient.data = (patient.data[0], (_labels(patient) > 0).astype("float32"))
    return patient


@fault("dead-relu")
def dead(random: Random) -> Patient:
    plan = Plan(activation="relu", bias=keras.initializers.Constant(-float(choose(random, 10, 30))))
    return _from(
        random,
        (families.tabular, families.convolutional, families.two_inputs, families.subclassed),
        plan,
    )


@fault("dead-relu")
def killed(random: Random) -> Patient:
    """A layer's biases after a step that was too long."""
    patient = _from(
        random,
        (families.tabular, families.nested),
        Plan(activation="relu", depth=2, batch_norm=False),
    )
    layer = [x for x in patient.model._flatten_layers() if isinstance(x, layers.Dense)][1]
    layer.bias.assign(layer.bias - 25.0)
    return patient


@fault("zero-start")
def zeros(random: Random) -> Patient:
    kernel = choose(random, "zeros", "ones", keras.initializers.Constant(0.1))
    return _from(
        random,
        (
            families.tabular,
            families.convolutional,
            families.recurrent,
            families.two_inputs,
            families.subclassed,
            families.nested,
        ),
        Plan(kernel=kernel),
    )


@fault("rate-too-large")
def large_rate(random: Random) -> Patient:
    pick = keras.optimizers
    rate = choose(
        random, pick.Adam(1.0), pick.Adam(10.0), pick.SGD(50.0), pick.SGD(1000.0), pick.RMSprop(1.0)
    )
    return _from(
        random,
        (
            families.tabular,
            families.regression,
            families.convolutional,
            families.nested,
            families.subclassed,
        ),
        Plan(optimizer=rate, batch_norm=False),
    )


@fault("rate-too-small")
def small_rate(random: Random) -> Patient:
    pick = keras.optimizers
    rate = choose(
        random, pick.Adam(1e-7), pick.Adam(1e-6), pick.SGD(1e-6), pick.SGD(1e-5), pick.RMSprop(1e-7)
    )
    return _from(
        random,
        (
            families.tabular,
            families.regression,
            families.convolutional,
            families.nested,
            families.subclassed,
        ),
        Plan(optimizer=rate),
    )


@fault("ordered-data")
def ordered(random: Random) -> Patient:
    patient = _from(random, families.CLASSIFIERS, Plan())
    order = np.argsort(_labels(patient), kind="stable")
    patient.data = (_take(patient.data[0], order), patient.data[1][order])
    return patient


@fault("test-in-train")
def leaked(random: Random) -> Patient:
    patient = _from(random, families.CLASSIFIERS, Plan())
    x, y = patient.data
    rows = len(y)
    order = random.permutation(rows)
    cut, shared = int(0.8 * rows), int(random.integers(3, 40))
    train = order[:cut]
    other = np.concatenate([order[cut:], train[:shared]])
    names = choose(random, ("x_test", "y_test"), ("x_val", "y_val"))
    patient.data = {
        "x_train": _take(x, train),
        "y_train": y[train],
        names[0]: _take(x, other),
        names[1]: y[other],
    }
    return patient


@fault("imbalance")
def rare(random: Random) -> Patient:
    patient = _from(
        random,
        (families.tabular, families.text, families.convolutional, families.recurrent),
        Plan(),
    )
    labels = _labels(patient)
    rarest = np.flatnonzero(labels == 0)
    keep = np.sort(
        np.concatenate([np.flatnonzero(labels != 0), rarest[: max(len(labels) // 150, 2)]])
    )
    patient.data = (_take(patient.data[0], keep), patient.data[1][keep])
    return patient


@fault("dropout-after-output")
def dropout_last(random: Random) -> Patient:
    rate = float(choose(random, 0.1, 0.3, 0.5))
    kinds = (
        families.tabular,
        families.convolutional,
        families.recurrent,
        families.text,
        families.subclassed,
        families.regression,
    )
    return _from(random, kinds, Plan(after_output=(lambda: layers.Dropout(rate),)))


@fault("dropout-after-output")
def dropout_before_softmax(random: Random) -> Patient:
    after = (lambda: layers.Dropout(0.4), lambda: layers.Activation("softmax"))
    return _from(
        random,
        (families.tabular, families.text, families.subclassed),
        Plan(head="linear", after_output=after, label_form="one-hot"),
    )


@fault("batchnorm-batch-1")
def batch_of_one(random: Random) -> Patient:
    return _from(
        random,
        (families.tabular, families.convolutional, families.regression),
        Plan(batch_norm=True, batch=1),
    )


@fault("drowning-penalty")
def drowning(random: Random) -> Patient:
    pick = keras.regularizers
    penalty = choose(
        random, pick.L2(1.0), pick.L2(10.0), pick.L1(0.1), pick.L1(1.0), pick.L1L2(0.1, 1.0)
    )
    return _from(
        random,
        (
            families.tabular,
            families.convolutional,
            families.nested,
            families.subclassed,
            families.text,
            families.regression,
        ),
        Plan(penalty=penalty, depth=2),
    )


@fault("fp16-head")
def half_precision(random: Random) -> Patient:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(
        choose(random, "mixed_float16", "mixed_float16", "mixed_bfloat16")
    )
    try:
        return _from(
            random,
            (families.tabular, families.convolutional, families.subclassed, families.text),
            Plan(),
        )
    finally:
        keras.config.set_dtype_policy(before)


@fault("batch-size")
def large_batch(random: Random) -> Patient:
    return _from(random, families.CLASSIFIERS, Plan(batch=int(choose(random, 256, 512, 1024))))


@fault("not-finite")
def nan(random: Random) -> Patient:
    patient = _from(random, (families.tabular, families.recurrent, families.subclassed), Plan())
    x = patient.data[0]
    x.reshape(-1)[random.integers(0, x.size, 5)] = choose(random, np.nan, np.inf)
    return patient


def _history(random: Random, kind: str) -> dict[str, Any]:
    """A course of training, with noise."""
    epochs = int(random.integers(8, 40))
    t = np.arange(epochs)
    noise = lambda: 1 + 0.02 * random.normal(size=epochs)  # noqa: E731
    fall = np.exp(-t / (epochs / 5))
    loss = (0.1 + 1.4 * fall) * noise()
    held = (0.2 + 1.3 * fall) * noise()
    if kind == "overfitting":
        loss = (0.01 + 1.4 * fall) * noise()
        held = held + np.maximum(t - epochs // 3, 0) / epochs * float(random.uniform(0.5, 2))
    if kind == "underfitting":
        if random.random() < 0.5:
            loss, held = (1.38 - 0.03 * t / epochs) * noise(), (1.39 - 0.02 * t / epochs) * noise()
        else:
            loss, held = 2.3 * 0.8**t * noise(), 2.4 * 0.82**t * noise()
            loss, held = loss[:6], held[:6]
    found = {"loss": loss, "val_loss": held}
    if random.random() < 0.5:
        accuracy = np.clip(1 - loss / 2.4, 0, 1)
        found |= {"accuracy": accuracy, "val_accuracy": np.clip(accuracy - 0.02, 0, 1)}
    if kind == "no-validation":
        found = {name: column for name, column in found.items() if not name.startswith("val_")}
    return found


def _course(kind: str) -> None:
    @fault(kind)
    def plant(random: Random) -> Patient:
        patient = _from(random, families.ALL, Plan())
        patient.history = _history(random, kind)
        return patient

    plant.__name__ = kind.replace("-", "_")


for _kind in ("overfitting", "underfitting", "no-validation"):
    _course(_kind)
