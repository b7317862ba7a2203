"""Configuration of a run, from everything that a user gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from nnguide import data as data_sets
from nnguide import tasks
from nnguide.config import Config, Settings, each
from nnguide.config.presets import preset as load_preset
from nnguide.errors import ConfigError
from nnguide.training import starting, updates


def configure(
    task: str,
    *,
    preset: str = "default",
    config: Config | Mapping[str, Any] | None = None,
    settings: Settings = (),
) -> Config:
    """Return the configuration of a run.

    It comes from defaults, a preset, a whole configuration and single settings.

    Args:
        task: digits or spam.
        preset: a recipe that comes with nnguide.
        config: a Config, or a tree as in a run's config.json; goes over the preset.
        settings: KEY=VALUE words and nested mappings; go over everything.
    Raises:
        ConfigError: an unknown name, a bad value, a configuration of another task, or settings
            that do not fit the weights of the run that `train.start_from` names.
        RunError: there is no such run, or it is not the one that `train.start_from` recorded.
    """
    tree = config.to_dict() if isinstance(config, Config) else config or {}
    settings = each(settings)

    def over(base: Config) -> Config:
        return base.merge(tree).override(settings)

    base = tasks.get(task).defaults.merge(load_preset(task, preset))
    chosen = over(base)
    if chosen.train.start_from:
        chosen = starting.settle(chosen, base, over)
    kinds = tasks.get(task).models
    if chosen.model.kind not in kinds:
        raise ConfigError(
            f"model.kind for {task} is one of {', '.join(kinds)}; got {chosen.model.kind!r}"
        )
    if not chosen.data.validation and chosen.calibration.on == "validation":
        raise ConfigError(
            "data.validation=0 leaves nothing for calibration.on=validation. "
            "Set calibration.on=folds, or none."
        )
    if chosen.calibration.on == "sources" and "+" not in chosen.data.dataset:
        raise ConfigError(
            "calibration.on=sources is for data sets joined by a plus, as in "
            "spamassassin+enron_spam/2. Set calibration.on=folds, or join some."
        )
    if chosen.calibration.max_blocked_ham and tasks.get(task).threshold is None:
        raise ConfigError(f"--max-blocked-ham is for spam; {task} takes the most probable label")
    if chosen.train.innocent_words and tasks.get(task).threshold is None:
        raise ConfigError(f"train.innocent_words is for spam; {task} has no words to append")
    if chosen.calibration.max_refused and not tasks.get(task).kind.can_refuse:
        raise ConfigError(f"calibration.max_refused is for pictures; {task} refuses nothing")
    return chosen


def of_data(
    config: Config,
    settings: Settings,
    data: Any,
    label_column: str | None,
    text_column: str | None,
) -> tuple[data_sets.Source | None, dict[str, str]]:
    """Return a program's data and the settings that name it.

    The settings are those of the group `data`.

    Args:
        config: with the seed of the split.
        settings: that the user gave.
        data: a set's name, a path, what a program holds, or None.
        label_column, text_column: of a table, or None.
    Returns:
        The source, None where the settings are enough to find it; name -> value.
    Raises:
        ConfigError: the settings name other data.
        InputError: data of another form, or that cannot be used.
    """
    words = {"label_column": label_column, "text_column": text_column}
    named = {key: value for key, value in words.items() if value}
    if data is None:
        return None, named
    if "data.dataset" in updates.named_settings({}, settings):
        raise ConfigError("data= and data.dataset both say what to learn from. Leave one out.")
    if isinstance(data, str | PurePath):
        return None, {**named, "dataset": str(data)}
    source = data_sets.hold(
        config.task,
        data,
        split_seed=config.data.split_seed,
        label_column=label_column,
        text_column=text_column,
        encoding=config.data.encoding or None,
    )
    return source, {**named, "dataset": source.name}


def with_words(settings: Settings, words: Mapping[str, str]) -> Settings:
    """Return settings with those of the group `data` on top."""
    return [*each(settings), {"data": dict(words)}]
