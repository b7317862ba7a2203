"""Handwritten digits: 28 by 28 grey pixels in, ten probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnguide.config import AugmentConfig, CnnConfig, Config, DenseConfig, TrainConfig
from nnguide.tasks import Task

if TYPE_CHECKING:
    import keras
    import numpy as np

    from nnguide.heads import Head


def preprocessor(config: Config, inputs: np.ndarray) -> keras.layers.Layer:
    from nnguide.preprocessing.images import Pixels

    return Pixels.adapted_to(inputs)


def feed(layer: keras.layers.Layer, inputs: np.ndarray) -> tuple[Any, keras.layers.Layer | None]:
    return inputs, layer  # bytes: a quarter of the memory of what the layer makes of them


def augment(config: Config, images: Any, seed: Any) -> Any:
    from nnguide.preprocessing.augment import augment as change

    assert config.augment is not None
    return change(images, config.augment, seed)


def build(config: Config, layer: keras.layers.Layer, labels: int) -> keras.Model:
    from nnguide.models import convolutional, dense

    if isinstance(config.model, CnnConfig):
        return convolutional.build(config.model, input_shape=(28, 28, 1), labels=labels)
    assert isinstance(config.model, DenseConfig)
    return dense.build(config.model, input_shape=(28, 28, 1), labels=labels)


def head(labels: int) -> Head:
    from nnguide.heads import Softmax

    return Softmax(labels)


TASK = Task(
    name="digits",
    title="which digit a picture shows",
    inputs="pictures",
    labels=tuple("0123456789"),
    preprocessor=preprocessor,
    feed=feed,
    augment=augment,
    build=build,
    head=head,
    models={"cnn": {}, "dense": {"hidden": [512, 512], "batch_norm": True, "dropout": 0.1}},
    defaults=Config(task="digits", model=CnnConfig(), augment=AugmentConfig(), train=TrainConfig()),
)
