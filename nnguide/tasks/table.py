"""Tables: a row of numbers in, a probability for each label out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnguide.config import Config, DenseConfig, TrainConfig
from nnguide.tasks import Task

if TYPE_CHECKING:
    import keras
    import numpy as np
    from keras_tuner import HyperParameters

    from nnguide.models.heads import Head


def preprocessor(config: Config, inputs: np.ndarray) -> keras.layers.Layer:
    from nnguide.preprocessing.columns import Columns

    return Columns.adapted_to(inputs)


def feed(layer: keras.layers.Layer, inputs: np.ndarray) -> tuple[Any, keras.layers.Layer | None]:
    return inputs, layer


def build(config: Config, layer: Any, labels: int) -> keras.Model:
    from nnguide.models import dense

    assert isinstance(config.model, DenseConfig)
    return dense.build(config.model, input_shape=(len(layer.mean),), labels=labels)


def head(labels: int) -> Head:
    from nnguide.models.heads import Softmax

    return Softmax(labels)


def space(hp: HyperParameters, base: Config) -> None:
    """Declare the hyperparameters that a search changes.

    Lists are written as `--set` takes them.
    """
    hp.Choice("model.hidden", ["[]", "16", "32", "64", "32,32", "64,64"], default="32")
    hp.Float("model.dropout", 0.0, 0.5, step=0.1, default=0.1)
    hp.Choice("model.l1", [0.0, 1e-5, 1e-4])
    hp.Choice("model.l2", [0.0, 1e-5, 1e-4, 1e-3])
    hp.Choice("train.optimizer", ["adam", "adamw", "momentum"])
    hp.Float("train.learning_rate", 1e-3, 3e-2, sampling="log", default=1e-2)
    hp.Choice("train.schedule", ["onecycle", "cosine", "constant"])
    hp.Choice("train.batch_size", [16, 32, 64], default=32)


TASK = Task(
    name="table",
    title="which label a row of numbers has",
    inputs="numbers",
    labels=(),
    preprocessor=preprocessor,
    feed=feed,
    draw=None,
    augment=None,
    build=build,
    adapt=None,
    head=head,
    space=space,
    models={"dense": {}},
    defaults=Config(
        task="table",
        model=DenseConfig(hidden=(32,), dropout=0.1),
        train=TrainConfig(epochs=60, batch_size=32, learning_rate=0.01),
    ),
)
