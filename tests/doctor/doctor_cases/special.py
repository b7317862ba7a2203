"""Healthy models of unusual shape: each has something that a hasty rule would mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from doctor_cases.patient import Patient, Random, choose, classes, one_hot, optimizer, pictures

Family = Callable[[Random], Patient]
SPECIAL: dict[str, Family] = {}


def special(family: Family) -> Family:
    """Declare a healthy family under its own name."""
    SPECIAL[family.__name__] = family
    return family


def _compiled(random: Random, model: Any, loss: Any, data: Any, name: str, **more: Any) -> Patient:
    model.compile(more.pop("optimizer", None) or optimizer(random), loss, **more)
    return Patient(name.replace("_", " "), model, data)


SPARSE = "sparse_categorical_crossentropy"


@special
def logits_head(random: Random) -> Patient:
    x, y = classes(random, 300, (10,), 4)
    model = keras.Sequential([keras.Input((10,)), layers.Dense(32, "relu"), layers.Dense(4)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return _compiled(random, model, loss, (x, y), "logits_head")


@special
def binary_logits(random: Random) -> Patient:
    x, y = classes(random, 300, (10,), 2)
    model = keras.Sequential([keras.Input((10,)), layers.Dense(32, "relu"), layers.Dense(1)])
    return _compiled(
        random, model, keras.losses.BinaryCrossentropy(from_logits=True), (x, y), "binary_logits"
    )


@special
def many_labels(random: Random) -> Patient:
    x = random.normal(size=(400, 12)).astype("float32")
    y = (x @ random.normal(size=(12, 6)) > 0).astype("float32")
    model = keras.Sequential(
        [keras.Input((12,)), layers.Dense(32, "relu"), layers.Dense(6, "sigmoid")]
    )
    return _compiled(random, model, "binary_crossentropy", (x, y), "many_labels")


@special
def autoencoder(random: Random) -> Patient:
    x, _ = pictures(random, 300, (8, 8, 1), 4)
    x = (x / 255).astype("float32").reshape(300, 64)
    inputs = keras.Input((64,))
    code = layers.Dense(8, activation="relu")(layers.Dense(32, activation="relu")(inputs))
    outputs = layers.Dense(64, "sigmoid")(layers.Dense(32, activation="relu")(code))
    loss = choose(random, "mse", "binary_crossentropy")
    return _compiled(random, keras.Model(inputs, outputs), loss, (x, x), "autoencoder")


@special
def squeeze_excite(random: Random) -> Patient:
    x, y = pictures(random, 200, (16, 16, 3), 3)
    inputs = keras.Input((16, 16, 3))
    z = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for channels in (8, 16, 16):
        z = layers.Conv2D(channels, 3, padding="same", activation="relu")(z)
        gate = layers.GlobalAveragePooling2D(keepdims=True)(z)
        gate = layers.Conv2D(channels // 4, 1, activation="relu")(gate)
        gate = layers.Conv2D(channels, 1, activation=choose(random, "sigmoid", "hard_sigmoid"))(
            gate
        )
        z = layers.Multiply()([z, gate])
    outputs = layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(z))
    return _compiled(random, keras.Model(inputs, outputs), SPARSE, (x, y), "squeeze_excite")


@special
def inverted_bottleneck(random: Random) -> Patient:
    x, y = pictures(random, 200, (16, 16, 3), 3)
    inputs = keras.Input((16, 16, 3))
    z = layers.Conv2D(8, 3, padding="same", use_bias=False)(layers.Rescaling(1 / 255)(inputs))
    z = layers.ReLU(6)(layers.BatchNormalization()(z))
    for _ in range(2):
        branch = layers.ReLU(6)(
            layers.BatchNormalization()(layers.Conv2D(48, 1, use_bias=False)(z))
        )
        branch = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(branch)
        branch = layers.ReLU(6)(layers.BatchNormalization()(branch))
        branch = layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(branch))
        z = layers.Add()([z, branch])
    outputs = layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(z))
    return _compiled(random, keras.Model(inputs, outputs), SPARSE, (x, y), "inverted_bottleneck")


@special
def separable(random: Random) -> Patient:
    x, y = pictures(random, 200, (16, 16, 3), 3)
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255)])
    for channels in (8, 16):
        model.add(layers.DepthwiseConv2D(3, padding="same"))
        model.add(layers.Conv2D(channels, 1, activation="relu"))
        model.add(layers.SeparableConv2D(channels, 3, activation="relu"))
    model.add(layers.GlobalMaxPooling2D())
    model.add(layers.Dense(3, "softmax"))
    return _compiled(random, model, SPARSE, (x, y), "separable")


@special
def normalised_first(random: Random) -> Patient:
    x, y = classes(random, 400, (6,), 3)
    x = x * random.uniform(1, 1000, 6).astype("float32") + random.normal(size=6).astype("f") * 100
    first = layers.Normalization()
    first.adapt(x)
    model = keras.Sequential(
        [keras.Input((6,)), first, layers.Dense(32, "relu"), layers.Dense(3, "softmax")]
    )
    return _compiled(random, model, SPARSE, (x, y), "normalised_first")


@special
def batch_norm_first(random: Random) -> Patient:
    x, y = classes(random, 400, (6,), 3)
    first = choose(random, layers.BatchNormalization, layers.LayerNormalization)()
    model = keras.Sequential(
        [keras.Input((6,)), first, layers.Dense(32, "relu"), layers.Dense(3, "softmax")]
    )
    return _compiled(random, model, SPARSE, (x * 50, y), "batch_norm_first")


@special
def lambda_scaling(random: Random) -> Patient:
    x, y = pictures(random, 200, (12, 12, 1), 3)
    inputs = keras.Input((12, 12, 1), dtype=choose(random, "float32", "uint8"))
    z = choose(
        random,
        lambda: layers.Lambda(lambda v: ops.cast(v, "float32") / 255)(inputs),
        lambda: ops.cast(inputs, "float32") / 255,
    )()
    z = layers.Flatten()(layers.Conv2D(8, 3, activation="relu")(z))
    return _compiled(
        random, keras.Model(inputs, layers.Dense(3, "softmax")(z)), SPARSE, (x, y), "lambda_scaling"
    )


@special
def one_tanh_layer(random: Random) -> Patient:
    x, y = classes(random, 400, (10,), 3)
    act = choose(random, "tanh", "sigmoid")
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(32, act), layers.Dense(3, "softmax")]
    )
    return _compiled(random, model, SPARSE, (x, y), "one_tanh_layer")


@special
def stacked_lstm(random: Random) -> Patient:
    x, y = classes(random, 250, (8, 3), 3)
    model = keras.Sequential(
        [
            keras.Input((8, 3)),
            layers.LSTM(16, return_sequences=True),
            layers.LSTM(16, return_sequences=True),
            layers.GRU(16),
            layers.Dense(3, "softmax"),
        ]
    )
    return _compiled(random, model, SPARSE, (x, y), "stacked_lstm")


@special
def attention(random: Random) -> Patient:
    x = random.integers(1, 100, (300, 10))
    y = (x[:, 0] > 50).astype("int64")
    inputs = keras.Input((10,), dtype="int32")
    z = layers.Embedding(100, 16)(inputs) + layers.Embedding(10, 16)(ops.arange(10))
    for _ in range(2):
        z = layers.LayerNormalization()(z + layers.MultiHeadAttention(2, 8)(z, z))
        z = layers.LayerNormalization()(z + layers.Dense(16)(layers.Dense(32, "gelu")(z)))
    outputs = layers.Dense(1, "sigmoid")(layers.GlobalAveragePooling1D()(z))
    return _compiled(
        random, keras.Model(inputs, outputs), "binary_crossentropy", (x, y), "attention"
    )


@special
def attention_by_hand(random: Random) -> Patient:
    x, y = classes(random, 300, (6, 12), 3)
    inputs = keras.Input((6, 12))
    q, k, v = (layers.Dense(16)(inputs) for _ in range(3))
    z = ops.matmul(ops.softmax(ops.matmul(q, ops.transpose(k, (0, 2, 1))) / 4), v)
    z = layers.Flatten()(layers.LayerNormalization()(z))
    outputs = layers.Dense(3, "softmax")(layers.Dense(32, "relu")(z))
    return _compiled(random, keras.Model(inputs, outputs), SPARSE, (x, y), "attention_by_hand")


@special
def zero_gamma(random: Random) -> Patient:
    x, y = classes(random, 300, (12,), 3)
    inputs = keras.Input((12,))
    z = layers.Dense(24, activation="relu")(inputs)
    for _ in range(2):
        branch = layers.Dense(24, activation="relu")(z)
        if random.random() < 0.5:
            branch = layers.BatchNormalization(gamma_initializer="zeros")(layers.Dense(24)(branch))
        else:
            branch = layers.Dense(24, kernel_initializer="zeros")(branch)
        z = layers.Add()([z, branch])
    outputs = layers.Dense(
        3, "softmax", kernel_initializer=choose(random, "zeros", "glorot_uniform")
    )(layers.Activation("relu")(z))
    return _compiled(random, keras.Model(inputs, outputs), SPARSE, (x, y), "zero_gamma")


@special
def two_outputs(random: Random) -> Patient:
    x, y = classes(random, 300, (10,), 4)
    value = x[:, :1] * 2 + 1
    inputs = keras.Input((10,))
    z = layers.Dense(32, activation="relu")(inputs)
    model = keras.Model(
        inputs, [layers.Dense(4, "softmax", name="kind")(z), layers.Dense(1, name="size")(z)]
    )
    if random.random() < 0.5:
        return _compiled(random, model, [SPARSE, "mse"], (x, [y, value]), "two_outputs")
    return _compiled(
        random,
        model,
        {"kind": SPARSE, "size": "mse"},
        (x, {"kind": y, "size": value}),
        "two_outputs",
    )


@special
def low_rank(random: Random) -> Patient:
    x, y = classes(random, 300, (40,), 10)
    model = keras.Sequential(
        [keras.Input((40,)), layers.Dense(64, "relu"), layers.Dense(4), layers.Dense(10, "softmax")]
    )
    return _compiled(random, model, SPARSE, (x, y), "low_rank")


@special
def logistic_regression(random: Random) -> Patient:
    x, y = classes(random, 300, (10,), 2)
    start = choose(random, "zeros", "glorot_uniform")
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(1, "sigmoid", kernel_initializer=start)]
    )
    return _compiled(
        random, model, "binary_crossentropy", (x, y), "logistic_regression", metrics=["accuracy"]
    )


@special
def half_precision_with_float_head(random: Random) -> Patient:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(choose(random, "mixed_float16", "mixed_bfloat16"))
    try:
        x, y = classes(random, 300, (10,), 3)
        inputs = keras.Input((10,))
        z = layers.Dense(32, activation="relu")(inputs)
        if random.random() < 0.5:
            outputs = layers.Activation("softmax", dtype="float32")(layers.Dense(3)(z))
        else:
            outputs = layers.Dense(3, "softmax", dtype="float32")(z)
        return _compiled(random, keras.Model(inputs, outputs), SPARSE, (x, y), "half_precision")
    finally:
        keras.config.set_dtype_policy(before)


@special
def rare_class_well_watched(random: Random) -> Patient:
    x, y = classes(random, 600, (10,), 2)
    keep = (y == 0) | (random.random(600) < 0.08)
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(32, "relu"), layers.Dense(1, "sigmoid")]
    )
    watched = choose(random, keras.metrics.AUC(), keras.metrics.Recall(), keras.metrics.F1Score())
    return _compiled(
        random,
        model,
        "binary_crossentropy",
        (x[keep], y[keep].astype("float32")[:, None]),
        "rare_class",
        metrics=["accuracy", watched],
    )


@special
def few_levels(random: Random) -> Patient:
    """Columns of a few levels: equal rows by chance, in the test set too."""
    x = random.integers(0, 3, (800, 5)).astype("float32")
    y = (x.sum(axis=1) > 5).astype("int64")
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(32, "relu"), layers.Dense(2, "softmax")]
    )
    data = {"x_train": x[:600], "y_train": y[:600], "x_test": x[600:], "y_test": y[600:]}
    return _compiled(random, model, SPARSE, data, "few_levels")


@special
def segmentation(random: Random) -> Patient:
    x, _ = pictures(random, 100, (16, 16, 1), 3)
    y = (x > 127).astype("int64")
    inputs = keras.Input((16, 16, 1))
    down = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Rescaling(1 / 255)(inputs))
    z = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D()(down))
    z = layers.Conv2DTranspose(8, 2, strides=2, activation="relu")(z)
    z = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Concatenate()([down, z]))
    if random.random() < 0.5:
        model, loss = (
            keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(z)),
            "binary_crossentropy",
        )
    else:
        model, loss = keras.Model(inputs, layers.Conv2D(2, 1, activation="softmax")(z)), SPARSE
    return _compiled(random, model, loss, (x, y), "segmentation")


@special
def trained(random: Random) -> Patient:
    x, y = classes(random, 400, (10,), 3)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(32, "relu"),
            layers.Dropout(0.2),
            layers.Dense(3, "softmax"),
        ]
    )
    patient = _compiled(random, model, SPARSE, (x, y), "trained", metrics=["accuracy"])
    history = model.fit(x, y, epochs=6, validation_split=0.2, verbose=0, batch_size=32)
    patient.history = history.history if random.random() < 0.3 else None
    return patient


@special
def wide_and_deep(random: Random) -> Patient:
    x, y = classes(random, 400, (20,), 2)
    inputs = keras.Input((20,))
    deep = layers.Dense(16, activation="relu")(layers.Dense(32, activation="relu")(inputs))
    outputs = layers.Activation("sigmoid")(
        layers.Add()([layers.Dense(1)(inputs), layers.Dense(1)(deep)])
    )
    return _compiled(
        random, keras.Model(inputs, outputs), "binary_crossentropy", (x, y), "wide_and_deep"
    )


@special
def balanced_course(random: Random) -> Patient:
    x, y = classes(random, 400, (10,), 3)
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(32, "relu"), layers.Dense(3, "softmax")]
    )
    patient = _compiled(random, model, SPARSE, (x, y), "balanced_course")
    t = np.arange(int(random.integers(8, 40)))
    noise = 1 + 0.03 * random.normal(size=(2, len(t)))
    loss, held = (0.1 + np.exp(-t / 3)) * noise[0], (0.13 + np.exp(-t / 3)) * noise[1]
    patient.history = {
        "loss": loss,
        "val_loss": held,
        "accuracy": 1 - loss / 3,
        "val_accuracy": 1 - held / 3,
    }
    return patient


@special
def counts(random: Random) -> Patient:
    x = random.normal(size=(400, 8)).astype("float32")
    y = random.poisson(np.exp(0.5 * x[:, 0])).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(32, "relu"),
            layers.Dense(1, activation=choose(random, "exponential", "softplus")),
        ]
    )
    return _compiled(random, model, choose(random, "poisson", "mse"), (x, y), "counts")


@special
def soft_labels(random: Random) -> Patient:
    x, y = classes(random, 300, (10,), 4)
    soft = 0.8 * one_hot(y, 4) + 0.05
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(32, "relu"), layers.Dense(4, "softmax")]
    )
    return _compiled(
        random,
        model,
        choose(random, "kl_divergence", "categorical_crossentropy"),
        (x, soft.astype("float32")),
        "soft_labels",
    )


def application(name: str, size: int) -> Family:
    def build(random: Random) -> Patient:
        x, y = pictures(random, 24, (size, size, 3), 4)
        model = getattr(keras.applications, name)(
            weights=None, classes=4, input_shape=(size, size, 3)
        )
        inside = any("Rescaling" in type(layer).__name__ for layer in model.layers)
        x = x if inside else (x / 127.5 - 1).astype("float32")
        return _compiled(random, model, SPARSE, (x, y), name, metrics=["accuracy"])

    return build


for _name in ("MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "MobileNet"):
    SPECIAL[_name] = application(_name, 32)
