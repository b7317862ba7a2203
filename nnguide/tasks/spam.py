"""Spam: a text in, one probability out: that it is spam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnguide.config import CalibrationConfig, Config, EmbeddingConfig, TokensConfig, TrainConfig
from nnguide.tasks import Task

if TYPE_CHECKING:
    import keras
    import numpy as np

    from nnguide.heads import Head


def preprocessor(config: Config, inputs: np.ndarray) -> keras.layers.Layer:
    from nnguide.preprocessing.text import Tokens
    from nnguide.preprocessing.tokens import Tokeniser

    assert config.tokens is not None
    return Tokens(Tokeniser.adapt(list(inputs), **vars(config.tokens)), name="tokens")


def feed(layer: Any, inputs: np.ndarray) -> tuple[Any, keras.layers.Layer | None]:
    """All ids at once, by the NumPy twin of the layer, which gives the same ones faster."""
    import tensorflow as tf

    ids, lengths = layer.tokeniser.ragged(inputs)
    return tf.RaggedTensor.from_row_lengths(ids, lengths), None


def build(config: Config, layer: Any, labels: int) -> keras.Model:
    from nnguide.models import text

    assert isinstance(config.model, EmbeddingConfig)
    known = layer.tokeniser
    return text.build(config.model, ids=known.size, first_gram=known.first_gram)


def head(labels: int) -> Head:
    from nnguide.heads import Sigmoid

    return Sigmoid()


TASK = Task(
    name="spam",
    title="whether a message is spam",
    inputs="texts",
    labels=("ham", "spam"),
    preprocessor=preprocessor,
    feed=feed,
    augment=None,
    build=build,
    head=head,
    models={"embedding": {}},
    defaults=Config(
        task="spam",
        model=EmbeddingConfig(),
        tokens=TokensConfig(),
        train=TrainConfig(),
        calibration=CalibrationConfig(on="folds"),  # its validation part alone is too small
    ),
)
