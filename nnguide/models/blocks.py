"""Common blocks: dense hidden layers, dropout and penalties.

A schedule can change dropout and penalties. Setting `rate` on a stock Dropout layer, or `l2` on a
stock regulariser, changes nothing once the training step is traced: both are Python numbers, frozen
into the graph. Here they are variables, so that a callback moves them inside a compiled `fit`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from nnguide.config import ModelConfig


@keras.saving.register_keras_serializable(package="nnguide")
class Dropout(layers.Layer):
    """Zero a fraction of the inputs in training.

    The others are scaled up. Outside of training it is the identity.

    Args:
        rate: fraction of units zeroed, in [0, 1). Held in the variable `self.rate`.
        whole: what is kept or zeroed together, as a shape that broadcasts to the input's
            without its batch axis, such as (None, 1) for whole time steps.
        seed: seed of the random choice; None draws one from Keras's global seed.

    Input and output: any shape (batch, …), the same dtype.
    """

    def __init__(
        self,
        rate: float,
        whole: tuple[int | None, ...] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate is a fraction of units in [0, 1); got {rate}")
        self._start = float(rate)
        self.whole = whole
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.rate = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(rate),
            trainable=False,
            dtype="float32",
            autocast=False,
            name="rate",
        )
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        never = self.whole is not None and not self._start  # no schedule moves these
        if not training or never:
            return inputs
        shape = list(ops.shape(inputs))
        for axis, size in enumerate(self.whole or (), start=1):
            shape[axis] = shape[axis] if size is None else size
        steps = self.whole is not None and self.whole[0] is None
        kept = _of_this_replica(shape, self.seed_generator, steps) >= self.rate
        scale = ops.cast(kept, "float32") / (1.0 - self.rate)
        return inputs * ops.cast(scale, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self._start, "whole": self.whole, "seed": self.seed}


def _of_this_replica(shape: list[Any], seed: keras.random.SeedGenerator, steps: bool) -> Any:
    """Draw this replica's numbers in [0, 1).

    They are part of what is drawn for the batch of all replicas. Replicas draw alike, so several
    learn what one would, and no two drop the same units. Only TensorFlow has replicas.

    Args:
        steps: whether axis 1 is of time steps. Each replica pads its texts to its own longest, so
            the numbers are drawn step by step: a longer batch begins with those of a shorter.
    """
    rows, first, replicas = shape[0], 0, 1
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is not None:
            replicas = context.num_replicas_in_sync
            first = context.replica_id_in_sync_group * rows if replicas > 1 else 0
    whole = [rows * replicas, *shape[1:]]
    if steps:
        whole[:2] = whole[1], whole[0]
    drawn = keras.random.uniform(whole, seed=seed)
    if steps:
        drawn = ops.swapaxes(drawn, 0, 1)
    return drawn if replicas == 1 else drawn[first : first + rows]


@keras.saving.register_keras_serializable(package="nnguide")
class Penalty(keras.regularizers.Regularizer, layers.Layer):
    """Penalty l1 * sum(|w|) + l2 * sum(w**2), with factors in variables.

    It is a layer so that the layer it regularises owns these variables: JAX freezes a variable
    of no layer into the compiled training step, where moving it would change nothing. They are
    no weights: a model file has the configuration's factors, as it has no state of a generator.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        # Equal models make equal files: Keras would count the name up, and write it.
        layers.Layer.__init__(
            self, name="penalty", dtype="float32", autocast=False, trainable=False
        )
        self._start = (float(l1), float(l2))
        self.l1 = keras.Variable(l1, dtype="float32", trainable=False, name="l1")
        self.l2 = keras.Variable(l2, dtype="float32", trainable=False, name="l2")
        self.built = True

    def __call__(self, weights: Any) -> Any:
        weights = ops.cast(weights, "float32")
        return self.l1 * ops.sum(ops.abs(weights)) + self.l2 * ops.sum(ops.square(weights))

    @property
    def weights(self) -> list[keras.Variable]:
        return []

    def save_own_variables(self, store: Any) -> None:
        """Write nothing: the configuration has everything."""

    def load_own_variables(self, store: Any) -> None:
        """Read nothing: the configuration has everything."""

    def get_build_config(self) -> None:
        return None

    def get_config(self) -> dict[str, float]:
        return {"l1": self._start[0], "l2": self._start[1]}


# Of BatchNormalization: its moving averages must catch up within an epoch of a few hundred steps.
MOMENTUM = 0.9


def activation(kind: str, name: str) -> layers.Layer:
    """Return the layer of an activation.

    Leaky ReLU has the slope 0.01 below zero, as published.
    """
    if kind == "leaky_relu":
        return layers.LeakyReLU(0.01, name=name)
    return layers.Activation(kind, name=name)


def hidden_layers(x: Any, config: ModelConfig, first: int = 1) -> Any:
    """Apply the dense hidden layers, (batch, features) -> units.

    Every task has them; they are numbered from `first`.
    """
    for depth, units in enumerate(config.hidden, start=first):
        x = layers.Dense(
            units,
            use_bias=not config.batch_norm,
            kernel_initializer="he_normal",
            kernel_regularizer=Penalty(config.l1, config.l2),
            name=f"hidden_{depth}",
        )(x)
        if config.batch_norm:
            x = layers.BatchNormalization(momentum=MOMENTUM, name=f"hidden_{depth}_norm")(x)
        x = activation(config.activation, name=f"hidden_{depth}_{config.activation}")(x)
        x = Dropout(config.dropout, name=f"hidden_{depth}_dropout")(x)
    return x
