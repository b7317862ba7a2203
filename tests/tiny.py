"""Small examples and settings for every task, so that a network learns in seconds."""

from __future__ import annotations

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
    """The name of the set that needs no other data."""
    return AUTO[task][1]


def examples(task: str, count: int, seed: int = 0) -> Examples:
    """About `count` of a task's built-in examples, each label in its proportion."""
    whole = data.find(task, built_in(task)).load("all")
    _, chosen = stratified_split(whole.labels, count / len(whole), seed)
    return whole.take(chosen)


def fitted(task: str, settings: Config, training: Examples, *args: Any, **more: Any) -> Any:
    """Fit on the CPU, seeded, in float32 unless the settings say otherwise."""
    from nnguide.training.fit import fit
    from nnguide.training.runtime import runtime

    asked: RuntimeConfig = settings.runtime
    with runtime(asked, seed=settings.train.seed) as chosen:
        return fit(tasks.get(task), settings, training, *args or (None,), chosen, **more)
