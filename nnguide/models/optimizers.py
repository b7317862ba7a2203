"""Learning-rate schedules and optimisers, by the names of the configuration."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from nnguide.config import TrainConfig


@keras.saving.register_keras_serializable(package="nnguide")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate that rises and falls once, along cosines.

    It goes up from peak / 25 over the first 30 % of the steps, then down to peak / 10,000.

    Source: Smith & Topin, Super-Convergence (2018).
    """

    def __init__(self, peak: float, steps: int, warmup: float = 0.3) -> None:
        self.peak, self.steps, self.warmup = float(peak), int(steps), float(warmup)

    def __call__(self, step: Any) -> Any:
        done = ops.minimum(ops.cast(step, "float32") / max(self.steps, 1), 1.0)
        rising = done / self.warmup
        falling = (done - self.warmup) / (1 - self.warmup)
        low, end = self.peak / 25, self.peak / 10_000
        up = low + (self.peak - low) * (1 - ops.cos(math.pi * rising)) / 2
        down = end + (self.peak - end) * (1 + ops.cos(math.pi * falling)) / 2
        return ops.where(done < self.warmup, up, down)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup}


@keras.saving.register_keras_serializable(package="nnguide")
class PerUpdate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of updates, for accumulated gradients.

    The optimiser accumulates them over several batches. Keras gives a schedule the number of
    batches, also where it updates less often.
    """

    def __init__(self, schedule: Any, accumulation_steps: int) -> None:
        self.schedule, self.accumulation_steps = schedule, int(accumulation_steps)

    def __call__(self, step: Any) -> Any:
        return self.schedule(step // self.accumulation_steps)

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {"schedule": serialize(self.schedule), "slices": self.accumulation_steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PerUpdate:
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["slices"])


def learning_rate(config: TrainConfig, steps_per_epoch: int) -> Any:
    """Return the learning-rate schedule over all epochs.

    Its highest rate is `config.learning_rate`. constant: the rate itself. step: a
    tenth of it after each third of the epochs. exponential: falls to a hundredth by the end.
    cosine: falls to 0 along half a cosine. onecycle: see OneCycle.
    """
    schedules = keras.optimizers.schedules
    rate, steps = config.learning_rate, steps_per_epoch * config.epochs
    match config.schedule:
        case "constant":
            return rate
        case "step":
            third = max(steps // 3, 1)
            return schedules.PiecewiseConstantDecay(
                [third, 2 * third], [rate, rate / 10, rate / 100]
            )
        case "exponential":
            return schedules.ExponentialDecay(rate, max(steps, 1), 0.01)
        case "cosine":
            return schedules.CosineDecay(rate, max(steps, 1))
        case "onecycle":
            return OneCycle(rate, steps)


def optimizer(config: TrainConfig, steps_per_epoch: int, accumulation_steps: int = 1) -> Any:
    """Return the optimiser of a configuration.

    The gradients of `accumulation_steps` batches make one update. `steps_per_epoch` counts updates.
    """
    rate = learning_rate(config, steps_per_epoch)
    more: dict[str, Any] = {}
    if accumulation_steps > 1:
        more["gradient_accumulation_steps"] = accumulation_steps
        if config.schedule != "constant":
            rate = PerUpdate(rate, accumulation_steps)
    optimizers = keras.optimizers
    match config.optimizer:
        case "sgd":
            return optimizers.SGD(rate, **more)
        case "momentum":
            return optimizers.SGD(rate, momentum=config.momentum, **more)
        case "adam":
            return optimizers.Adam(rate, beta_2=config.beta_2, **more)
        case "adamw":
            return optimizers.AdamW(
                rate, weight_decay=config.weight_decay, beta_2=config.beta_2, **more
            )
