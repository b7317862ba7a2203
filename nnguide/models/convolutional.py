"""A small convolutional network. It strides early: most of the cost is in the first layers."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from nnguide.config import CnnConfig
from nnguide.heads import Softmax
from nnguide.models.blocks import Dropout, Penalty, hidden_layers


def build(config: CnnConfig, *, input_shape: tuple[int, ...], labels: int) -> keras.Model:
    """Build an uncompiled convolutional classifier.

    Input: (batch, height, width, channels) float, preprocessed. Output: (batch, labels)
    float32 probabilities. The first stage strides by 2; each further stage convolves
    `config.depth` times, then pools by 2.
    """
    features = keras.Input(input_shape, name="features")
    first, *others = config.filters
    x = _convolve(features, first, config.kernel, 2, config, "stage_1")
    for number, channels in enumerate(others, start=2):
        for layer in range(1, config.depth + 1):
            x = _convolve(x, channels, 3, 1, config, f"stage_{number}_{layer}")
        x = layers.MaxPooling2D(2, name=f"stage_{number}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = Dropout(config.dropout, name="dropout")(x)
    x = hidden_layers(x, config)
    return keras.Model(features, Softmax(labels)(x, config), name="core")


def _convolve(x: Any, channels: int, kernel: int, stride: int, config: CnnConfig, name: str) -> Any:
    x = layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        padding="same",
        use_bias=not config.batch_norm,
        kernel_initializer="he_normal",
        kernel_regularizer=Penalty(config.l1, config.l2),
        name=name,
    )(x)
    if config.batch_norm:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation(config.activation, name=f"{name}_{config.activation}")(x)
