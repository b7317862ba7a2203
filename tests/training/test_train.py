"""A training leaves a finished run folder, touches nothing else, and never opens the test set."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnguide import data, logs, tasks
from nnguide.data import preparation, prepared
from nnguide.data.dataset_info import BY_NAME
from nnguide.data.examples import stratified_split
from nnguide.errors import ConfigError, InputError, NnguideError, RunError, WorkError, WriteError
from nnguide.evaluation.evaluate import evaluate
from nnguide.runs import CHECKPOINT, MANIFEST, Run
from nnguide.training.ensemble import ensemble

logs.tensorflow()

import keras  # noqa: E402

from nnguide.training.configure import configure  # noqa: E402
from nnguide.training.resume import place  # noqa: E402
from nnguide.training.train import train as train_whole  # noqa: E402
from nnguide.training.writing import history_csv  # noqa: E402

train = tiny.bare()(train_whole)  # what is said here is of the other files


def start(task: str, out: Path, *more: str, **options: Any) -> Run:
    words = (*tiny.words(task), f"data.dataset={tiny.built_in(task)}", "train.epochs=1", *more)
    return train(task, settings=words, out=out, **options)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("task", tasks.names())
def test_a_run_folder_holds_what_it_should(task: str, trained: Callable[[str], Run]) -> None:
    run = trained(task)
    assert {
        "config.json",
        "model.keras",
        "decision.json",
        "history.csv",
        "metrics.json",
        "curves.png",
        MANIFEST,
        "tensorboard",
    } <= names(run.folder)
    assert not any(name.startswith(".") for name in names(run.folder))
    assert names(run.folder.parent) == {task}
    figures = run.metrics
    assert figures["task"] == task
    assert figures["run"] == str(run.folder)
    assert figures["dataset"] == run.manifest["dataset"] == tiny.built_in(task)
    assert figures["dataset_is_fallback"] is run.manifest["dataset_is_fallback"] is False
    assert figures["epochs"] == 3
    assert 1 <= figures["best_epoch"] <= 3
    assert figures["train_seconds"] > 0
    assert not figures["interrupted"]
    words = (*tiny.words(task), f"data.dataset={tiny.built_in(task)}")
    assert run.config == configure(task, settings=words)


@pytest.mark.parametrize("task", tasks.names())
def test_the_history_is_a_line_an_epoch(task: str, trained: Callable[[str], Run]) -> None:
    text = (trained(task).folder / "history.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} <= rows[0].keys()
    assert all(np.isfinite(float(value)) for row in rows for value in row.values())


@pytest.mark.parametrize("task", tasks.names())
def test_the_figures_are_those_of_the_saved_model(task: str, trained: Callable[[str], Run]) -> None:
    run = Run.open(trained(task).folder)
    measured = evaluate(run, split="validation")
    assert measured["n"] == run.metrics["n_validation"]
    assert measured["accuracy"] == run.metrics["val_accuracy"]
    assert measured["loss"] == pytest.approx(run.metrics["val_loss"], rel=1e-4)


def test_without_a_validation_part_there_are_no_validation_figures(tmp_path: Path) -> None:
    run = start("spam", tmp_path / "r", "data.validation=0")
    figures = run.metrics
    assert (figures["val_accuracy"], figures["val_loss"], figures["n_validation"]) == (
        None,
        None,
        0,
    )
    assert figures["n_train"] == len(data.find("spam", "spam_sample").load("train"))
    assert evaluate(run, split="test")["n"] > 0
    with pytest.raises(ConfigError, match="no validation set"):
        evaluate(run, split="validation")
    with pytest.raises(ConfigError, match="Set calibration"):
        configure("spam", settings=["data.validation=0", "calibration.on=validation"])


def test_history_csv() -> None:
    text = history_csv({"loss": [0.5, 1 / 3], "l2": [0.0, 1e-4]})
    assert text == "epoch,loss,l2\n1,0.5,0\n2,0.333333333,0.0001\n"


@pytest.fixture
def without_test_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Prepare a set in a cache of its own, then put folders where its test files were."""

    def prepare(name: str) -> None:
        monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
        whole = tiny.examples(BY_NAME[name].task, 300)
        first, second = stratified_split(whole.labels, 0.3, 0)
        folder = preparation.folder(BY_NAME[name], 0)
        prepared.save(folder, {"train": whole.take(first), "test": whole.take(second)}, name)
        for path in folder.glob("test*"):
            path.unlink()
            path.mkdir()

    return prepare


@pytest.mark.parametrize("name", ["mnist", "sms_spam"])
def test_training_never_opens_the_test_part(
    name: str, tmp_path: Path, without_test_part: Callable[[str], None]
) -> None:
    without_test_part(name)
    task = BY_NAME[name].task
    run = start(task, tmp_path / "r", f"data.dataset={name}", "calibration.on=validation")
    assert run.manifest["dataset"] == name
    with pytest.raises(NnguideError, match="cannot read"):
        evaluate(run)


def test_a_folder_in_use_is_untouched_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "r"
    out.mkdir()
    (out / "mine").write_text("precious")
    with pytest.raises(ConfigError, match="--force"):
        start("digits", out)
    assert names(out) == {"mine"}
    assert names(tmp_path) == {"r"}
    with pytest.raises(WorkError):  # a training that fails leaves it too
        start("digits", out, "train.optimizer=sgd", "train.learning_rate=1e9", force=True)
    assert names(out) == {"mine"}
    assert names(tmp_path) == {"r"}
    start("digits", out, force=True)
    assert "mine" not in names(out)
    assert names(tmp_path) == {"r"}


def test_what_cannot_be_done_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("label,text\n" + "ham,hello there\nham,see you\n" * 9)
    out = tmp_path / "new" / "r"
    with pytest.raises(InputError):
        start("spam", out, f"data.dataset={tmp_path / 'one.csv'}")
    with pytest.raises(ConfigError):
        start("spam", out, "data.dataset=nothing_like_it")
    assert not (tmp_path / "new" / "r").exists()
    assert not (tmp_path / "new" / "r.train.unfinished").exists()
    with pytest.raises(WriteError):
        start("digits", tmp_path / "one.csv" / "r")


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch, counted from 0."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.now = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.now == self.epoch and batch > 3:
            raise KeyboardInterrupt


def test_ctrl_c_before_an_epoch_ended_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        start("digits", tmp_path / "r", callbacks=[Interrupt(0)])
    assert names(tmp_path) == set()


def test_ctrl_c_later_leaves_a_finished_run_of_the_best_epoch(tmp_path: Path) -> None:
    lines: list[str] = []
    out = tmp_path / "r"
    run = start("digits", out, "train.epochs=9", callbacks=[Interrupt(2)], say=lines.append)
    assert Run.open(out).metrics["interrupted"] is True
    assert run.metrics["epochs"] == 2
    assert any(
        "keeping the best of 2 finished epochs: continue with --resume" in line for line in lines
    )
    measured = evaluate(run, split="validation")
    rows = list(csv.DictReader((out / "history.csv").open()))
    assert measured["accuracy"] == pytest.approx(
        float(rows[run.metrics["best_epoch"] - 1]["val_accuracy"])
    )
    assert names(tmp_path) == {"r"}


@pytest.mark.slow
def test_a_configuration_can_be_fed_back(trained: Callable[[str], Run], tmp_path: Path) -> None:
    """With the data it came from it is the same run, to the bit under `deterministic`."""
    words = (*tiny.words("digits"), "data.dataset=optdigits", "runtime.deterministic=true")
    first = train("digits", settings=words, out=tmp_path / "a")
    tree = json.loads((first.folder / "config.json").read_text("utf-8"))
    second = train("digits", config=tree, out=tmp_path / "b")
    assert second.config == first.config
    for name in ("model.keras", "history.csv", "decision.json", "config.json"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_schedules_are_columns_of_the_history(tmp_path: Path) -> None:
    more = ("train.dropout_schedule.warmup=1", "train.l2_schedule.warmup=1", "model.l2=0.1")
    lines: list[str] = []
    run = start("digits", tmp_path / "r", *more, say=lines.append)
    (row,) = csv.DictReader((run.folder / "history.csv").open())
    assert (row["dropout"], row["l2"], row["penalty"]) == ("0", "0", "0")
    assert "train.l2_schedule replaces model.l2" in lines


def test_resuming_what_is_finished_or_was_never_begun(
    trained: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("digits")
    words = (*tiny.words("digits"), f"data.dataset={tiny.built_in('digits')}")
    before = (run.folder / MANIFEST).read_bytes()
    assert train("digits", settings=words, out=run.folder, resume=True) == run
    assert (run.folder / MANIFEST).read_bytes() == before
    with pytest.raises(ConfigError, match=r"train\.epochs 3 -> 2"):
        train("digits", settings=(*words, "train.epochs=2"), out=run.folder, resume=True)
    assert train("digits", out=run.folder, resume=True) == run  # its settings need no repeating
    lines: list[str] = []
    assert start("digits", tmp_path / "r", resume=True, say=lines.append).metrics["epochs"] == 1
    assert any(line.startswith("nothing to resume at") for line in lines)


def test_a_run_that_only_lacks_its_name_gets_it(
    trained: Callable[[str], Run], tmp_path: Path
) -> None:
    import shutil

    run = trained("digits")
    shutil.copytree(run.folder, place(tmp_path / "r", force=False).path)
    words = (*tiny.words("digits"), f"data.dataset={tiny.built_in('digits')}")
    got = train("digits", settings=words, out=tmp_path / "r", resume=True)
    assert got.manifest == run.manifest
    assert names(tmp_path) == {"r"}


def left(out: Path, content: str) -> None:
    """What a killed training leaves, with these settings."""
    folder = place(out, force=False).path
    folder.mkdir()
    (folder / CHECKPOINT).write_bytes(b"state")
    (folder / "config.json").write_text(content)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1]",
        "5",
        '{"train": {"epochs": 1',
        '{"task": "digits", "train": {"epochs": NaN}}',
        '{"task": "digits", "train": 7}',
        '{"task": "digits", "x": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"task": "digits", "train": {"epochs": "\\ud800"}}',
    ],
)
def test_damaged_settings_of_an_interrupted_run_are_refused(tmp_path: Path, content: str) -> None:
    left(tmp_path / "r", content)
    with pytest.raises(RunError, match=r"damaged.*--force"):
        start("digits", tmp_path / "r", resume=True)


def test_an_interrupted_run_of_another_task_is_refused(tmp_path: Path) -> None:
    left(tmp_path / "r", json.dumps(tiny.config("spam").to_dict()))
    with pytest.raises(ConfigError, match="of spam, not of digits"):
        start("digits", tmp_path / "r", resume=True)


@pytest.mark.slow
def test_runs_without_a_validation_part_are_joined_too(tmp_path: Path) -> None:
    members = [
        start("spam", tmp_path / f"{seed}", f"train.seed={seed}", "data.validation=0")
        for seed in (0, 1)
    ]
    both = ensemble(members, tmp_path / "both")
    assert both.metrics["val_accuracy"] is both.metrics["val_loss"] is None
    text = tiny.examples("spam", 20).inputs[:1]
    means = np.mean([run.outputs(text) for run in members], axis=0)
    np.testing.assert_allclose(both.outputs(text), means, atol=1e-6)


def test_a_folder_in_use_is_refused_before_data_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ConfigError, match="not empty"):
        train("digits", settings=["data.dataset=no-such-set"], out=tmp_path)
