"""The settings of a run: frozen dataclasses, JSON both ways, any key settable from the line.

A configuration is a tree, so `train.epochs` names one setting everywhere: in a preset, in a
run's config.json, on the command line (`--set train.epochs=3`) and in an error. Each class
checks its own values, whoever made it. No framework is imported here.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_type_hints

from nnguide.config.values import LIMIT, Group, Typed, at_least, convert, flat, fraction, unknown
from nnguide.errors import ConfigError

Activation = Literal["relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid", "linear"]
Optimizer = Literal["sgd", "momentum", "adam", "adamw"]
Schedule = Literal["constant", "step", "exponential", "cosine", "onecycle"]
Precision = Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"]
Strategy = Literal["auto", "none", "mirrored"]


@dataclass(frozen=True)
class DataConfig(Group):
    """Which examples, and how they are divided."""

    group = "data"

    dataset: str = "auto"  # a data set's name, a path, or auto
    split_seed: int = 0  # chooses the test part of sets that come without one
    validation: float = 0.1  # share of the training part that training never fits; 0: none
    label_column: str = ""  # of a user's table; empty: "label"
    text_column: str = ""  # of a user's table; empty: "text"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("data.split_seed", self.split_seed, 0)
        fraction("data.validation", self.validation)


@dataclass(frozen=True)
class AugmentConfig(Group):
    """Random changes to each training picture, drawn anew each time it is shown."""

    group = "augment"
    shift: float = 0.0  # pixels, each way
    rotate: float = 0.0  # degrees, each way
    scale: float = 0.0  # fraction, each way
    shear: float = 0.0  # fraction of the height, each way
    elastic: float = 0.0  # pixels: strength of a smooth random bending
    thickness: float = 0.0  # fraction of the way to strokes a pixel thicker or thinner all round
    contrast: float = 0.0  # fraction of the way to one even grey, of any level
    noise: float = 0.0  # greatest standard deviation of noise, as a fraction of black to white

    def __post_init__(self) -> None:
        super().__post_init__()
        for item in fields(self):
            at_least(f"augment.{item.name}", getattr(self, item.name), 0)
        for name in ("scale", "thickness", "contrast", "noise"):
            fraction(f"augment.{name}", getattr(self, name))


@dataclass(frozen=True)
class TokensConfig(Group):
    """How a text becomes ids: known words, hashed pairs of words, hashed character n-grams."""

    group = "tokens"
    words: int = 8000  # the commonest words that get an id of their own
    min_count: int = 1  # a word seen less often is unknown
    pairs: int = 4096  # ids that pairs of neighbouring words are hashed into; 0: no pairs
    grams: tuple[int, ...] = (3, 4, 5)  # lengths of the character n-grams
    buckets: int = 8192  # ids that the n-grams are hashed into; 0: no n-grams
    max_words: int = 128  # words of a text that are read
    max_chars: int = 512  # characters of a text, without spaces, whose n-grams are read

    def __post_init__(self) -> None:
        super().__post_init__()
        for item in ("words", "min_count", "max_words", "max_chars"):
            at_least(f"tokens.{item}", getattr(self, item), 1)
        at_least("tokens.pairs", self.pairs, 0)
        at_least("tokens.buckets", self.buckets, 0)
        if any(not 1 <= n <= 8 for n in self.grams):
            raise ConfigError(f"tokens.grams are lengths from 1 to 8; got {list(self.grams)}.")


@dataclass(frozen=True)
class ModelConfig(Group):
    """What every network has: dense hidden layers and what keeps them from overfitting."""

    group = "model"
    hidden: tuple[int, ...] = (128,)  # units per dense hidden layer
    activation: Activation = "relu"
    batch_norm: bool = False
    dropout: float = 0.2  # fraction of units zeroed per training step
    l1: float = 0.0  # weight of sum(|w|) in the loss
    l2: float = 0.0  # weight of sum(w**2) in the loss

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("model.dropout", self.dropout)
        at_least("model.l1", self.l1, 0)
        at_least("model.l2", self.l2, 0)
        for units in self.hidden:
            at_least("each number of units in model.hidden", units, 1)


@dataclass(frozen=True)
class DenseConfig(ModelConfig):
    """The dense network of the guide: 784 inputs, hidden layers, one output per label."""

    kind: Literal["dense"] = "dense"


@dataclass(frozen=True)
class CnnConfig(ModelConfig):
    """Convolutions that halve the picture as they deepen, then dense layers."""

    kind: Literal["cnn"] = "cnn"
    hidden: tuple[int, ...] = ()
    batch_norm: bool = True
    fold: int = 2  # side of the blocks of pixels that enter as channels; 1: none
    filters: tuple[int, ...] = (32, 64)  # channels of each stage
    kernel: int = 3  # side of the first stage's kernel; the others are 3 by 3
    depth: int = 2  # convolutions per stage after the first
    test_time_shift: int = 0  # pixels; 1: the trained network looks at 9 places, and averages

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fold not in (1, 2, 4):
            raise ConfigError(
                f"model.fold must be 1, 2 or 4, to divide the pictures' 28 pixels; got {self.fold}."
            )
        at_least("model.kernel", self.kernel, 1)
        at_least("model.depth", self.depth, 1)
        if self.test_time_shift not in (0, 1, 2):
            raise ConfigError(
                "model.test_time_shift is 0 (one look), 1 (9 looks) or 2 (25); got "
                f"{self.test_time_shift}."
            )
        for channels in self.filters:
            at_least("each number of channels in model.filters", channels, 1)
        if not 1 <= len(self.filters) <= 4:
            raise ConfigError(
                f"model.filters lists the channels of 1 to 4 stages; got {list(self.filters)}."
            )


@dataclass(frozen=True)
class EmbeddingConfig(ModelConfig):
    """Token embeddings, summed and max-pooled, then dense layers and one sigmoid node."""

    kind: Literal["embedding"] = "embedding"
    hidden: tuple[int, ...] = (32,)
    embedding: int = 16  # numbers per token
    token_dropout: float = 0.0  # fraction of a text's tokens hidden per training step
    word_dropout: float = 0.2  # fraction of texts whose n-grams alone are seen in a step

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("model.embedding", self.embedding, 1)
        fraction("model.token_dropout", self.token_dropout)
        fraction("model.word_dropout", self.word_dropout)


@dataclass(frozen=True)
class Ramp(Group):
    """A value that moves in a straight line from `start` to `end` over `warmup` epochs."""

    group = "schedule"
    start: float = 0.0
    end: float = 0.0
    warmup: int = 0  # epochs; 0: no schedule, the model's own value holds

    def __post_init__(self) -> None:
        super().__post_init__()
        for item in fields(self):
            at_least(f"schedule.{item.name}", getattr(self, item.name), 0)

    def at(self, epoch: int) -> float:
        """The value in epoch 0, 1, …; `end` from epoch `warmup` on."""
        return self.start + (self.end - self.start) * min(epoch / max(self.warmup, 1), 1.0)


@dataclass(frozen=True)
class TrainConfig(Group):
    """How the weights are found."""

    group = "train"
    epochs: int = 10
    batch_size: int | Literal["full"] = 128  # global; full: one update an epoch
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3  # the highest rate of the schedule
    schedule: Schedule = "constant"
    momentum: float = 0.9  # of the momentum optimiser
    weight_decay: float = 0.01  # of the adamw optimiser
    label_smoothing: float = 0.0
    class_weight: Literal["none", "balanced"] = "none"
    patience: int = 0  # epochs without a better monitor; 0: never stop early
    monitor: str = "val_loss"
    restore_best: bool = True  # end with the weights of the best epoch
    dropout_schedule: Ramp = field(default_factory=Ramp)
    l2_schedule: Ramp = field(default_factory=Ramp)
    steps_per_execution: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("train.epochs", self.epochs, 1)
        if self.batch_size != "full":
            at_least("train.batch_size", self.batch_size, 1)
        if not 0 < self.learning_rate < LIMIT:
            raise ConfigError(
                "train.learning_rate must be above 0, and finite; "
                f"got {self.learning_rate:g}. The usual ones lie between 0.0001 and 0.1."
            )
        for name in ("momentum", "label_smoothing"):
            fraction(f"train.{name}", getattr(self, name))
        fraction("train.dropout_schedule.start", self.dropout_schedule.start)
        fraction("train.dropout_schedule.end", self.dropout_schedule.end)
        at_least("train.weight_decay", self.weight_decay, 0)
        at_least("train.patience", self.patience, 0)
        at_least("train.steps_per_execution", self.steps_per_execution, 1)
        at_least("train.seed", self.seed, 0)
        monitors = ("val_loss", "val_accuracy", "loss", "accuracy")
        if self.monitor not in monitors:
            raise ConfigError(
                f"train.monitor must be one of {', '.join(monitors)}; got {self.monitor!r}."
            )


@dataclass(frozen=True)
class CalibrationConfig(Group):
    """How scores become honest probabilities, and where the threshold lies."""

    group = "calibration"
    on: Literal["none", "validation", "folds"] = "validation"  # the examples it is fitted on
    folds: int = 5  # networks that each leave one part of the training data out
    max_blocked_ham: float = 0.0  # share of ham that the threshold may block; 0: threshold 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("calibration.folds", self.folds, 2)
        fraction("calibration.max_blocked_ham", self.max_blocked_ham)


@dataclass(frozen=True)
class RuntimeConfig(Group):
    """Where and how exactly the arithmetic is done."""

    group = "runtime"
    precision: Precision = "auto"
    strategy: Strategy = "auto"
    deterministic: bool = False  # the same bits on the same machine, slower


@dataclass(frozen=True)
class Config:
    """Everything that determines a run. A task gives the defaults.

    A group that the task has no use for is None: no setting of it can be given.
    """

    task: str
    model: DenseConfig | CnnConfig | EmbeddingConfig
    data: DataConfig = field(default_factory=DataConfig)
    tokens: TokensConfig | None = None
    augment: AugmentConfig | None = None
    train: TrainConfig = field(default_factory=TrainConfig)
    calibration: CalibrationConfig = field(default_factory=CalibrationConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        tree = json.loads(json.dumps(dataclasses.asdict(self)))
        return {key: value for key, value in tree.items() if value is not None}

    def merge(self, tree: Mapping[str, Any]) -> Config:
        """This configuration with the settings of `tree`, a nested mapping, on top.

        Raises:
            ConfigError: an unknown key (the nearest known one is named), a bad value, or
                another task.
        """
        if tree.get("task", self.task) != self.task:
            raise ConfigError(f"this configuration is for {tree['task']!r}, not for {self.task!r}")
        return _merge(self, tree, "")

    def override(self, settings: Iterable[str]) -> Config:
        """This configuration with `KEY=VALUE` settings on top, as `--set` takes them."""
        config = self
        for setting in settings:
            key, equals, text = setting.partition("=")
            if not equals or not key.strip():
                raise ConfigError(f"--set takes KEY=VALUE, as in train.epochs=3; got {setting!r}.")
            value: Any = Typed(text.strip())
            for part in reversed(key.strip().split(".")):
                value = {part: value}
            config = config.merge(value)
        return config

    def differences(self, other: Config) -> dict[str, tuple[Any, Any]]:
        """The settings in which two configurations differ: key -> (mine, the other's)."""
        mine, theirs = flat(self.to_dict()), flat(other.to_dict())
        return {
            key: (mine.get(key), theirs.get(key))
            for key in sorted(mine.keys() | theirs.keys())
            if mine.get(key) != theirs.get(key)
        }


KINDS: dict[str, type[ModelConfig]] = {
    "dense": DenseConfig,
    "cnn": CnnConfig,
    "embedding": EmbeddingConfig,
}


def _merge(node: Any, tree: Mapping[str, Any], path: str) -> Any:
    if isinstance(node, ModelConfig):
        node = _of_kind(node, tree)
    types_ = get_type_hints(type(node))
    known = [item.name for item in fields(node) if getattr(node, item.name) is not None]
    changes: dict[str, Any] = {}
    for key, value in tree.items():
        if key not in known:
            raise ConfigError(_unknown_setting(node, key, path))
        current = getattr(node, key)
        if dataclasses.is_dataclass(current) and isinstance(value, Typed):
            value = value.parse()
        if not dataclasses.is_dataclass(current):
            changes[key] = convert(value, types_[key], path + key)
        elif isinstance(value, Mapping):
            changes[key] = _merge(current, value, f"{path}{key}.")
        else:
            inside = ", ".join(f"{path}{key}.{item.name}" for item in fields(current))
            raise ConfigError(f"{path}{key} is a group of settings ({inside}); got {value!r}.")
    return dataclasses.replace(node, **changes)


def _unknown_setting(node: Any, key: str, path: str) -> str:
    """The message for a key that `node` has not; at the root a key may lack its group."""
    inside = {item.name: getattr(node, item.name) for item in fields(node)}
    if key in inside:
        return f"{path}{key} is no setting for {node.task}: that task has no use for it."
    leaves = flat(node.to_dict()) if isinstance(node, Config) else {}
    last = {leaf: leaf.rpartition(".")[2] for leaf in leaves}
    if near := difflib.get_close_matches(key, set(last.values()), 1, 0.8):
        meant = [leaf for leaf, name in last.items() if name == near[0]]
        return f"unknown setting {key!r}. Did you mean {' or '.join(meant)}?"
    known = [path + name for name, value in inside.items() if value is not None]
    return unknown(path + key, known, "setting")


def _of_kind(node: ModelConfig, tree: Mapping[str, Any]) -> ModelConfig:
    """The defaults of the kind that `tree` names, where that is another kind than node's."""
    kind = tree.get("kind", node.kind)  # type: ignore[attr-defined]
    if kind == node.kind:  # type: ignore[attr-defined]
        return node
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(unknown(str(kind), list(KINDS), "model.kind"))
    return KINDS[kind]()
