"""The network of network2.py in Keras.

`compile` and `fit` take the place of the loops.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nnguide.blueprints import optimizers, training_loop
from nnguide.blueprints.activations import LEAK
from nnguide.blueprints.initializers import initial_weights
from nnguide.blueprints.settings import Settings
from nnguide.blueprints.training_loop import Record

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": keras.activations.linear,
    "relu": ops.relu,
    "leaky_relu": lambda z: ops.maximum(z, LEAK * z),  # ops.leaky_relu takes it through float32
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "softmax": ops.softmax,
}


class KerasNet:
    """A dense Keras network with the four common methods.

    `model` is the Keras model. It ends in the sum z, not in ŷ: a cross-entropy of logits loses
    no digits.
    """

    def __init__(
        self, inputs: int, outputs: int, settings: Settings | None = None, dtype: str = "float32"
    ) -> None:
        """Build a network of `inputs` features and `outputs` nodes.

        The dtype is float32 or float64.
        """
        self.settings = s = settings or Settings()
        self.dtype = dtype
        self.sizes = (inputs, *s.hidden, outputs)
        self.g_out = ACTIVATIONS[s.output]
        self.data_loss = DataLoss(s, dtype)

        def l2(w: Any) -> Any:  # keras.regularizers.L2 would take λ₂ through float32
            return s.l2 * ops.sum(ops.square(w))

        def dense(units: int, **options: Any) -> Any:
            return layers.Dense(units, kernel_regularizer=l2, dtype=dtype, **options)

        x = features = keras.Input((inputs,), dtype=dtype, name="features")
        for depth, units in enumerate(s.hidden, start=1):
            x = dense(units, activation=ACTIVATIONS[s.activation], name=f"hidden_{depth}")(x)
            x = layers.Dropout(s.dropout, seed=s.seed + depth, dtype=dtype)(x)
        self.model = keras.Model(features, dense(outputs, name="logits")(x))
        self.set_weights(initial_weights(self.sizes, s.activation, s.seed, dtype))

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        validation_data: tuple[np.ndarray, np.ndarray] | None = None,
        on_epoch: Callable[[Any, Record], None] | None = None,
    ) -> list[Record]:
        """Train on examples.

        Arguments, records and errors are those of NumpyNet.fit.
        """
        s = self.settings
        X, Y = training_loop.examples(X, y, self.sizes, self.dtype)
        batches = Batches(X, Y, s)
        steps = s.epochs * len(batches)
        rates = [
            optimizers.learning_rate(s.schedule, s.learning_rate, step, steps)
            for step in range(steps)
        ]
        loop = TrainingLoop(self, rates, validation_data, on_epoch)
        with floatx(self.dtype):
            self.model.compile(optimizer(s, PrecomputedSchedule(rates, self.dtype)), self.data_loss)
            self.model.fit(batches, epochs=s.epochs, shuffle=False, verbose=0, callbacks=[loop])
        return loop.records

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return ŷ (n, out).

        These are probabilities; with a linear output, the values themselves.
        """
        X = training_loop.inputs(X, self.sizes[0], self.dtype)
        return ops.convert_to_numpy(self.g_out(self.model(X, training=False)))

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of [W1 (in, out), b1 (out,), W2, b2, …]."""
        return [ops.convert_to_numpy(w) for w in self.model.trainable_variables]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Set weights from any twin, in the order of get_weights."""
        training_loop.check_shapes(self.get_weights(), weights)
        for variable, value in zip(self.model.trainable_variables, weights, strict=True):
            variable.assign(value)

    def loss(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the mean loss of examples, with penalties, without dropout."""
        return float(self._loss(X, y))

    def gradients(self, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Return the gradients of `loss`, in the order of get_weights."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = self._loss(X, y)
        gradients = tape.gradient(loss, [w.value for w in self.model.trainable_variables])
        return [gradient.numpy() for gradient in gradients]

    def _loss(self, X: np.ndarray, y: np.ndarray) -> Any:
        X, Y = training_loop.examples(X, y, self.sizes, self.dtype)
        with floatx(self.dtype):
            smooth = self.data_loss(Y, self.model(X, training=False)) + sum(self.model.losses)
        return smooth + self.l1_penalty()

    def l1_penalty(self) -> Any:
        """Return λ₁ Σ |w|.

        The training applies it only as a threshold after each step.
        """
        kernels = [w for w in self.model.trainable_variables if len(w.shape) == 2]
        return self.settings.l1 * sum(ops.sum(ops.abs(w)) for w in kernels)


@contextlib.contextmanager
def floatx(dtype: str) -> Iterator[None]:
    """Set Keras's default float type to `dtype` within a block.

    Keras then sums losses and keeps its constants in `dtype`, not in float32.
    """
    before = keras.config.floatx()
    keras.config.set_floatx(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)


class DataLoss(keras.losses.Loss):
    """The mean loss of the sums z against the targets y.

    The formulae are those of losses.py.
    """

    def __init__(self, settings: Settings, dtype: str) -> None:
        super().__init__(name="loss", dtype=dtype)
        self.kind, self.g_out = settings.loss, ACTIVATIONS[settings.output]

    def call(self, y: Any, z: Any) -> Any:
        """Return the loss of each example, (batch,)."""
        match self.kind:
            case "binary_crossentropy":
                return ops.sum(ops.binary_crossentropy(y, z, from_logits=True), axis=1)
            case "categorical_crossentropy":
                return ops.categorical_crossentropy(y, z, from_logits=True)
            case _:
                return 0.5 * ops.sum((self.g_out(z) - y) ** 2, axis=1)


class Batches(keras.utils.PyDataset):
    """The batches of the NumPy twin, in the same order.

    They are shuffled again each epoch.
    """

    def __init__(self, X: np.ndarray, Y: np.ndarray, settings: Settings) -> None:
        super().__init__()
        self.X, self.Y, self.size = X, Y, settings.batch_size
        # Keras looks at two batches before the first epoch begins, to learn their shapes.
        self.order = list(training_loop.batches(len(X), self.size, np.random.default_rng(0)))
        self.random = np.random.default_rng(settings.seed)

    def __len__(self) -> int:
        return training_loop.updates_per_epoch(len(self.X), self.size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        batch = self.order[index]
        return self.X[batch], self.Y[batch]

    def on_epoch_begin(self) -> None:
        self.order = list(training_loop.batches(len(self.X), self.size, self.random))


class PrecomputedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The precomputed learning rate of every update, in the network's own dtype."""

    def __init__(self, rates: list[float], dtype: str) -> None:
        self.rates = ops.convert_to_tensor(np.array(rates, dtype))

    def __call__(self, step: Any) -> Any:
        return ops.take(self.rates, step)


class TrainingLoop(keras.callbacks.Callback):
    """A callback with the records and early stopping of NumpyNet.fit."""

    def __init__(
        self,
        network: KerasNet,
        rates: list[float],
        validation_data: tuple[np.ndarray, np.ndarray] | None,
        on_epoch: Callable[[Any, Record], None] | None,
    ) -> None:
        super().__init__()
        self.network, self.validation_data, self.on_epoch = network, validation_data, on_epoch
        epochs = network.settings.epochs
        self.rates = rates[len(rates) // epochs - 1 :: len(rates) // epochs]  # the last of each
        self.stopping = training_loop.EarlyStopping(network.settings.patience)
        self.records: list[Record] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        record: Record = {"epoch": epoch + 1, "learning_rate": self.rates[epoch]}
        record["loss"] = float(logs["loss"]) + float(self.network.l1_penalty())
        if self.validation_data is not None:
            record["val_loss"] = self.network.loss(*self.validation_data)
        self.records.append(record)
        training_loop.check_finite(record)
        if self.on_epoch is not None:
            self.on_epoch(self.network, record)
        self.model.stop_training = self.stopping.should_stop(record, self.network)

    def on_train_end(self, logs: Any = None) -> None:
        self.stopping.restore(self.network)


def optimizer(settings: Settings, schedule: PrecomputedSchedule) -> keras.optimizers.Optimizer:
    """Return the Keras optimizer that the settings name.

    With L1 it thresholds the weights after each step.
    """
    s = settings
    adam = {"beta_1": optimizers.BETA_1, "beta_2": optimizers.BETA_2, "epsilon": optimizers.EPSILON}
    kinds: dict[str, tuple[Any, dict[str, float]]] = {
        "sgd": (keras.optimizers.SGD, {}),
        "momentum": (keras.optimizers.SGD, {"momentum": s.momentum}),
        "adam": (keras.optimizers.Adam, adam),
        "adamw": (keras.optimizers.AdamW, {**adam, "weight_decay": s.weight_decay}),
    }
    kind, options = kinds[s.optimizer]
    return (proximal(kind, s.l1) if s.l1 else kind)(schedule, **options)


def proximal(kind: Any, l1: float) -> Any:
    """Return the optimizer class `kind` with a soft threshold after each step.

    The threshold is optimizers.soft_threshold.
    """

    class Proximal(kind):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            super().update_step(gradient, variable, learning_rate)
            if len(variable.shape) == 2:  # a weight matrix; biases are not penalised
                size = ops.abs(variable) - l1 * self.reach(variable, learning_rate)
                self.assign(variable, ops.sign(variable) * ops.maximum(size, 0))

        def reach(self, variable: Any, learning_rate: Any) -> Any:
            if isinstance(self, keras.optimizers.SGD):
                return learning_rate / (1 - self.momentum)
            v = self._velocities[self._get_variable_index(variable)]
            t = ops.cast(self.iterations + 1, v.dtype)
            correction = ops.sqrt(1 - ops.exp(t * math.log(self.beta_2)))
            return learning_rate * correction / (ops.sqrt(v) + self.epsilon)

    return Proximal
