"""A search whose trials take no time: the score is a formula of the hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tiny

from nnguide import logs

logs.tensorflow()

from nnguide.config import Config  # noqa: E402
from nnguide.tuning import oracles, rows  # noqa: E402
from nnguide.tuning.scoring import Outcome, Scorer  # noqa: E402
from nnguide.tuning.settings import Search, settle  # noqa: E402
from nnguide.tuning.space import declare  # noqa: E402
from nnguide.tuning.space_file import entries  # noqa: E402
from nnguide.tuning.worker import Worker  # noqa: E402

SPACE: dict[str, Any] = {
    "model": {"dropout": {"min": 0.0, "max": 0.4, "step": 0.1}, "l1": 0, "l2": 0, "hidden": 8},
    "train": {
        "learning_rate": {"min": 0.001, "max": 0.1, "sampling": "log"},
        "optimizer": {"values": ["sgd", "adam"]},
        "schedule": "constant",
        "batch_size": 32,
    },
    "augment": {"shift": 0, "rotate": 0, "elastic": 0},
}
GRID = {
    **SPACE,
    "model": {**SPACE["model"], "dropout": 0.1},
    "train": {**SPACE["train"], "learning_rate": {"values": [0.01, 0.1]}},
}


def search(tuner: str = "random", task: str = "digits", space: Any = None, **more: Any) -> Search:
    """A tiny search on built-in data."""
    words = tuple(word for word in tiny.words(task) if not word.startswith(("model.hidden",)))
    words = tuple(w for w in words if w.partition("=")[0] not in ("train.learning_rate",))
    words = tuple(w for w in words if w.partition("=")[0] != "train.batch_size")
    words = (*words, f"data.dataset={tiny.built_in(task)}")
    base = settle(task, settings=words).base
    tree = space if space is not None else GRID if tuner == "grid" else SPACE
    more.setdefault("max_epochs", 3 if tuner == "hyperband" else 1)
    return settle(task, settings=words, space=entries(base, tree), tuner=tuner, **more)


class Pretended(Scorer):
    """Scores by a formula; `at` may raise instead, told the number of calls so far."""

    def __init__(self, wanted: Search, examples: Any = None, *, at: Any = None) -> None:
        super().__init__(wanted, examples)
        self.at = at
        self.calls: list[Mapping[str, Any]] = []

    def score(self, config: Config, seed: int, executions: int) -> Outcome:
        self.calls.append(config.to_dict())
        if self.at is not None:
            self.at(len(self.calls))
        train = config.train
        score = 0.9 - 0.1 * abs(math.log10(train.learning_rate) + 2) + 0.01 * train.epochs
        score -= config.model.dropout / 10
        figures = {"val_accuracy": score, "val_loss": 1 - score, "val_f1": score}
        tree = config.to_dict()
        return Outcome(score, figures, train.epochs, train.epochs, 0.01, tree)


def oracle(wanted: Search, folder: Path, told: list[Any] | None = None) -> oracles.Durable:
    """The search's oracle, its state in `folder`."""
    made = oracles.make(wanted, declare(wanted)[0])
    made.attach(folder, (told if told is not None else []).append)
    return made


def run(wanted: Search, folder: Path, at: Any = None, resume: bool = False) -> oracles.Durable:
    """All trials of a search, or those that are left of it, in this process."""
    made = oracle(wanted, folder)
    if resume:
        made.recover()
    Worker(made, str(folder.parent), folder.name, Pretended(wanted, at=at)).search()
    return made


def found(made: oracles.Durable) -> list[rows.Row]:
    return rows.rows(made)
