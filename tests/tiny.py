"""Small examples and settings for every task, so that a network learns in seconds."""

from __future__ import annotations

import atexit
import contextlib
import csv
import functools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnguide import data, tasks
from nnguide.config import Config, RuntimeConfig
from nnguide.data.dataset_info import AUTO
from nnguide.data.examples import Examples, stratified_split

COMMON = (
    "model.hidden=16",
    "train.epochs=3",
    "train.batch_size=32",
    "train.learning_rate=0.01",
    "train.steps_per_execution=1",
    "calibration.on=none",
)
OF_GROUP = {
    "tokens": ("tokens.words=300", "tokens.buckets=512", "model.embedding=8"),
    "augment": ("model.kind=dense", "model.hidden=32", "train.learning_rate=0.002"),
}


def words(task: str) -> tuple[str, ...]:
    """Settings, as KEY=VALUE, that make a task's training tiny."""
    groups = tasks.get(task).defaults.to_dict()
    own = [word for group, more in OF_GROUP.items() if group in groups for word in more]
    return (*COMMON, *own)


def config(task: str, *more: str) -> Config:
    """A tiny training of `task`, with the settings `more` on top."""
    return tasks.get(task).defaults.override((*words(task), *more))


def built_in(task: str) -> str:
    """The name of the set that needs no other data; of tables the path of one."""
    return _wine() if task == "table" else AUTO[task][1]


@functools.cache
def _wine() -> str:
    """178 wines with 13 measured numbers each, from scikit-learn, as a CSV file."""
    from sklearn.datasets import load_wine

    wine = load_wine()
    path = Path(tempfile.mkdtemp(prefix="nnguide-tests-")) / "wine.csv"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(name.replace("/", " ") for name in wine.feature_names), "cultivar"])
        for row, label in zip(wine.data, wine.target, strict=True):
            writer.writerow([*row, wine.target_names[label]])
    return str(path)


def examples(task: str, count: int, seed: int = 0) -> Examples:
    """About `count` of a task's built-in examples, each label in its proportion."""
    whole = data.find(task, built_in(task)).load("all")
    if count >= len(whole):
        return whole
    _, chosen = stratified_split(whole.labels, count / len(whole), seed)
    return whole.take(chosen)


def fitted(task: str, settings: Config, training: Examples, *args: Any, **more: Any) -> Any:
    """Fit on the CPU, seeded, in float32 unless the settings say otherwise."""
    from nnguide.training.fit import fit
    from nnguide.training.runtime import runtime

    asked: RuntimeConfig = settings.runtime
    with runtime(asked, seed=settings.train.seed) as chosen:
        return fit(tasks.get(task), settings, training, *args or (None,), chosen, **more)


@contextlib.contextmanager
def bare() -> Iterator[None]:
    """Trainings write neither a light form nor a plot: a third of the time of a tiny one."""
    import pytest

    from nnguide.evaluation import figures
    from nnguide.models import light_form

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(light_form, "write", lambda *given: None)
        patch.setattr(figures, "curves", lambda *given: None)
        yield
