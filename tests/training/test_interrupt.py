"""The command killed at random moments, or stopped with Ctrl-C, in processes of its own."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tiny
from nursery import Nursery
from started import Started

from nnguide.runs import DETERMINES, MANIFEST, Run

WORDS = ("train.epochs=8", "model.dropout=0.3", "train.patience=7", "calibration.on=validation")


def settings(task: str, *more: str) -> tuple[str, ...]:
    return (*tiny.words(task), *WORDS, *more)


def command(task: str, out: Path, *options: str, more: tuple[str, ...] = ()) -> list[object]:
    """The words of a training."""
    words = [part for word in settings(task, *more) for part in ("--set", word)]
    return ["train", task, "--out", out, "--dataset", tiny.built_in(task), *options, *words]


def training(task: str, out: Path, *options: str, more: tuple[str, ...] = ()) -> Started:
    """A training under way."""
    return Started(*command(task, out, *options, more=more), place=out.parent)


def assert_nothing_broken(folder: Path) -> None:
    """Whatever has its final name is whole."""
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.name.startswith(".") or "tensorboard" in path.parts:
            continue
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        elif path.suffix == ".keras":
            assert zipfile.ZipFile(path).testzip() is None
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert all(arrays[name] is not None for name in arrays.files)
        elif path.suffix == ".png":
            assert path.read_bytes().endswith(b"IEND\xaeB`\x82")


def assert_same(out: Path, whole: Run) -> None:
    """The run at `out` is `whole` to the bit, and nothing lies about."""
    for name in (*DETERMINES, "history.csv"):
        assert (out / name).read_bytes() == (whole.folder / name).read_bytes(), name
    assert Run.open(out).metrics["val_loss"] == whole.metrics["val_loss"]
    assert not any(path.name.startswith(".") for path in out.iterdir())
    left = {path.name for path in out.parent.iterdir()}
    assert left == {whole.folder.name, out.name}


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    """Trainings in processes of their own that need not import TensorFlow first."""
    (tmp_path / "place").mkdir()
    nursery = Nursery(tmp_path / "place")
    yield nursery
    nursery.close()


def after(log: Path, words: str, seconds: float) -> Callable[[float], bool]:
    """When to kill: so long after the command has said `words`."""
    log.unlink(missing_ok=True)
    said: list[float] = []

    def kill(passed: float) -> bool:
        time.sleep(0.02)
        if not said and log.exists() and words in log.read_text("utf-8"):
            said.append(passed)
        return bool(said) and passed > said[0] + seconds

    return kill


def kill_and_resume(nursery: Nursery, task: str, kills: int, seed: int) -> None:
    """Kill and resume until `kills` have landed; a run that got through is begun anew."""
    place = nursery.place
    status, text = nursery.run(command(task, place / "whole", "--deterministic"))
    assert status == 0, text
    whole = Run.open(place / "whole")
    chance, out, landed = random.Random(seed), place / "cut", 0
    again = command(task, out, "--deterministic", "--resume")
    while landed < kills:
        words = chance.choice(["training ", "epoch "])
        seconds = chance.uniform(0, 0.5 * whole.metrics["train_seconds"])
        status, text = nursery.run(again, after(nursery.log, words, seconds))
        if status == 0:
            assert_same(out, whole)
            shutil.rmtree(out)
            continue
        assert status == -signal.SIGKILL, text
        landed += 1
        assert_nothing_broken(out.with_name(f"{out.name}.train.unfinished"))
        assert not out.exists() or Run.open(out)
    status, text = nursery.run(again)
    assert status == 0, text
    assert_same(out, whole)


def test_killed_and_resumed_it_ends_the_same(nursery: Nursery) -> None:
    kill_and_resume(nursery, "digits", 1, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["digits", "spam"])
def test_killed_ten_times_and_resumed_it_ends_the_same(nursery: Nursery, task: str) -> None:
    kill_and_resume(nursery, task, 10, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_in_130_and_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    """Before the first epoch ends nothing is left; later a finished run is, which goes on."""
    early = training("digits", tmp_path / "early", more=("train.epochs=9000", "train.batch_size=1"))
    late = training("digits", tmp_path / "late", more=("train.epochs=2000", "train.patience=0"))
    early.wait_for("training digits")
    early.process.send_signal(number)
    late.wait_until(lambda: late.text.count("\nepoch ") >= 2)  # a long training shows some epochs
    late.process.send_signal(number)
    assert (early.ends(), late.ends()) == (130, 130), early.text + late.text
    assert "nnguide: interrupted" in early.text
    assert "continue with --resume" in late.text
    assert "Traceback" not in early.text + late.text
    left = {path.name for path in tmp_path.iterdir() if path.suffix != ".log"}
    assert left == {"late"}
    run = Run.open(tmp_path / "late")
    assert run.metrics["interrupted"] is True
    assert run.metrics["epochs"] >= 2
    assert (tmp_path / "late" / MANIFEST).exists()
    rows = (tmp_path / "late" / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + run.metrics["epochs"]
    again = Started("train", "digits", "--out", tmp_path / "late", "--resume", place=tmp_path)
    again.wait_for("resuming after epoch")
    again.process.kill()
    again.ends()
    assert "resuming after epoch" in again.text
    assert Run.open(tmp_path / "late") == run


@pytest.mark.parametrize("count", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_an_interruption_at_an_odd_moment_is_never_a_bug(tmp_path: Path, count: int) -> None:
    """Also while modules are imported, or a library turns it into an error of its own."""
    chance = random.Random(5)
    for _ in range(count):
        begun = training("digits", tmp_path / "r", "--force")
        begun.wait_for(chance.choice(["", "", "precision", "training digits"]))
        time.sleep(chance.uniform(0.5, 2))
        number = chance.choice([signal.SIGINT, signal.SIGTERM])
        begun.process.send_signal(number)
        status = begun.ends()
        assert status in (0, 130, -number), begun.text
        assert "bug" not in begun.text, begun.text
        left = {path.name for path in tmp_path.iterdir() if path.suffix != ".log"}
        assert left <= {"r"}, begun.text
