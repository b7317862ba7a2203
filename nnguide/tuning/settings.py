"""The settings of a search: everything that trial scores depend on.

No framework is imported here.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nnguide import tasks
from nnguide.config import Config, Settings, each
from nnguide.config.values import at_least, unknown
from nnguide.errors import ConfigError, RunError
from nnguide.runs import schema

ROOT = Path("saved_models/searches")
FILE = "search.json"
TUNERS = ("random", "hyperband", "bayesian", "grid")
USUAL_TRIALS = 10
DIRECTIONS = {  # of every objective
    "val_accuracy": "max",
    "val_loss": "min",
    "val_f1": "max",
    "val_mcc": "max",
    "val_roc_auc": "max",
    "val_pr_auc": "max",
}
OF_THRESHOLDS = ("val_mcc", "val_roc_auc", "val_pr_auc")


def objectives(task: str) -> tuple[str, ...]:
    """Return the validation metrics that can guide a search of `task`."""
    decides = tasks.get(task).threshold is not None
    return tuple(name for name in DIRECTIONS if decides or name not in OF_THRESHOLDS)


def default_folder(task: str, seed: int) -> Path:
    """Return the default folder of a search."""
    return ROOT / f"{task}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{seed}"


SCHEMA: schema.Schema = {
    "task": schema.TEXT,
    "config": schema.OBJECT,
    "tuner": schema.TEXT,
    "objective": schema.TEXT,
    "trials": schema.COUNT.or_null(),
    "max_epochs": schema.COUNT,
    "factor": schema.COUNT,
    "iterations": schema.COUNT,
    "executions": schema.COUNT,
    "folds": schema.COUNT,
    "space": schema.OBJECT,
}


@dataclass(frozen=True)
class Search:
    """A search.

    Attributes:
        task: digits or spam.
        config: the settings that every trial starts from, as a tree.
        tuner: one of TUNERS.
        objective: one of `objectives(task)`.
        trials: the most trials; None for hyperband, whose count follows, and for a whole grid.
        max_epochs: epochs of a trial; for hyperband of its last rung.
        factor, iterations: of hyperband: 1 in `factor` trials is promoted, all of it is done
            `iterations` times.
        executions: trainings of each trial, with seeds train.seed, train.seed + 1, …; their
            figures are averaged.
        folds: 0, or the number of parts of cross-validation.
        space: what --space says, name -> entry; None for what was fixed with --set.
    """

    task: str
    config: dict[str, Any]
    tuner: str = "random"
    objective: str = "val_accuracy"
    trials: int | None = USUAL_TRIALS
    max_epochs: int = 1
    factor: int = 3
    iterations: int = 1
    executions: int = 1
    folds: int = 0
    space: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.tuner not in TUNERS:
            raise ConfigError(unknown(self.tuner, list(TUNERS), "--tuner"))
        if self.objective not in objectives(self.task):
            known = ", ".join(objectives(self.task))
            hint = unknown(self.objective, list(objectives(self.task)), "--objective")
            raise ConfigError(f"{hint} {self.task} has: {known}.")
        for name, least in (("max_epochs", 1), ("factor", 2), ("iterations", 1), ("executions", 1)):
            at_least(_option(name), getattr(self, name), least)
        if self.trials is not None:
            at_least("--trials", self.trials, 1)
        if self.folds != 0:
            at_least("--folds", self.folds, 2)
        if not self.folds and not self.base.data.validation:
            raise ConfigError(
                "data.validation=0 leaves no validation set to guide the search. Use --folds."
            )

    @functools.cached_property
    def base(self) -> Config:
        """The configuration that every trial starts from."""
        return tasks.get(self.task).defaults.merge(self.config)

    @property
    def seed(self) -> int:
        return self.base.train.seed

    @property
    def maximise(self) -> bool:
        """Whether more of the objective is better."""
        return DIRECTIONS[self.objective] == "max"

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Search:
        """Return the search that `to_json` wrote.

        Raises:
            ValueError, TypeError: it is not one.
        """
        return cls(**json.loads(text))

    @classmethod
    def open(cls, folder: Path) -> Search:
        """Read the search in a folder.

        Raises:
            RunError: there is none, or its file is damaged.
        """
        try:
            return cls(**schema.read(folder / FILE, SCHEMA))
        except RunError as error:
            raise RunError(f"{error}. Start over with --force.") from error
        except (ValueError, TypeError) as error:
            raise RunError(
                f"{folder / FILE} is damaged ({error}). Start over with --force."
            ) from error

    def differences(self, other: Search) -> list[str]:
        """Return the settings in which another search differs.

        Each is `name this -> that`.

        More trials are no difference: a search may be given them.
        """
        mine, theirs = json.loads(self.to_json()), json.loads(other.to_json())
        if (self.trials or 0) < (other.trials or 0):
            mine["trials"] = theirs["trials"]
        changed = self.base.differences(other.base) if self.task == other.task else {}
        return [
            *(
                f"{_option(key)} {mine[key]} -> {theirs[key]}"
                for key in mine
                if key != "config" and mine[key] != theirs[key]
            ),
            *(f"{key} {was} -> {now}" for key, (was, now) in changed.items()),
        ]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def settle(
    task: str,
    *,
    settings: Settings = (),
    space: Mapping[str, Any] | None = None,
    tuner: str | None = None,
    trials: int | None = None,
    begun: Search | None = None,
    **others: Any,
) -> Search:
    """Return a search from the user's options.

    None is the option of `begun`, or else the usual.

    Args:
        settings: over the default preset. What they set is not searched.
        space: what --space says, name -> entry.
        begun: the search to continue.
        others: objective, max_epochs, factor, iterations, executions, folds.
    Raises:
        ConfigError: a wrong value, or options that do not go together.
    """
    from nnguide.training import updates

    settings = each(settings)
    fixed = dict.fromkeys(sorted(updates.named_settings({}, settings)))
    if both := sorted(fixed.keys() & (space or {}).keys()):
        raise ConfigError(f"{', '.join(both)} is both set and in --space. Leave one out.")
    if begun is None:
        base, usual = _configured(task, settings), {}
    else:
        base, usual = _override(begun.base, settings), dataclasses.asdict(begun)
        fixed = {**{name: None for name, entry in begun.space.items() if entry is None}, **fixed}
        if space is None:
            space = begun.space
    tuner = tuner or usual.get("tuner", "random")
    if tuner == "hyperband" and trials is not None:
        raise ConfigError(
            "hyperband has no --trials: their number follows from --max-epochs, --factor and "
            "--iterations. Give those, or another --tuner."
        )
    if tuner != "hyperband" and (others.get("factor"), others.get("iterations")) != (None, None):
        raise ConfigError(f"--factor and --iterations are for --tuner hyperband; got {tuner}")
    if trials is None:
        trials = usual.get("trials", USUAL_TRIALS if tuner in ("random", "bayesian") else None)
    options = {name: value for name, value in others.items() if value is not None}
    usual = {"max_epochs": base.train.epochs, **usual}
    return Search(
        **{
            **usual,
            **options,
            "task": task,
            "config": base.to_dict(),
            "tuner": tuner,
            "trials": trials,
            "space": {**(space or {}), **fixed},
        }
    )


def _configured(task: str, settings: Settings) -> Config:
    from nnguide.training.configure import configure

    return configure(task, settings=settings)


def _override(base: Config, settings: Settings) -> Config:
    """Return the search's first configuration with settings over it.

    The run that it starts from may have any name.
    """
    from nnguide.training import starting

    wanted, start = base.override(settings), base.train.start_from
    if starting.same_start(start, wanted.train.start_from):
        wanted = wanted.merge({"train": {"start_from": start}})
    return wanted


def suited(search: Search, chosen: set[str], examples: int) -> Search:
    """Return the search with a suitable batch size and epochs.

    They suit the number of examples, as in `train`.

    Where those of the preset would make too few updates, the batch size is not searched either,
    unless the user put it into the space.

    Args:
        chosen: keys of the settings that the user chose, train.epochs for --max-epochs; they stay.
        examples: of the training set that a trial has.
    """
    from nnguide.training import updates

    options = "--set train.batch_size=N and --max-epochs"
    config = updates.suited(search.base, chosen, examples, options)
    if config == search.base:
        return search
    return dataclasses.replace(
        search,
        config=config.to_dict(),
        max_epochs=search.max_epochs if "train.epochs" in chosen else config.train.epochs,
        space={"train.batch_size": None, **search.space},
    )
