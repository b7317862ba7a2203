"""A network over tokens: embeddings, pooled, then dense hidden layers and one sigmoid node."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from nnguide.config import EmbeddingConfig
from nnguide.heads import Sigmoid
from nnguide.models.blocks import Dropout, hidden_layers


@keras.saving.register_keras_serializable(package="nnguide")
class MaskedPool(layers.Layer):
    """Average and maximum of each number over a text's tokens; padding (id 0) is left out.

    Input: (batch, length, d) embeddings and (batch, length) int ids. Output: (batch, 2 d).
    A text without tokens gives zeros.
    """

    def call(self, inputs: tuple[Any, Any]) -> Any:
        embedded, ids = inputs
        present = ops.cast(ops.not_equal(ids, 0), embedded.dtype)
        present = ops.expand_dims(present, -1)  # (batch, length, 1); LiteRT has no [..., None]
        count = ops.maximum(ops.sum(present, axis=1), 1)  # (batch, 1)
        average = ops.sum(embedded * present, axis=1) / count  # (batch, d)
        lowest = ops.cast(-1e4, embedded.dtype)  # float16 holds it
        highest = ops.max(ops.where(present > 0, embedded, lowest), axis=1)  # (batch, d)
        highest = ops.where(ops.sum(present, axis=1) > 0, highest, ops.zeros_like(highest))
        return ops.concatenate([average, highest], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        (batch, _, numbers), _ = input_shape
        return batch, 2 * numbers


def build(config: EmbeddingConfig, *, ids: int) -> keras.Model:
    """Build an uncompiled text classifier.

    Input: (batch, length) int32 token ids in [0, ids), 0 is padding. Output: (batch, 1)
    float32 probability of the second label.
    """
    tokens = keras.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(ids, config.embedding, name="embedding")(tokens)
    # Hiding whole tokens keeps single words from deciding alone.
    x = Dropout(config.token_dropout, whole=(None, 1), name="token_dropout")(x)
    x = MaskedPool(name="pool")([x, tokens])
    x = Dropout(config.dropout, name="pool_dropout")(x)
    x = hidden_layers(x, config)
    return keras.Model(tokens, Sigmoid()(x, config), name="core")
