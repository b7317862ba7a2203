"""The settings of a network and its training, for all three twins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nnguide.errors import ConfigError

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "linear")
OUTPUTS = ("sigmoid", "softmax", "linear")
LOSSES = ("mse", "binary_crossentropy", "categorical_crossentropy")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
SCHEDULES = ("constant", "step", "exponential", "cosine", "onecycle")

# The output activations that each loss goes with.
PAIRS = {
    "mse": ("linear", "sigmoid", "softmax"),
    "binary_crossentropy": ("sigmoid",),
    "categorical_crossentropy": ("softmax",),
}


@dataclass(frozen=True)
class Settings:
    """The settings of a dense network, named as in Keras.

    Raises:
        ConfigError: a value out of its range, or two that do not go together.
    """

    hidden: tuple[int, ...] = (16,)  # units per hidden layer
    activation: str = "relu"  # of the hidden layers
    output: str = "sigmoid"  # activation of the last layer
    loss: str = "binary_crossentropy"
    dropout: float = 0.0  # fraction of hidden units zeroed per training step
    l1: float = 0.0  # weight of sum |w| in the loss; biases are not penalised
    l2: float = 0.0  # weight of sum w**2 in the loss
    optimizer: str = "adam"
    momentum: float = 0.9  # fraction of the velocity that stays, for "momentum"
    weight_decay: float = 0.01  # fraction of a parameter lost per unit of rate, for "adamw"
    learning_rate: float = 0.01  # the highest rate of the schedule
    schedule: str = "constant"
    epochs: int = 100
    batch_size: int | str = 32  # or "full": every example in one update
    patience: int = 0  # epochs without lower validation loss before stopping; 0 = off
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("activation", self.activation, ACTIVATIONS)
        _one_of("output", self.output, OUTPUTS)
        _one_of("loss", self.loss, LOSSES)
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        _one_of("schedule", self.schedule, SCHEDULES)
        _check(
            all(_whole(units) and units > 0 for units in self.hidden),
            f"hidden is a tuple of whole numbers of units, each above 0; got {self.hidden!r}. "
            "For two layers write (64, 32).",
        )
        _check(
            self.output in PAIRS[self.loss],
            f"the loss {self.loss} goes with the output {' or '.join(PAIRS[self.loss])}; "
            f"got {self.output}",
        )
        _check(
            0 <= self.dropout < 1,
            f"dropout is a fraction of units in [0, 1); got {self.dropout}. For 20 % write 0.2.",
        )
        _check(0 <= self.momentum < 1, f"momentum is in [0, 1); got {self.momentum}")
        for name in ("l1", "l2", "weight_decay"):
            value = getattr(self, name)
            _check(0 <= value < float("inf"), f"{name} is a number of 0 or more; got {value}")
        _check(
            0 < self.learning_rate < float("inf"),
            f"learning_rate is a number above 0; got {self.learning_rate}",
        )
        _check(
            _whole(self.epochs) and self.epochs > 0,
            f"epochs is a whole number above 0; got {self.epochs}",
        )
        _check(
            self.batch_size == "full" or (_whole(self.batch_size) and int(self.batch_size) > 0),
            f'batch_size is a whole number above 0, or "full"; got {self.batch_size!r}',
        )
        _check(
            _whole(self.patience) and self.patience >= 0,
            f"patience is a whole number of epochs, 0 for none; got {self.patience}",
        )
        _check(
            _whole(self.seed) and self.seed >= 0,
            f"seed is a whole number of 0 or more; got {self.seed}",
        )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    _check(value in allowed, f"{name} is one of {', '.join(allowed)}; got {value!r}")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise ConfigError(message)
