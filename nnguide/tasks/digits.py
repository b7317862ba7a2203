"""Handwritten digits: 28 by 28 grey pixels in, ten probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnguide.config import (
    AugmentConfig,
    CalibrationConfig,
    CnnConfig,
    Config,
    DenseConfig,
    TrainConfig,
)
from nnguide.errors import ConfigError
from nnguide.tasks import Task

if TYPE_CHECKING:
    import keras
    import numpy as np
    from keras_tuner import HyperParameters

    from nnguide.data.examples import Examples
    from nnguide.models.heads import Head

MEASURED = 1024  # pictures that filters are measured on


def preprocessor(config: Config, inputs: np.ndarray) -> keras.layers.Layer:
    from nnguide.preprocessing.images import Pixels

    return Pixels.adapted_to(inputs)


def feed(layer: keras.layers.Layer, inputs: np.ndarray) -> tuple[Any, keras.layers.Layer | None]:
    from nnguide.data.records import Records

    if isinstance(inputs, Records):
        from nnguide.preprocessing.picture_rows import PictureRows

        return PictureRows(inputs), layer
    return inputs, layer  # bytes: a quarter of the memory of what the layer makes of them


def draw(config: Config, training: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Return drawn inputs that are added to the training set.

    Inputs are (n, 28, 28) uint8, targets (n, labels) float32.

    Raises:
        ConfigError: digits of other hands are wanted, and the labels are not the ten digits.
    """
    import numpy as np

    from nnguide.data import hands, not_digits

    labels = training.label_names
    change, seed = config.augment or AugmentConfig(), config.train.seed
    if change.hands and labels != TASK.labels:
        raise ConfigError(
            f"augment.hands draws the digits 0 to 9; this data has the labels {', '.join(labels)}. "
            "Set augment.hands=0."
        )
    digits = hands.drawn(change.hands, seed)
    others = not_digits.drawn(change.not_digits, seed)
    unsure = np.full((len(others), len(labels)), 1 / len(labels), np.float32)
    targets = head(len(labels)).targets(digits.labels)[:, : len(labels)]
    return np.concatenate([digits.inputs, others]), np.concatenate([targets, unsure])


def augment(config: Config, images: Any, seed: Any, rows: slice) -> Any:
    from nnguide.preprocessing.augment import augment as change

    assert config.augment is not None
    return change(images, config.augment, seed, rows)


def build(config: Config, layer: keras.layers.Layer, labels: int) -> keras.Model:
    from nnguide.models import convolutional, dense

    if isinstance(config.model, CnnConfig):
        return convolutional.build(config.model, input_shape=(28, 28, 1), labels=labels)
    assert isinstance(config.model, DenseConfig)
    return dense.build(config.model, input_shape=(28, 28, 1), labels=labels)


def adapt(core: keras.Model, layer: keras.layers.Layer, rows: Any) -> None:
    """Measure the first stage's filters, if it does not learn them."""
    import keras
    import numpy as np

    from nnguide.models import components
    from nnguide.models.convolutional import fixed_stage

    if (stage := fixed_stage(core)) is None:
        return
    places = np.linspace(0, rows.shape[0] - 1, min(rows.shape[0], MEASURED)).astype(np.int64)
    pictures = rows.gather(places) if hasattr(rows, "gather") else rows[places]
    components.measure(stage, core, keras.ops.convert_to_numpy(layer(pictures)))


def head(labels: int) -> Head:
    from nnguide.models.heads import Softmax

    return Softmax(labels)


def space(hp: HyperParameters, base: Config) -> None:
    """Declare the hyperparameters that a search changes.

    Lists are written as `--set` takes them.
    """
    if isinstance(base.model, CnnConfig):
        hp.Choice("model.filters", ["16,32", "32,64", "16,32,64", "32,64,128"], default="32,64")
        hp.Int("model.depth", 1, 3, default=2)  # convolutions per stage
        hp.Choice("model.hidden", ["[]", "64", "128"])
    else:
        hp.Choice("model.hidden", ["128", "256", "512", "512,512", "1024,512"])
    hp.Float("model.dropout", 0.0, 0.5, step=0.05, default=0.2)
    hp.Choice("model.l1", [0.0, 1e-6, 1e-5])
    hp.Choice("model.l2", [0.0, 1e-5, 1e-4, 1e-3])
    hp.Choice("train.optimizer", ["adam", "adamw", "momentum"])
    hp.Float("train.learning_rate", 5e-4, 5e-2, sampling="log", default=5e-3)
    hp.Choice("train.schedule", ["onecycle", "cosine", "constant"])
    hp.Choice("train.batch_size", [64, 128, 256], default=128)
    hp.Float("augment.shift", 0.0, 3.0, step=0.5, default=2.0)
    hp.Float("augment.rotate", 0.0, 15.0, step=3.0, default=12.0)
    hp.Float("augment.elastic", 0.0, 1.0, step=0.25, default=0.5)


TASK = Task(
    name="digits",
    title="which digit a picture shows",
    inputs="pictures",
    labels=tuple("0123456789"),
    preprocessor=preprocessor,
    feed=feed,
    draw=draw,
    augment=augment,
    build=build,
    adapt=adapt,
    head=head,
    space=space,
    models={"cnn": {}, "dense": {"hidden": [512, 512], "batch_norm": True, "dropout": 0.1}},
    defaults=Config(
        task="digits",
        model=CnnConfig(),
        augment=AugmentConfig(),
        train=TrainConfig(),
        calibration=CalibrationConfig(max_refused=0.01),
    ),
)
