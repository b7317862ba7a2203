"""Families that took no part in choosing any threshold: healthy ones and planted mistakes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from doctor_cases.patient import (
    Patient,
    Plan,
    Random,
    choose,
    classes,
    finish,
    one_hot,
    optimizer,
    pictures,
)
from doctor_cases.special import SPARSE, Family, application

HEALTHY: dict[str, Family] = {}
FAULTY: dict[str, list[Family]] = {}


def healthy(family: Family) -> Family:
    HEALTHY[family.__name__] = family
    return family


def faulty(rule: str) -> Any:
    def declare(family: Family) -> Family:
        FAULTY.setdefault(rule, []).append(family)
        return family

    return declare


def waves(random: Random, plan: Plan, rows: int = 300) -> Patient:
    """Series of numbers, convolutions along time with shortcuts."""
    k = int(random.integers(2, 5))
    x, y = classes(random, rows, (24, 2), k)
    inputs = keras.Input((24, 2))
    z = layers.Conv1D(
        16,
        3,
        padding="same",
        activation=plan.activation or "relu",
        kernel_initializer=plan.kernel or "he_normal",
        kernel_regularizer=plan.penalty,
        bias_initializer=plan.bias,
    )(inputs)
    for rate in range(plan.depth or 2):
        branch = layers.Conv1D(
            16,
            3,
            padding="causal",
            dilation_rate=2 ** (rate % 3),
            activation=plan.activation or "relu",
            kernel_initializer=plan.kernel or "he_normal",
            kernel_regularizer=plan.penalty,
            bias_initializer=plan.bias,
        )(z)
        z = branch if plan.activation else layers.Add()([z, branch])
    return finish(
        random, f"waves, {k} classes", inputs, layers.GlobalMaxPooling1D()(z), plan, (x, y), k
    )


def shop(random: Random, plan: Plan, rows: int = 400) -> Patient:
    """Numbers and two columns of ids that are embedded."""
    x, y = classes(random, rows, (8,), 2)
    ids = random.integers(0, 50, (rows, 2))
    numbers, codes = (
        keras.Input((8,), name="numbers"),
        keras.Input((2,), name="codes", dtype="int32"),
    )
    z = layers.Concatenate()([numbers, layers.Flatten()(layers.Embedding(50, 8)(codes))])
    for units in (64, 32, 16)[: plan.depth or 2]:
        z = layers.Dense(
            units,
            activation=plan.activation or "relu",
            kernel_initializer=plan.kernel or "he_uniform",
            kernel_regularizer=plan.penalty,
            bias_initializer=plan.bias,
        )(z)
        if plan.batch_norm:
            z = layers.BatchNormalization()(z)
    return finish(random, "shop", [numbers, codes], z, plan, ([x, ids], y), 2)


@healthy
def temporal(random: Random) -> Patient:
    return waves(random, Plan())


@healthy
def columns_and_ids(random: Random) -> Patient:
    return shop(random, Plan())


@healthy
def siamese(random: Random) -> Patient:
    x, y = classes(random, 300, (20,), 2)
    left, right = keras.Input((10,)), keras.Input((10,))
    tower = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(16)])
    z = ops.abs(tower(left) - tower(right))
    model = keras.Model([left, right], layers.Dense(1, "sigmoid")(z))
    model.compile(optimizer(random), "binary_crossentropy")
    return Patient("siamese", model, ([x[:, :10], x[:, 10:]], y))


class Sampling(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, given: Any) -> Any:
        mean, spread = given
        return mean + ops.exp(spread / 2) * keras.random.normal(ops.shape(mean), seed=self.seeds)


@healthy
def variational(random: Random) -> Patient:
    x, _ = classes(random, 300, (20,), 4)
    inputs = keras.Input((20,))
    z = layers.Dense(32, activation="relu")(inputs)
    z = Sampling()([layers.Dense(4)(z), layers.Dense(4)(z)])
    model = keras.Model(inputs, layers.Dense(20)(layers.Dense(32, activation="relu")(z)))
    model.compile(optimizer(random), "mse")
    return Patient("variational", model, (x, x))


@healthy
def gated(random: Random) -> Patient:
    x, y = classes(random, 300, (16,), 3)
    z = inputs = keras.Input((16,))
    for _ in range(3):
        z = layers.Multiply()([layers.Dense(24)(z), layers.Dense(24, activation="sigmoid")(z)])
    model = keras.Model(inputs, layers.Dense(3, "softmax")(z))
    model.compile(optimizer(random), SPARSE)
    return Patient("gated", model, (x, y))


@healthy
def tagger(random: Random) -> Patient:
    x = random.integers(1, 80, (200, 9))
    y = x % 4
    model = keras.Sequential(
        [
            keras.Input((9,), dtype="int32"),
            layers.Embedding(80, 16),
            layers.Bidirectional(layers.LSTM(12, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(4, "softmax")),
        ]
    )
    model.compile(optimizer(random), SPARSE)
    return Patient("tagger", model, (x, y))


@healthy
def forecast(random: Random) -> Patient:
    t = np.cumsum(random.normal(size=500)) / 10
    x = np.stack([t[i : i + 12] for i in range(400)])[..., None].astype("float32")
    y = t[12:412].astype("float32")
    cell = choose(random, layers.LSTM, layers.GRU, layers.SimpleRNN)
    model = keras.Sequential(
        [keras.Input((12, 1)), cell(16), layers.Dense(8, "relu"), layers.Dense(1)]
    )
    model.compile(optimizer(random), choose(random, "mse", "huber"), metrics=["mae"])
    return Patient("forecast", model, (x, y))


@healthy
def own_loss(random: Random) -> Patient:
    x, _ = classes(random, 300, (8,), 2)

    def quantile(y: Any, predicted: Any) -> Any:
        return ops.mean(ops.maximum(0.9 * (y - predicted), 0.1 * (predicted - y)))

    model = keras.Sequential([keras.Input((8,)), layers.Dense(32, "relu"), layers.Dense(1)])
    model.compile(optimizer(random), quantile)
    return Patient("own loss", model, (x, x[:, :1]))


@healthy
def strings(random: Random) -> Patient:
    words = np.array(["free", "win", "call", "see", "you", "at", "six", "home"])
    y = random.integers(0, 2, 200)
    x = np.array([" ".join(words[random.integers(0, 4, 6) + 4 * label]) for label in y])
    first = layers.TextVectorization(50, output_sequence_length=8)
    first.adapt(x)
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            first,
            layers.Embedding(50, 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, "relu"),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(optimizer(random), "binary_crossentropy")
    return Patient("strings", model, (x, y))


@healthy
def preactivated(random: Random) -> Patient:
    x, y = pictures(random, 150, (16, 16, 3), 3)
    inputs = keras.Input((16, 16, 3))
    z = layers.Conv2D(16, 3, padding="same")(layers.Rescaling(1 / 255)(inputs))
    for _ in range(2):
        branch = layers.Conv2D(16, 3, padding="same")(
            layers.Activation("relu")(layers.BatchNormalization()(z))
        )
        branch = layers.Conv2D(16, 3, padding="same")(
            layers.Activation("relu")(layers.BatchNormalization()(branch))
        )
        z = layers.Add()([z, branch])
    z = layers.GlobalAveragePooling2D()(layers.Activation("relu")(layers.BatchNormalization()(z)))
    model = keras.Model(inputs, layers.Dense(3, "softmax")(z))
    model.compile(optimizer(random), SPARSE, metrics=["accuracy"])
    return Patient("preactivated", model, (x, y))


@healthy
def maxout(random: Random) -> Patient:
    x, y = classes(random, 300, (12,), 3)
    inputs = keras.Input((12,))
    z = layers.Maximum()([layers.Dense(24)(inputs), layers.Dense(24)(inputs)])
    model = keras.Model(inputs, layers.Dense(3, "softmax")(z))
    model.compile(optimizer(random), SPARSE)
    return Patient("maxout", model, (x, y))


@healthy
def ensemble(random: Random) -> Patient:
    x, y = classes(random, 300, (12,), 3)
    inputs = keras.Input((12,))
    members = [
        layers.Dense(3, "softmax")(layers.Dense(16, activation="relu")(inputs)) for _ in range(3)
    ]
    model = keras.Model(inputs, layers.Average()(members))
    model.compile(optimizer(random), SPARSE)
    return Patient("ensemble", model, (x, y))


@healthy
def focal(random: Random) -> Patient:
    x, y = classes(random, 400, (12,), 4)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(32, kernel_regularizer=keras.regularizers.L2(1e-3)),
            layers.PReLU(),
            layers.Dense(4, "softmax", kernel_regularizer="l2"),
        ]
    )
    model.compile(
        optimizer(random), keras.losses.CategoricalFocalCrossentropy(), metrics=["accuracy"]
    )
    return Patient("focal", model, (x, one_hot(y, 4)))


@healthy
def self_normalising(random: Random) -> Patient:
    x, y = classes(random, 400, (12,), 4)
    stack = [layers.Dense(32, "selu", kernel_initializer="lecun_normal") for _ in range(5)]
    model = keras.Sequential(
        [keras.Input((12,)), *stack, layers.AlphaDropout(0.1), layers.Dense(4, "softmax")]
    )
    model.compile(optimizer(random), SPARSE)
    return Patient("self normalising", model, (x, y))


for _name, _size in (
    ("ResNet50V2", 32),
    ("NASNetMobile", 32),
    ("Xception", 71),
    ("DenseNet121", 32),
):
    HEALTHY[_name] = application(_name, _size)


@faulty("unscaled-inputs")
def loud_waves(random: Random) -> Patient:
    patient = waves(random, Plan())
    patient.data = (patient.data[0] * 32768 / 4, patient.data[1])
    return patient


@faulty("unscaled-inputs")
def prices(random: Random) -> Patient:
    patient = shop(random, Plan())
    patient.data[0][0][:, 2] = np.exp(random.normal(5, 1, 400))
    return patient


@faulty("saturating-hidden")
def saturated(random: Random) -> Patient:
    act = choose(random, "sigmoid", "tanh", "hard_sigmoid", "softsign")
    return choose(random, waves, shop)(random, Plan(activation=act, depth=3))


@faulty("linear-stack")
def flat(random: Random) -> Patient:
    return choose(random, waves, shop)(random, Plan(activation="linear", depth=3))


@faulty("loss-head")
def other_loss(random: Random) -> Patient:
    if random.random() < 0.5:
        return waves(
            random, Plan(head="softmax", loss="binary_focal_crossentropy", label_form="one-hot")
        )
    return shop(
        random,
        Plan(
            head="sigmoid", label_form="one-hot", loss=keras.losses.CategoricalFocalCrossentropy()
        ),
    )


@faulty("softmax-one-node")
def lonely(random: Random) -> Patient:
    return shop(
        random, Plan(head="softmax", nodes=1, loss="binary_crossentropy", label_form="numbers")
    )


@faulty("logits-twice")
def twice(random: Random) -> Patient:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return choose(random, waves, shop)(
        random, Plan(head="softmax", loss=loss, label_form="numbers")
    )


@faulty("logits-never")
def never(random: Random) -> Patient:
    if random.random() < 0.5:
        return shop(
            random, Plan(head="linear", nodes=1, loss="binary_crossentropy", label_form="numbers")
        )
    return waves(random, Plan(head="linear", label_form="one-hot"))


@faulty("label-form")
def form(random: Random) -> Patient:
    patient = waves(random, Plan(label_form="numbers"))
    patient.data = (patient.data[0], one_hot(patient.data[1], patient.model.output_shape[-1]))
    return patient


@faulty("label-range")
def shifted(random: Random) -> Patient:
    patient = choose(random, waves, shop)(random, Plan(label_form="numbers"))
    patient.data = (patient.data[0], patient.data[1] + int(choose(random, -1, 1, 100)))
    return patient


@faulty("mse-for-classes")
def squares(random: Random) -> Patient:
    return choose(random, waves, shop)(
        random, Plan(loss=choose(random, "mse", "huber"), label_form="one-hot")
    )


@faulty("dead-relu")
def buried(random: Random) -> Patient:
    return choose(random, waves, shop)(
        random, Plan(activation="relu", depth=2, bias=keras.initializers.Constant(-15.0))
    )


@faulty("zero-start")
def uniform(random: Random) -> Patient:
    return choose(random, waves, shop)(random, Plan(kernel=choose(random, "zeros", "ones")))


@faulty("rate-too-large")
def jumping(random: Random) -> Patient:
    pick = keras.optimizers
    rate = choose(random, pick.Nadam(2.0), pick.SGD(100.0, momentum=0.9), pick.AdamW(5.0))
    return choose(random, waves, shop)(random, Plan(optimizer=rate))


@faulty("rate-too-small")
def crawling(random: Random) -> Patient:
    pick = keras.optimizers
    rate = choose(random, pick.Nadam(1e-7), pick.SGD(1e-6, momentum=0.9), pick.AdamW(5e-8))
    return choose(random, waves, shop)(random, Plan(optimizer=rate))


@faulty("ordered-data")
def sorted_rows(random: Random) -> Patient:
    patient = waves(random, Plan(label_form="numbers"))
    order = np.argsort(patient.data[1], kind="stable")
    patient.data = (patient.data[0][order], patient.data[1][order])
    return patient


@faulty("test-in-train")
def repeated(random: Random) -> Patient:
    patient = waves(random, Plan())
    x, y = patient.data
    patient.data = {
        "x_train": x,
        "y_train": y,
        "x_test": x[:60] + 0.1 * (np.arange(60) > 10)[:, None, None],
        "y_test": y[:60],
    }
    patient.data["x_test"] = patient.data["x_test"].astype("float32")
    return patient


@faulty("imbalance")
def skewed(random: Random) -> Patient:
    patient = shop(random, Plan(label_form="numbers"))
    (x, ids), y = patient.data
    keep = (y == 0) | (random.random(400) < 0.1)
    patient.data = ([x[keep], ids[keep]], y[keep])
    return patient


@faulty("dropout-after-output")
def leaking(random: Random) -> Patient:
    return choose(random, waves, shop)(random, Plan(after_output=(lambda: layers.Dropout(0.25),)))


@faulty("batchnorm-batch-1")
def single(random: Random) -> Patient:
    return shop(random, Plan(batch_norm=True, batch=1))


@faulty("drowning-penalty")
def crushed(random: Random) -> Patient:
    penalty = choose(random, keras.regularizers.L2(5.0), keras.regularizers.L1(0.5))
    return choose(random, waves, shop)(random, Plan(penalty=penalty))


@faulty("fp16-head")
def narrow(random: Random) -> Patient:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return choose(random, waves, shop)(random, Plan())
    finally:
        keras.config.set_dtype_policy(before)


@faulty("batch-size")
def one_gulp(random: Random) -> Patient:
    return choose(random, waves, shop)(random, Plan(batch=2048))


@faulty("not-finite")
def holes(random: Random) -> Patient:
    patient = waves(random, Plan())
    patient.data[0][5, 3, 1] = np.nan
    return patient


@faulty("overfitting")
def by_heart(random: Random) -> Patient:
    patient = waves(random, Plan())
    accuracy = np.linspace(0.5, 0.99, 12)
    patient.history = {
        "loss": np.linspace(1, 0.05, 12),
        "accuracy": accuracy,
        "val_loss": np.concatenate([np.linspace(1, 0.6, 5), np.linspace(0.62, 0.9, 7)]),
        "val_accuracy": np.minimum(accuracy, 0.75),
    }
    return patient


@faulty("underfitting")
def barely(random: Random) -> Patient:
    patient = shop(random, Plan())
    loss = 0.693 - 0.002 * np.arange(int(random.integers(5, 20)))
    patient.history = {"loss": loss, "val_loss": loss + 0.001}
    return patient


@faulty("no-validation")
def unwatched(random: Random) -> Patient:
    patient = waves(random, Plan())
    patient.history = {"loss": np.geomspace(1, 0.1, 9)}
    return patient
