"""A small convolutional network. It halves the picture early: large maps cost the most time."""

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
    float32 probabilities. Blocks of `config.fold` by `config.fold` pixels become channels.
    Then the first stage convolves once, each further stage `config.depth` times, and each
    ends by pooling 2 by 2.
    """
    features = keras.Input(input_shape, name="features")
    x = _fold(features, config.fold)
    for stage, channels in enumerate(config.filters, start=1):
        depth, kernel = (1, config.kernel) if stage == 1 else (config.depth, 3)
        for number in range(1, depth + 1):
            name = f"stage_{stage}_{number}"
            x = _convolve(x, channels, kernel, number == depth, config, name)
    x = layers.Flatten(name="flatten")(x)
    x = Dropout(config.dropout, name="dropout")(x)
    x = hidden_layers(x, config)
    return keras.Model(features, Softmax(labels)(x, config), name="core")


def _fold(x: Any, side: int) -> Any:
    """(batch, h, w, c) -> (batch, h / side, w / side, side * side * c)."""
    if side == 1:
        return x
    _, height, width, channels = x.shape
    rows, columns = height // side, width // side
    x = layers.Reshape((rows, side, columns, side * channels), name="fold_split")(x)
    x = layers.Permute((1, 3, 2, 4), name="fold_order")(x)
    return layers.Reshape((rows, columns, side * side * channels), name="fold")(x)


def _convolve(x: Any, channels: int, kernel: int, pool: bool, config: CnnConfig, name: str) -> Any:
    """Convolution, pooling, normalisation, activation: pooled first, the rest costs a quarter."""
    x = layers.Conv2D(
        channels,
        kernel,
        padding="same",
        use_bias=not config.batch_norm,
        kernel_initializer="he_normal",
        kernel_regularizer=Penalty(config.l1, config.l2),
        name=name,
    )(x)
    if pool:
        x = layers.MaxPooling2D(2, padding="same", name=f"{name}_pool")(x)
    if config.batch_norm:
        # 0.9: the moving averages must catch up within an epoch of a few hundred steps
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.Activation(config.activation, name=f"{name}_{config.activation}")(x)
