"""Dense network of the guide: pixels, hidden layers, one node per label."""

from __future__ import annotations

import keras
from keras import layers

from nnguide.config import DenseConfig
from nnguide.models.blocks import hidden_layers
from nnguide.models.heads import Softmax


def build(config: DenseConfig, *, input_shape: tuple[int, ...], labels: int) -> keras.Model:
    """Build an uncompiled dense classifier.

    Input: (batch, *input_shape) float, preprocessed. Output: (batch, labels) float32
    probabilities.
    """
    features = keras.Input(input_shape, name="features")
    x = layers.Flatten(name="flatten")(features)
    x = hidden_layers(x, config)
    return keras.Model(features, Softmax(labels)(x, config), name="core")
