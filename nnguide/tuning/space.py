"""The search space of a task, as changed by a space file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import keras_tuner

from nnguide import tasks
from nnguide.config import Config
from nnguide.config.values import unknown
from nnguide.errors import ConfigError
from nnguide.tuning.settings import Search

BOUNDS = ("min", "max", "step", "sampling")


def declare(search: Search) -> tuple[keras_tuner.HyperParameters, Config]:
    """Return the hyperparameters and the base configuration of a search.

    Returns:
        The hyperparameters, each with a setting's name; the base with what the space file fixes.
    Raises:
        ConfigError: an entry that makes no sense, a value that its setting refuses, or nothing
            left to search.
    """
    base = search.base
    declared = {hp.name: hp for hp in _declared(search.task, base).space}
    for name, entry in search.space.items():
        own = declared.pop(name, None)
        if entry is None:  # fixed with --set, in the base already
            continue
        if isinstance(entry, Mapping):
            declared[name] = _dimension(name, entry, own)
        else:
            base = apply(base, {name: _plain(entry)})
    space = keras_tuner.HyperParameters()
    for name, hp in declared.items():
        ends = (hp.min_value, hp.max_value) if isinstance(hp, (_Float, _Int)) else tuple(hp.values)
        for value in ends:
            apply(base, {name: value})  # raises what is wrong with it
        space.merge([hp])
    if not space.space:
        raise ConfigError("nothing to search: every setting is fixed")
    return space, base


def apply(base: Config, values: Mapping[str, Any]) -> Config:
    """Return the configuration of a trial.

    It is `values` by setting, floats to six digits, over `base`.
    """
    names = sorted(values, key=lambda name: name != "model.kind")  # which resets its group
    return base.override(f"{name}={_word(values[name])}" for name in names if "/" not in name)


def combinations(space: keras_tuner.HyperParameters) -> int:
    """Return how many trials a whole grid has."""
    return math.prod(len({hp.default, *hp.values}) for hp in space.space)


_Float, _Int = (
    keras_tuner.engine.hyperparameters.Float,
    keras_tuner.engine.hyperparameters.Int,
)


def _declared(task: str, base: Config) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    tasks.get(task).space(space, base)
    return space


def _dimension(name: str, entry: Mapping[str, Any], own: Any) -> Any:
    """Return a hyperparameter as a space file describes it.

    The file's table is over the task's own hyperparameter.
    """
    keys = ("values",) if "values" in entry else BOUNDS
    for key in entry:
        if key not in keys:
            raise ConfigError(f"--space: {name}: {unknown(key, ['values', *BOUNDS], 'key')}")
    made = keras_tuner.HyperParameters()
    try:
        if "values" in entry:
            made.Choice(name, _choices(name, entry["values"]))
        else:
            old = own.get_config() if isinstance(own, (_Float, _Int)) else {}
            low, high = (entry.get(end, old.get(f"{end}_value")) for end in ("min", "max"))
            for end in (low, high):
                if isinstance(end, bool) or not isinstance(end, (int, float)):
                    raise ConfigError(f"--space: {name} needs values, or numbers min and max")
            whole = isinstance(low, int) and isinstance(high, int) and not isinstance(own, _Float)
            kind = made.Int if whole else made.Float
            step = entry.get("step", old.get("step"))
            kind(name, low, high, step, entry.get("sampling", old.get("sampling", "linear")))
    except (ValueError, TypeError, AttributeError) as error:  # what keras-tuner says of it
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"--space: {name}: {error}") from error
    return made.space[0]


def _choices(name: str, values: Any) -> list[Any]:
    if not isinstance(values, list) or not values:
        raise ConfigError(f"--space: {name}: values is a list of at least one; got {values!r}")
    kinds = {type(value) for value in values}
    if kinds == {int} or kinds == {float} or kinds == {str}:
        return values
    return [_word(_plain(value)) for value in values]  # keras-tuner takes one type at a time


def _plain(value: Any) -> Any:
    """Return a TOML value as a JSON value.

    A date is not one that a setting takes.
    """
    return json.loads(json.dumps(value, default=str))


def _word(value: Any) -> str:
    """Return a value as `--set` takes it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)
