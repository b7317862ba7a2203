"""Groups of settings, from the data to calibration.

Each class checks its own values, however it was made.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from nnguide.config.values import (
    FRACTION,
    LIMIT,
    Group,
    Range,
    between,
    minimum,
    one_of,
    setting,
)
from nnguide.errors import ConfigError

Activation = Literal["relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid", "linear"]
Optimizer = Literal["sgd", "momentum", "adam", "adamw"]
Schedule = Literal["constant", "step", "exponential", "cosine", "onecycle"]
Precision = Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"]
Strategy = Literal["auto", "none", "mirrored", "multi_worker"]
Monitor = Literal["val_loss", "val_accuracy", "loss", "accuracy"]


def _positive_rate(name: str, value: float) -> None:
    if not 0 < value < LIMIT:
        raise ConfigError(
            f"{name} must be above 0, and finite; "
            f"got {value:g}. Common values lie between 0.0001 and 0.1."
        )


POSITIVE_RATE = Range("above 0", _positive_rate, {"exclusiveMinimum": 0, "exclusiveMaximum": LIMIT})


@dataclass(frozen=True)
class DataConfig(Group):
    """Settings of the examples and of their split."""

    group = "data"

    dataset: str = setting("auto", "a data set's name, a path, or auto")
    split_seed: int = setting(0, "seed that chooses the test set of data without one", minimum(0))
    validation: float = setting(
        0.1, "fraction of the training data used for validation; 0: none", FRACTION
    )
    label_column: str = setting("", 'column of labels in your table; empty: "label"')
    text_column: str = setting("", 'column of texts in your table; empty: "text"')
    encoding: str = setting("", "text encoding of your table; empty: utf-8")


@dataclass(frozen=True)
class AugmentConfig(Group):
    """Settings of random changes, drawn again each time a picture is shown."""

    group = "augment"
    shift: float = setting(0.0, "largest shift in pixels, each way", minimum(0))
    rotate: float = setting(0.0, "largest rotation in degrees, each way", minimum(0))
    scale: float = setting(0.0, "largest change of size, a fraction, each way", FRACTION)
    shear: float = setting(0.0, "largest shear, a fraction of the height, each way", minimum(0))
    elastic: float = setting(0.0, "elastic distortion, in pixels", minimum(0))
    thickness: float = setting(
        0.0, "largest change of stroke width, as a fraction of a pixel on each side", FRACTION
    )
    contrast: float = setting(
        0.0, "largest loss of contrast, as a fraction of the way to an even grey", FRACTION
    )
    noise: float = setting(
        0.0, "highest standard deviation of noise, as a fraction of black to white", FRACTION
    )
    paper: float = setting(
        0.0, "fraction of pictures with lines, blots, shadows, blur and similar effects", FRACTION
    )
    hands: int = setting(
        0,
        "number of drawn digits added to training: crossed sevens and similar styles",
        minimum(0),
    )
    not_digits: int = setting(
        0,
        "number of drawn letters, signs and textures added to training, as no digit",
        minimum(0),
    )


@dataclass(frozen=True)
class TokensConfig(Group):
    """Settings of tokens: known words, hashed word pairs, hashed character n-grams."""

    group = "tokens"
    words: int = setting(8000, "size of the vocabulary, its most frequent words", minimum(1))
    min_count: int = setting(1, "words less frequent than this are unknown", minimum(1))
    pairs: int = setting(4096, "hash buckets for pairs of neighbouring words; 0: none", minimum(0))
    grams: tuple[int, ...] = setting((3, 4, 5), "lengths of the character n-grams", between(1, 8))
    buckets: int = setting(8192, "hash buckets for character n-grams; 0: no n-grams", minimum(0))
    max_words: int = setting(128, "words read of each text, at most", minimum(1))
    max_chars: int = setting(512, "characters read of each text for n-grams, at most", minimum(1))
    plain: bool = setting(False, "read only letters and !?$%, as in mail that is already tokenised")
    numbers: bool = setting(False, "in the plain form, read each number as one 0")
    phones: bool = setting(False, "read each telephone number as one word, whatever its digits")
    opening: int = setting(0, "hash buckets for a text's first words, as such; 0: none", minimum(0))
    opening_words: int = setting(16, "how many words a text opens with", minimum(1))


@dataclass(frozen=True)
class ModelConfig(Group):
    """Settings of dense hidden layers, and of what limits overfitting."""

    group = "model"
    hidden: tuple[int, ...] = setting((128,), "units per dense hidden layer", minimum(1))
    activation: Activation = setting("relu", "activation of the hidden layers")
    batch_norm: bool = setting(False, "batch normalization after each hidden layer")
    dropout: float = setting(0.2, "fraction of units dropped per training step", FRACTION)
    l1: float = setting(0.0, "L1 factor: l1 * sum(|w|) is added to the loss", minimum(0))
    l2: float = setting(0.0, "L2 factor: l2 * sum(w**2) is added to the loss", minimum(0))

    def in_training(self) -> Self:
        """Return the settings of the network that learns.

        It has the same weights.
        """
        return self


@dataclass(frozen=True)
class DenseConfig(ModelConfig):
    """Settings of the guide's dense network: 784 inputs, one output per label."""

    kind: Literal["dense"] = setting("dense", "kind of network")


@dataclass(frozen=True)
class CnnConfig(ModelConfig):
    """Settings of convolutions that halve the picture, then dense layers."""

    renamed: ClassVar = {"fold": "space_to_depth"}
    kind: Literal["cnn"] = setting("cnn", "kind of network")
    hidden: tuple[int, ...] = setting((), "units per dense hidden layer", minimum(1))
    batch_norm: bool = setting(True, "batch normalization after each layer")
    space_to_depth: int = setting(
        2,
        "side of the blocks of pixels that become channels; 1: none",
        one_of(1, 2, 4, note=", to divide the pictures' 28 pixels"),
    )
    filters: tuple[int, ...] = setting((32, 64), "channels of each of 1 to 4 stages", minimum(1))
    kernel: int = setting(3, "side of the first stage's kernel; the others are 3 by 3", minimum(1))
    depth: int = setting(2, "convolutions per stage after the first", minimum(1))
    padding: Literal["same", "valid"] = setting(
        "same", "of the convolutions; valid: none, so that each makes its picture smaller"
    )
    first_filters: Literal["learned", "measured"] = setting(
        "learned",
        "filters of the first stage; measured: principal components of the pictures, not trained",
    )
    test_time_shift: int = setting(
        0,
        "test-time augmentation: average over shifts of up to so many pixels",
        one_of(0, 1, 2, note=": 1, 9 or 25 views of a picture"),
    )

    def in_training(self) -> Self:
        """Return these settings with one view of each picture.

        More would cost time and teach nothing.
        """
        return dataclasses.replace(self, test_time_shift=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.filters) <= 4:
            raise ConfigError(
                f"model.filters lists the channels of 1 to 4 stages; got {list(self.filters)}."
            )
        most = 2 * (self.kernel * self.space_to_depth) ** 2
        if self.first_filters == "measured" and (self.filters[0] % 2 or self.filters[0] > most):
            raise ConfigError(
                "model.first_filters=measured takes each component with both signs: expected an "
                f"even number of filters in the first stage, at most {most}; got {self.filters[0]}."
            )


@dataclass(frozen=True)
class EmbeddingConfig(ModelConfig):
    """Settings of summed and max-pooled token embeddings, then dense layers."""

    kind: Literal["embedding"] = setting("embedding", "kind of network")
    hidden: tuple[int, ...] = setting((32,), "units per dense hidden layer", minimum(1))
    embedding: int = setting(16, "dimensions of a token's embedding", minimum(1))
    token_dropout: float = setting(0.0, "fraction of tokens dropped per training step", FRACTION)
    word_dropout: float = setting(
        0.2, "fraction of texts of which a training step sees only the n-grams", FRACTION
    )
    apart: bool = setting(False, "pool words, pairs and opening words each by itself")
    wide: bool = setting(False, "join what was pooled to what the hidden layers make of it")
    eight_bits: bool = setting(
        False, "round embeddings to 8 bits when training ends, for smaller files"
    )


@dataclass(frozen=True)
class Ramp(Group):
    """A value that goes linearly from `start` to `end` over `warmup` epochs."""

    group = "schedule"
    start: float = setting(0.0, "value in the first epoch", minimum(0))
    end: float = setting(0.0, "value from epoch `warmup` on", minimum(0))
    warmup: int = setting(
        0, "epochs from start to end; 0: no schedule, the model's own value is used", minimum(0)
    )

    def at(self, epoch: int) -> float:
        """Return the value in an epoch from 0; `end` from `warmup` on."""
        return self.start + (self.end - self.start) * min(epoch / max(self.warmup, 1), 1.0)


@dataclass(frozen=True)
class DropoutRamp(Ramp):
    """A ramp of fractions."""

    group = "train.dropout_schedule"
    start: float = setting(0.0, "value in the first epoch", FRACTION)
    end: float = setting(0.0, "value from epoch `warmup` on", FRACTION)


@dataclass(frozen=True)
class TrainConfig(Group):
    """Settings of training."""

    group = "train"
    epochs: int = setting(10, "number of epochs", minimum(1))
    batch_size: int | Literal["full"] = setting(
        128, "batch size, over all devices; full: one update per epoch", minimum(1)
    )
    optimizer: Optimizer = setting("adam", "optimizer")
    learning_rate: float = setting(1e-3, "highest learning rate of the schedule", POSITIVE_RATE)
    schedule: Schedule = setting("constant", "learning-rate schedule")
    momentum: float = setting(0.9, "momentum of the momentum optimizer", FRACTION)
    beta_2: float = setting(0.999, "decay of adam's mean of squared gradients", FRACTION)
    weight_decay: float = setting(0.01, "weight decay of adamw", minimum(0))
    label_smoothing: float = setting(0.0, "probability spread over all labels", FRACTION)
    class_weight: Literal["none", "balanced"] = setting("none", "class weights in the loss")
    innocent_words: int = setting(0, "most words of ham appended to copies of spam", minimum(0))
    patience: int = setting(0, "epochs without improvement until it stops; 0: off", minimum(0))
    monitor: Monitor = setting("val_loss", "metric for early stopping and the best epoch")
    restore_best: bool = setting(True, "end with the weights of the best epoch")
    dropout_schedule: DropoutRamp = field(default_factory=DropoutRamp)
    l2_schedule: Ramp = field(default_factory=Ramp)
    steps_per_execution: int = setting(
        1, "batches per call of the compiled training step", minimum(1)
    )
    start_from: str = setting(
        "", "run whose weights training starts from; empty: random initial weights"
    )
    seed: int = setting(
        0, "seed of initial weights, shuffling, dropout and augmentation", minimum(0)
    )


@dataclass(frozen=True)
class CalibrationConfig(Group):
    """Settings of calibrated probabilities and of the threshold."""

    group = "calibration"
    on: Literal["none", "validation", "folds", "sources"] = setting(
        "validation",
        "predictions that calibration is fitted on; sources: of each joined data set, by a network "
        "that learned from the others",
    )
    folds: int = setting(5, "number of folds for calibration.on=folds", minimum(2))
    max_blocked_ham: float = setting(
        0.0, "fraction of ham that the threshold may block; 0: threshold 0.5", FRACTION
    )
    max_refused: float = setting(
        0.0, "fraction of true digits that may be answered with none; 0: none is refused", FRACTION
    )


@dataclass(frozen=True)
class RuntimeConfig(Group):
    """Settings of where and how exactly the arithmetic is done."""

    group = "runtime"
    precision: Precision = setting("auto", "floating-point precision")
    strategy: Strategy = setting("auto", "distribution over several GPUs or machines")
    deterministic: bool = setting(False, "bit-identical results on the same machine; slower")
