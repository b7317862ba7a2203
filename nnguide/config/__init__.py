"""Settings of a run: frozen dataclasses that convert to JSON and back.

A configuration is a tree, so `train.epochs` names one setting everywhere: in a preset, in a
run's config.json, on the command line (`--set train.epochs=3`) and in an error. No framework is
imported here.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from nnguide.config.groups import (
    AugmentConfig,
    CalibrationConfig,
    CnnConfig,
    DataConfig,
    DenseConfig,
    EmbeddingConfig,
    ModelConfig,
    Ramp,
    RuntimeConfig,
    TokensConfig,
    TrainConfig,
)
from nnguide.config.nearest import dotted, nested, unknown_setting
from nnguide.config.values import (
    Group,
    Settings,
    Typed,
    convert,
    described,
    each,
    flat,
    types_of,
    unknown,
)
from nnguide.errors import ConfigError

__all__ = [
    "AugmentConfig",
    "CalibrationConfig",
    "CnnConfig",
    "Config",
    "DataConfig",
    "DenseConfig",
    "EmbeddingConfig",
    "ModelConfig",
    "Ramp",
    "RuntimeConfig",
    "Setting",
    "Settings",
    "TokensConfig",
    "TrainConfig",
    "each",
    "unknown",
]


@dataclass(frozen=True)
class Config:
    """Everything that determines a run; a task gives the defaults.

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
        """Return the settings as a dictionary that JSON can hold."""
        tree = json.loads(json.dumps(dataclasses.asdict(self)))
        return {key: value for key, value in tree.items() if value is not None}

    def merge(self, tree: Mapping[str, Any]) -> Config:
        """Return this configuration with the nested mapping `tree` on top.

        Raises:
            ConfigError: an unknown key (the nearest known one is named), a bad value, or
                another task.
        """
        if tree.get("task", self.task) != self.task:
            raise ConfigError(f"this configuration is for {tree['task']!r}, not for {self.task!r}")
        return _merge(self, tree, "", self)

    def override(self, settings: Settings) -> Config:
        """Return this configuration with settings on top; later ones win."""
        config = self
        for item in each(settings):
            config = config.merge(item if isinstance(item, Mapping) else self._parsed(item))
        return config

    def _parsed(self, word: str) -> dict[str, Any]:
        """Return a `KEY=VALUE` word of `--set` as a nested mapping."""
        key, equals, text = word.partition("=")
        if not equals and key.strip() and key.strip() not in flat(self.to_dict()):
            self.merge(nested(key, Typed()))  # which says what may have been meant
        if not equals or not key.strip():
            raise ConfigError(f"--set takes KEY=VALUE, as in train.epochs=3; got {word!r}.")
        return nested(key, Typed(text.strip()))

    def describe(self) -> list[Setting]:
        """Return every setting with its value, meaning and range."""
        return list(_described(self, ""))

    def differences(self, other: Config) -> dict[str, tuple[Any, Any]]:
        """Return the settings that differ: key -> (value here, value in `other`)."""
        mine, theirs = flat(self.to_dict()), flat(other.to_dict())
        return {
            key: (mine.get(key), theirs.get(key))
            for key in sorted(mine.keys() | theirs.keys())
            if mine.get(key) != theirs.get(key)
        }


class Setting(NamedTuple):
    """One setting, as help shows it."""

    name: str
    value: str  # as typed after `--set NAME=`
    meaning: str
    takes: str


def _described(node: Any, path: str) -> Iterator[Setting]:
    types_ = types_of(node)
    for item in fields(node):
        value, name = getattr(node, item.name), path + item.name
        if dataclasses.is_dataclass(value):
            yield from _described(value, f"{name}.")
        elif "meaning" in item.metadata:
            shown = value if isinstance(value, str) else json.dumps(value)
            takes = described(types_[item.name], item.metadata["takes"])
            yield Setting(name, shown, item.metadata["meaning"], takes)


KINDS: dict[str, type[ModelConfig]] = {
    "dense": DenseConfig,
    "cnn": CnnConfig,
    "embedding": EmbeddingConfig,
}


def _merge(node: Any, tree: Mapping[str, Any], path: str, root: Any) -> Any:
    if isinstance(node, ModelConfig):
        node = _of_kind(node, tree)
    if isinstance(node, Group):
        tree = node.current_names(tree)
    types_ = types_of(node)
    known = [item.name for item in fields(node) if getattr(node, item.name) is not None]
    changes: dict[str, Any] = {}
    for key, value in tree.items():
        if key in {item.name for item in fields(node)} - set(known):
            raise ConfigError(f"{path}{key} is not a setting of {node.task}.")
        if key not in known:
            leaves = flat(root.to_dict()) if isinstance(root, Config) else {}
            raise ConfigError(unknown_setting(dotted(path + key, value), leaves))
        current = getattr(node, key)
        if dataclasses.is_dataclass(current) and isinstance(value, Typed):
            value = value.parse()
        if not dataclasses.is_dataclass(current):
            changes[key] = convert(value, types_[key], path + key)
        elif isinstance(value, Mapping):
            changes[key] = _merge(current, value, f"{path}{key}.", root)
        else:
            inside = ", ".join(f"{path}{key}.{item.name}" for item in fields(current))
            raise ConfigError(f"{path}{key} is a group of settings ({inside}); got {value!r}.")
    return dataclasses.replace(node, **changes)


def _of_kind(node: ModelConfig, tree: Mapping[str, Any]) -> ModelConfig:
    """Return the defaults of the kind in `tree`, or `node` itself."""
    kind = tree.get("kind", node.kind)  # type: ignore[attr-defined]
    if kind == node.kind:  # type: ignore[attr-defined]
        return node
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(unknown(str(kind), list(KINDS), "model.kind"))
    return KINDS[kind]()
