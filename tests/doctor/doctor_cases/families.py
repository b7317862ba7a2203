"""Families of ordinary models; each draws its sizes and its data, and follows a plan."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from doctor_cases.patient import Patient, Plan, Random, choose, classes, finish, pictures


def _dense(plan: Plan, units: int, usual: str) -> Any:
    return layers.Dense(
        units,
        activation=plan.activation or usual,
        kernel_initializer=plan.kernel or "glorot_uniform",
        bias_initializer=plan.bias,
        kernel_regularizer=plan.penalty,
    )


def _hidden(random: Random, plan: Plan, x: Any, usual: str | None = None) -> Any:
    """Dense hidden layers, perhaps normalised, perhaps with dropout."""
    act = usual or choose(random, "relu", "relu", "gelu", "silu", "elu", "leaky_relu")
    depth = plan.depth or int(random.integers(1, 4))
    norm = plan.batch_norm if plan.batch_norm is not None else random.random() < 0.3
    rate = float(choose(random, 0, 0.1, 0.3, 0.5))
    for _ in range(depth):
        x = _dense(plan, int(choose(random, 16, 24, 32, 64)), act)(x)
        if norm:
            x = layers.BatchNormalization()(x)
        if rate:
            x = layers.Dropout(rate)(x)
    return x


def tabular(random: Random, plan: Plan) -> Patient:
    """Columns, dense layers, classes."""
    k, size = int(random.integers(2, 8)), int(random.integers(4, 40))
    data = classes(random, int(random.integers(300, 700)), (size,), k)
    inputs = keras.Input((size,), batch_size=None)
    return finish(
        random, f"tabular, {k} classes", inputs, _hidden(random, plan, inputs), plan, data, k
    )


def regression(random: Random, plan: Plan) -> Patient:
    """Columns, dense layers, one number."""
    size, rows = int(random.integers(3, 20)), int(random.integers(300, 600))
    x = random.normal(size=(rows, size)).astype("float32")
    y = np.sin(x[:, 0]) + x[:, 1] + 0.1 * random.normal(size=rows)
    inputs = keras.Input((size,))
    hidden = _hidden(random, plan, inputs, usual="relu")
    return finish(random, "regression", inputs, hidden, plan, (x, y.astype("float32")), 0)


def convolutional(random: Random, plan: Plan) -> Patient:
    """Pictures of bytes scaled in the model or before it, convolutions, classes."""
    k, side, depth = int(random.integers(2, 6)), int(choose(random, 12, 16, 20)), plan.depth or 2
    colours = int(choose(random, 1, 3))
    x, y = pictures(random, int(random.integers(200, 400)), (side, side, colours), k)
    inputs = keras.Input((side, side, colours))
    features = inputs
    if random.random() < 0.5:
        features = layers.Rescaling(1 / 255)(inputs)
    else:
        x = x.astype("float32") / 255
    act = plan.activation or choose(random, "relu", "gelu", "silu")
    norm = plan.batch_norm if plan.batch_norm is not None else random.random() < 0.5
    for stage in range(depth):
        features = layers.Conv2D(
            8 * (stage + 1),
            3,
            padding="same",
            activation=None if norm else act,
            kernel_initializer=plan.kernel or "he_normal",
            bias_initializer=plan.bias,
            kernel_regularizer=plan.penalty,
        )(features)
        if norm:
            features = layers.Activation(act)(layers.BatchNormalization()(features))
        if stage < 2:
            features = layers.MaxPooling2D()(features)
    pool = choose(random, layers.Flatten, layers.GlobalAveragePooling2D)
    features = layers.Dropout(0.2)(pool()(features))
    return finish(random, f"convolutional, {k} classes", inputs, features, plan, (x, y), k)


def recurrent(random: Random, plan: Plan) -> Patient:
    """Series of numbers, LSTM or GRU, perhaps both ways, classes or a number."""
    k, length, size = (
        int(random.integers(2, 5)),
        int(random.integers(6, 15)),
        int(choose(random, 1, 3, 6)),
    )
    x, y = classes(random, int(random.integers(200, 400)), (length, size), k)
    inputs = keras.Input((length, size))
    cell = choose(random, layers.LSTM, layers.GRU)
    unit = cell(
        16, kernel_initializer=plan.kernel or "glorot_uniform", kernel_regularizer=plan.penalty
    )
    if plan.kernel is None and random.random() < 0.3:
        unit = layers.Bidirectional(unit)
    features = unit(inputs)
    if plan.depth or random.random() < 0.5:
        features = _hidden(random, plan, features, usual="relu")
    return finish(random, f"recurrent, {k} classes", inputs, features, plan, (x, y), k)


def text(random: Random, plan: Plan) -> Patient:
    """Ids of words, embedding, pool or LSTM, two classes or several."""
    k, words, length = int(random.integers(2, 4)), 200, 12
    y = random.integers(0, k, int(random.integers(300, 500)))
    x = random.integers(1, words, (len(y), length))
    x[:, :4] = y[:, None] * 40 + random.integers(1, 40, (len(y), 4))
    inputs = keras.Input((length,), dtype="int32")
    features = layers.Embedding(words, 16, mask_zero=bool(random.random() < 0.3))(inputs)
    features = choose(random, layers.GlobalAveragePooling1D, lambda: layers.LSTM(16))()(features)
    features = _hidden(random, plan, features, usual="relu")
    return finish(random, f"text, {k} classes", inputs, features, plan, (x.astype("int32"), y), k)


def residual(random: Random, plan: Plan) -> Patient:
    """Dense blocks with shortcuts: each branch ends in a linear layer, as is the custom."""
    k, size, width = (
        int(random.integers(2, 6)),
        int(random.integers(6, 30)),
        int(choose(random, 16, 32)),
    )
    data = classes(random, int(random.integers(300, 500)), (size,), k)
    inputs = keras.Input((size,))
    x = layers.Dense(width, activation="relu")(inputs)
    for _ in range(plan.depth or 2):
        branch = layers.LayerNormalization()(x) if random.random() < 0.5 else x
        branch = _dense(plan, 2 * width, "relu")(branch)
        x = layers.Add()([x, layers.Dense(width)(branch)])
    x = layers.Dense(width, activation="relu")(x)
    return finish(random, f"residual, {k} classes", inputs, x, plan, data, k)


def two_inputs(random: Random, plan: Plan) -> Patient:
    """Two inputs, a branch for each, joined."""
    k, first, second = (
        int(random.integers(2, 5)),
        int(random.integers(4, 12)),
        int(random.integers(4, 12)),
    )
    x, y = classes(random, int(random.integers(300, 500)), (first + second,), k)
    left, right = keras.Input((first,), name="left"), keras.Input((second,), name="right")
    joined = layers.Concatenate()([_dense(plan, 16, "relu")(left), _dense(plan, 16, "relu")(right)])
    features = _hidden(random, plan, joined, usual="relu")
    data = [x[:, :first], x[:, first:]]
    if random.random() < 0.5:
        data = {"left": data[0], "right": data[1]}
        inputs: Any = {"left": left, "right": right}
    else:
        inputs = [left, right]
    return finish(random, f"two inputs, {k} classes", inputs, features, plan, (data, y), k)


def nested(random: Random, plan: Plan) -> Patient:
    """A sequential model inside a functional one."""
    k, size = int(random.integers(2, 6)), int(random.integers(6, 30))
    data = classes(random, int(random.integers(300, 500)), (size,), k)
    body = keras.Sequential([keras.Input((size,)), _dense(plan, 32, "relu"), layers.Dropout(0.2)])
    inputs = keras.Input((size,))
    features = _hidden(random, plan, body(inputs), usual="relu")
    return finish(random, f"nested, {k} classes", inputs, features, plan, data, k)


class Subclassed(keras.Model):
    """A model whose wiring stands in its `call`."""

    def __init__(self, plan: Plan, depth: int, k: int, dropout: float) -> None:
        super().__init__()
        self.hidden = [_dense(plan, 24, "relu") for _ in range(depth)]
        self.drop = layers.Dropout(dropout)
        self.out = layers.Dense(k, activation=plan.head or "softmax", dtype=plan.head_dtype)
        self.after = [layer() for layer in plan.after_output]

    def call(self, x: Any, training: bool | None = None) -> Any:
        for layer in self.hidden:
            x = layer(x)
        x = self.out(self.drop(x, training=training))
        for layer in self.after:
            x = layer(x, training=training)
        return x


def subclassed(random: Random, plan: Plan) -> Patient:
    """The same as tabular, as a class of its own."""
    from doctor_cases.patient import one_hot, optimizer

    k, size = int(random.integers(3, 6)), int(random.integers(4, 20))
    x, y = classes(random, int(random.integers(300, 500)), (size,), k)
    model = Subclassed(plan, plan.depth or 2, plan.nodes or k, 0.2)
    form = plan.label_form or choose(random, "numbers", "one-hot")
    loss = "sparse_categorical_crossentropy" if form == "numbers" else "categorical_crossentropy"
    metrics = plan.metrics if plan.metrics is not None else ["accuracy"]
    model.compile(plan.optimizer or optimizer(random), plan.loss or loss, metrics=metrics)
    given = y if form == "numbers" else one_hot(y, k)
    return Patient(f"subclassed, {k} classes", model, (x, given), batch_size=plan.batch)


DENSE = (tabular, residual, two_inputs, nested, subclassed)
CLASSIFIERS = (tabular, convolutional, recurrent, text, two_inputs, nested, subclassed)
ALL = (*CLASSIFIERS, residual, regression)
