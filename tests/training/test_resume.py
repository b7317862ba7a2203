"""A training that died and was resumed ends bit for bit as the uninterrupted one."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import tiny

from nnguide import framework_logs, tasks
from nnguide.errors import RunError
from nnguide.runs import CHECKPOINT, DETERMINES, MANIFEST, Run

framework_logs.tensorflow()

import keras  # noqa: E402

from nnguide.training.resume import place  # noqa: E402
from nnguide.training.train import train  # noqa: E402

SAME = (*DETERMINES, "history.csv")
HARD = (  # everything that has a state
    "runtime.deterministic=true",
    "model.dropout=0.3",
    "model.batch_norm=true",
    "train.epochs=5",
    "train.optimizer=adam",
    "train.schedule=onecycle",
    "train.dropout_schedule.warmup=3",
    "train.dropout_schedule.end=0.4",
    "train.l2_schedule.warmup=4",
    "train.l2_schedule.end=0.001",
    "train.steps_per_execution=4",
    "calibration.on=validation",
)
OWN = {"digits": ("augment.shift=2", "augment.rotate=5"), "spam": ("model.token_dropout=0.2",)}


class DeathError(Exception):
    """The process is gone."""


class Die(keras.callbacks.Callback):
    """End the process at the end of an epoch, counted from 0, or within it."""

    def __init__(self, epoch: int, within: bool = False) -> None:
        super().__init__()
        self.epoch, self.within, self.now = epoch, within, -1

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.now = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.within and self.now == self.epoch:
            raise DeathError

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch == self.epoch:
            raise DeathError


def start(task: str, out: Path, *more: str, **options: Any) -> Run:
    words = (*tiny.words(task), f"data.dataset={tiny.built_in(task)}", *HARD)
    return train(task, settings=(*words, *OWN.get(task, ()), *more), out=out, **options)


def interrupted(task: str, out: Path, die: Die, *more: str) -> None:
    """A training that dies; then other random numbers are drawn."""
    resume = unfinished(out).exists()
    with pytest.raises(DeathError):
        start(task, out, *more, callbacks=[die], resume=resume)
    keras.utils.set_random_seed(12345)


def unfinished(out: Path) -> Path:
    return place(out, force=False).path


def assert_same(first: Run, second: Run) -> None:
    for name in SAME:
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name
    volatile = ("run", "train_seconds")
    mine, other = ({**run.metrics, **dict.fromkeys(volatile)} for run in (first, second))
    assert mine == other
    assert not unfinished(second.folder).exists()


@pytest.mark.parametrize("task", tasks.names())
def test_a_resumed_training_ends_as_the_uninterrupted_one(task: str, tmp_path: Path) -> None:
    """It dies twice: at the end of an epoch, and in the middle of a later one."""
    whole = start(task, tmp_path / "whole")
    interrupted(task, tmp_path / "cut", Die(1))
    interrupted(task, tmp_path / "cut", Die(3, within=True))
    lines: list[str] = []
    resumed = start(task, tmp_path / "cut", resume=True, say=lines.append)
    assert "going on after epoch 3 of 5" in lines
    assert whole.metrics["epochs"] == 5
    assert_same(whole, resumed)


def test_patience_goes_on_counting(tmp_path: Path) -> None:
    """It stops early where the uninterrupted one did, at the same best weights."""
    more = ("train.patience=3", "train.epochs=20", "train.schedule=constant", "model.kind=dense")
    more = (*more, "train.learning_rate=0.1")
    whole = start("digits", tmp_path / "whole", *more)
    epochs, best = whole.metrics["epochs"], whole.metrics["best_epoch"]
    assert epochs == best + 3 < 20
    for name, epoch in (("between", best), ("after", epochs - 1)):
        interrupted("digits", tmp_path / name, Die(epoch), *more)
        assert_same(whole, start("digits", tmp_path / name, *more, resume=True))


def test_a_checkpoint_is_of_the_same_data(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    rows = [("spam" if n % 2 else "ham", f"message {n} of {n * 7 % 13}") for n in range(60)]
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("label", "text"), *rows])
    own = (f"data.dataset={table}",)
    interrupted("spam", tmp_path / "r", Die(0), *own)
    with table.open("a", newline="") as file:
        csv.writer(file).writerows([("ham", "one more"), ("spam", "and another")])
    with pytest.raises(RunError, match="have changed"):
        start("spam", tmp_path / "r", *own, resume=True)
    assert (unfinished(tmp_path / "r") / CHECKPOINT).exists()


def test_a_damaged_checkpoint_is_refused_and_replaced_by_force(tmp_path: Path) -> None:
    out = tmp_path / "r"
    interrupted("digits", out, Die(0), "train.epochs=2")
    path = unfinished(tmp_path / "r") / CHECKPOINT
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RunError, match=r"damaged.*--force"):
        start("digits", out, "train.epochs=2", resume=True)
    run = start("digits", out, "train.epochs=2", force=True)
    assert json.loads((run.folder / MANIFEST).read_text())["task"] == "digits"
