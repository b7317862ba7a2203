"""A training that died and was resumed ends bit for bit as the uninterrupted one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnguide import logs, tasks
from nnguide.errors import ConfigError, RunError
from nnguide.runs import CHECKPOINT, DETERMINES, MANIFEST, Run

logs.tensorflow()

import keras  # noqa: E402

from nnguide.training.resume import place  # noqa: E402
from nnguide.training.train import train as train_whole  # noqa: E402

train = tiny.bare()(train_whole)  # what is said here is of the other files
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
    resume = out.exists() or unfinished(out).exists()
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


@pytest.mark.parametrize(
    "task",
    [pytest.param(n, marks=[] if n == "digits" else [pytest.mark.slow]) for n in tasks.names()],
)
def test_a_resumed_training_ends_as_the_uninterrupted_one(task: str, tmp_path: Path) -> None:
    """It dies twice: at the end of an epoch, and in the middle of a later one."""
    whole = start(task, tmp_path / "whole")
    interrupted(task, tmp_path / "cut", Die(1))
    interrupted(task, tmp_path / "cut", Die(3, within=True))
    lines: list[str] = []
    resumed = start(task, tmp_path / "cut", resume=True, say=lines.append)
    assert "resuming after epoch 3 of 5" in lines
    assert whole.metrics["epochs"] == 5
    assert_same(whole, resumed)


class Interrupt(Die):
    """Ctrl-C instead of death."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.now == self.epoch:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        pass


@pytest.mark.slow
def test_an_interrupted_training_answers_and_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Ctrl-C twice; each time a whole run is left that has its checkpoint."""
    whole = start("spam", tmp_path / "whole")
    out = tmp_path / "cut"
    first = start("spam", out, callbacks=[Interrupt(1)])
    assert (first.metrics["interrupted"], first.metrics["epochs"]) == (True, 1)
    assert len(first.predict(["win a prize"])) == 1
    with pytest.raises(ConfigError, match=r"interrupted after 1 of 5 epochs\. Continue"):
        start("spam", out)
    keras.utils.set_random_seed(12345)
    second = train("spam", out=out, resume=True, callbacks=[Interrupt(3)])  # nothing repeated
    assert (second.metrics["interrupted"], second.metrics["epochs"]) == (True, 3)
    keras.utils.set_random_seed(54321)
    interrupted("spam", out, Die(3))  # and killed: the run of before stays until it is done
    assert Run.open(out) == second
    assert_same(whole, train("spam", out=out, resume=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut", "whole"]


def test_ctrl_c_does_not_replace_another_run(tmp_path: Path) -> None:
    out = tmp_path / "r"
    before = start("digits", out, "train.epochs=2", "train.seed=3")
    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        start("digits", out, force=True, callbacks=[Interrupt(2)], say=lines.append)
    assert Run.open(out) == before
    assert "--resume --force" in lines[-1]
    with pytest.raises(ConfigError, match="--resume --force"):
        train("digits", out=out, resume=True)
    assert train("digits", out=out, resume=True, force=True).metrics["epochs"] == 5


def test_a_finished_run_is_given_more_epochs(tmp_path: Path) -> None:
    """With a constant rate it ends as the run that had them from the beginning."""
    more = ("train.schedule=constant", "train.dropout_schedule.warmup=0")
    whole = start("digits", tmp_path / "whole", *more, "train.epochs=4")
    out = tmp_path / "r"
    start("digits", out, *more, "train.epochs=2")
    keras.utils.set_random_seed(12345)
    lines: list[str] = []
    longer = train("digits", settings=["train.epochs=4"], out=out, resume=True, say=lines.append)
    assert "resuming after epoch 2 of 4" in lines
    assert_same(whole, longer)
    assert train("digits", settings=["train.epochs=4"], out=out, resume=True) == longer
    for words in (["train.epochs=3"], ["train.epochs=9", "model.dropout=0.1"]):
        with pytest.raises(ConfigError, match="started with other settings"):
            train("digits", settings=words, out=out, resume=True)
    assert Run.open(out) == longer


def test_more_epochs_of_a_falling_rate_say_so(tmp_path: Path) -> None:
    out, lines = tmp_path / "r", []
    start("digits", out, "train.epochs=2")
    longer = train("digits", settings=["train.epochs=4"], out=out, resume=True, say=lines.append)
    assert any("onecycle spans 4 epochs from now on" in line for line in lines)
    assert longer.metrics["epochs"] == 4


def test_what_cannot_be_given_more_epochs_says_so(tmp_path: Path) -> None:
    out = tmp_path / "r"
    more = ("train.patience=1", "train.learning_rate=0.5", "train.epochs=9", "model.kind=dense")
    run = start("digits", out, *more)
    assert run.metrics["epochs"] < 9
    with pytest.raises(ConfigError, match=r"more epochs would change nothing.*--patience"):
        train("digits", settings=["train.epochs=20"], out=out, resume=True)
    start("digits", tmp_path / "s", "train.epochs=1")
    (tmp_path / "s" / CHECKPOINT).unlink()
    with pytest.raises(RunError, match=f"has no {CHECKPOINT}"):
        train("digits", settings=["train.epochs=2"], out=tmp_path / "s", resume=True)
    (tmp_path / "s" / CHECKPOINT).write_bytes((out / CHECKPOINT).read_bytes())
    with pytest.raises(RunError, match="does not match its manifest"):
        train("digits", settings=["train.epochs=2"], out=tmp_path / "s", resume=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r", "s"]


@pytest.mark.slow
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


def harmed(path: Path) -> Iterator[bytes]:
    """Contents of a checkpoint that it cannot be."""
    whole = path.read_bytes()
    yield whole[:300]
    yield b""
    yield b"x" * 1000
    with np.load(path) as saved:
        arrays = dict(saved)
    meta = json.loads(arrays.pop("meta").tobytes())
    first = next(name for name in arrays if name.startswith("model"))
    for changed, state in (
        ({}, b"[" * 10_000),
        ({}, b"[]"),
        ({}, json.dumps({**meta, "epochs": "1"}).encode()),
        ({}, json.dumps({**meta, "epochs": 7}).encode()),
        ({}, json.dumps({**meta, "history": {"loss": ["x"]}}).encode()),
        ({}, json.dumps({**meta, "stopping": None}).encode()),
        ({}, json.dumps({"identity": meta["identity"]}).encode()),
        ({first: arrays[first][:1]}, json.dumps(meta).encode()),
        ({first: np.array(["x"])}, json.dumps(meta).encode()),
        ({"other_0000": arrays[first]}, json.dumps(meta).encode()),
    ):
        content = io.BytesIO()
        np.savez(content, **{**arrays, **changed, "meta": np.frombuffer(state, np.uint8)})
        yield content.getvalue()


def test_a_damaged_checkpoint_is_refused_and_replaced_by_force(tmp_path: Path) -> None:
    """Whatever is wrong with it; nothing is lost, nor called a bug."""
    out = tmp_path / "r"
    interrupted("digits", out, Die(0), "train.epochs=2")
    path = unfinished(tmp_path / "r") / CHECKPOINT
    for content in list(harmed(path)):
        path.write_bytes(content)
        with pytest.raises(RunError, match=r"damaged.*--force"):
            start("digits", out, "train.epochs=2", resume=True)
        assert path.read_bytes() == content
    run = start("digits", out, "train.epochs=2", force=True)
    assert json.loads((run.folder / MANIFEST).read_text())["task"] == "digits"
