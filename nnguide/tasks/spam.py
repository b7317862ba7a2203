"""Spam: a text in, one probability out: that it is spam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnguide.config import Config, EmbeddingConfig, TokensConfig, TrainConfig
from nnguide.tasks import Task

if TYPE_CHECKING:
    import keras
    import numpy as np

    from nnguide.heads import Head


def preprocessor(config: Config, inputs: np.ndarray) -> keras.layers.Layer:
    from nnguide.preprocessing.text import Tokens
    from nnguide.preprocessing.tokens import Tokeniser

    assert config.tokens is not None
    return Tokens(Tokeniser.adapt(inputs, **vars(config.tokens)))


def build(config: Config, labels: int) -> keras.Model:
    from nnguide.models import text

    assert isinstance(config.model, EmbeddingConfig)
    assert config.tokens is not None
    return text.build(config.model, ids=2 + config.tokens.words + config.tokens.buckets)


def head(labels: int) -> Head:
    from nnguide.heads import Sigmoid

    return Sigmoid()


TASK = Task(
    name="spam",
    title="whether a message is spam",
    inputs="texts",
    labels=("ham", "spam"),
    preprocessor=preprocessor,
    augment=None,
    build=build,
    head=head,
    models={"embedding": {}},
    defaults=Config(
        task="spam", model=EmbeddingConfig(), tokens=TokensConfig(), train=TrainConfig()
    ),
)
