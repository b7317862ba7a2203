"""A run folder is whole and verified, or it is refused; nothing that exists is lost."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnguide import runs, tasks
from nnguide.errors import RunError
from nnguide.files import sha256, write_json
from nnguide.files.workspace import Workspace
from nnguide.runs import DETERMINES, MANIFEST, Run

FACTS: dict[str, Any] = {"dataset": "mnist", "dataset_is_fallback": False}
METRICS: dict[str, Any] = {
    **FACTS,
    "run": "r",
    "task": "digits",
    "epochs": 3,
    "best_epoch": 2,
    "train_seconds": 1.5,
    "val_accuracy": 0.5,
    "val_loss": 2.0,
}


def make(folder: Path, task: str = "digits", **facts: Any) -> Run:
    """What a training writes, with a stand-in for the model file."""
    space = Workspace(folder, "train", Run.open)
    with space.claimed() as place:
        write_json(place / "config.json", tasks.get(task).defaults.to_dict())
        write_json(place / "decision.json", {"labels": list(tasks.get(task).labels)})
        write_json(place / "metrics.json", {**METRICS, "task": task})
        (place / "model.keras").write_bytes(b"weights")
        return runs.finish(space, task, **{**FACTS, **facts})


def test_a_finished_run_opens(tmp_path: Path) -> None:
    made = make(tmp_path / "r", dataset="optdigits")
    run = Run.open(str(tmp_path / "r"))
    assert run == made
    assert run.manifest["dataset"] == "optdigits"
    assert run.task.name == "digits"
    assert run.config == tasks.get("digits").defaults
    assert run.labels == tuple("0123456789")
    assert run.threshold is None
    assert run.metrics == METRICS
    assert set(run.manifest["files"]) >= set(DETERMINES)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


@pytest.mark.parametrize("name", DETERMINES)
@pytest.mark.parametrize("harm", ["changed", "cut", "missing", "folder"])
def test_a_file_that_does_not_match_is_refused(tmp_path: Path, name: str, harm: str) -> None:
    make(tmp_path / "r")
    path = tmp_path / "r" / name
    content = path.read_bytes()
    if harm == "changed":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "cut":
        path.write_bytes(content[:-1])
    else:
        path.unlink()
        if harm == "folder":
            path.mkdir()
    with pytest.raises(RunError, match=name):
        Run.open(tmp_path / "r")


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.pop("files"),
        lambda m: m.pop("task"),
        lambda m: m.pop("schema"),
        lambda m: m.update(schema=999),
        lambda m: m.update(task="poetry"),
        lambda m: m.update(task=["digits"]),
        lambda m: m.update(files=["model.keras"]),
        lambda m: m["files"].pop("model.keras"),
        lambda m: m["files"].update({"../other": "0"}),
        lambda m: m["files"].update({"/etc/passwd": "0"}),
        lambda m: m["files"].update({"model.keras": None}),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, change: Callable[[Any], Any]) -> None:
    make(tmp_path / "r")
    path = tmp_path / "r" / MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(RunError):
        Run.open(tmp_path / "r")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\x00", '"text"'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    make(tmp_path / "r")
    (tmp_path / "r" / MANIFEST).write_text(content)
    with pytest.raises(RunError, match="manifest"):
        Run.open(tmp_path / "r")


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run at"):
        Run.open(tmp_path / "nothing")
    with pytest.raises(RunError, match=f"has no {MANIFEST}"):
        Run.open(tmp_path)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with no runs and no shipped models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "nnguide.runs.finding.shipped", lambda task, kinds=(): tmp_path / "shipped" / task
    )
    return tmp_path


def test_a_name_means_the_newest_run_else_the_shipped_one(home: Path) -> None:
    with pytest.raises(RunError, match="nnguide train spam"):
        runs.load("spam")
    make(home / "shipped" / "spam", "spam")
    assert runs.load("spam").folder == home / "shipped" / "spam"
    for number in (2, 1, 3):
        make(runs.ROOT / f"any-{number}", "spam")
        assert runs.load("spam").folder == runs.ROOT / f"any-{number}"
    make(runs.ROOT / "digits-9")
    assert runs.load("spam").folder == runs.ROOT / "any-3"
    assert runs.load("digits").folder == runs.ROOT / "digits-9"


def test_a_name_means_a_run_that_learned_from_the_kind_that_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert runs.load("spam", ["messages"]).folder == runs.shipped("spam")
    assert runs.load("spam", ["mail"]).folder == runs.shipped("spam", ["mail"])
    assert runs.load("spam").folder == runs.load("spam", ["messages", "mail"]).folder

    of_messages = make(runs.ROOT / "messages", "spam", dataset="mine", learned_from=["messages"])
    of_mail = make(runs.ROOT / "mail", "spam", dataset="theirs", learned_from=["mail"])
    with caplog.at_level("INFO", "nnguide"):
        assert runs.load("spam", ["mail"]).folder == of_mail.folder
        assert runs.load("spam", ["messages"]).folder == of_messages.folder
    assert "was not trained on messages, so it is not used" in caplog.text
    assert runs.load(of_messages.folder, ["mail"]).folder == of_messages.folder


@pytest.mark.parametrize(
    "facts",
    [
        {"dataset": "spam_sample", "dataset_is_fallback": True},
        {"dataset": "spam_sample", "dataset_is_fallback": False},  # asked for by its name
    ],
)
def test_a_run_of_a_stand_in_never_shadows(
    home: Path, facts: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    stand_in = make(runs.ROOT / "small", "spam", **facts)
    with pytest.raises(RunError, match=r"was trained on real data.*saved_models/runs/small"):
        runs.load("spam")

    shipped = make(home / "shipped" / "spam", "spam", dataset="sms_spam")
    with caplog.at_level("INFO", "nnguide"):
        assert runs.load("spam").folder == shipped.folder
    assert "saved_models/runs/small was trained on built-in examples" in caplog.text

    real = make(runs.ROOT / "real", "spam", dataset="mine", dataset_is_fallback=False)
    make(runs.ROOT / "newer", "spam", **facts)
    assert runs.load("spam").folder == real.folder
    assert runs.load(stand_in.folder).folder == stand_in.folder  # by its folder, always


def test_a_folder_means_itself(home: Path) -> None:
    make(home / "x" / "mine", "spam")
    assert runs.load(home / "x" / "mine").task.name == "spam"
    assert runs.load("x/mine").folder == Path("x/mine")
    make(home / "spam", "spam")  # an existing folder goes before a task's name
    assert runs.load("spam").folder == Path("spam")
    with pytest.raises(RunError, match=r"digits, spam"):
        runs.load("nothing")


def test_only_whole_runs_are_listed(home: Path) -> None:
    assert runs.finished() == []
    make(runs.ROOT / "good")
    for name in ("damaged", "x.train.unfinished", "good.replaced"):
        make(runs.ROOT / name)
    (runs.ROOT / "damaged" / "model.keras").unlink()
    (runs.ROOT / "empty").mkdir()
    (runs.ROOT / "a file").write_text("")
    assert [run.folder.name for run in runs.finished()] == ["good"]


def test_the_default_folder_names_task_time_and_seed() -> None:
    name = runs.default_folder("spam", 7).name
    task, day, time, seed = name.split("-")
    assert (task, len(day), len(time), seed) == ("spam", 8, 6, "7")


def test_a_real_run_answers(trained: Callable[[str], Run]) -> None:
    for task, raw in (("digits", np.zeros((2, 28, 28))), ("spam", ["", "win a prize"])):
        answers = trained(task).predict(raw)
        assert [a.label in tasks.get(task).labels for a in answers] == [True, True]
        assert all(0 <= a.probability <= 1 for a in answers)
    assert len(trained("spam").predict("one text")) == 1


def test_a_model_that_keras_cannot_load_is_refused(
    trained: Callable[[str], Run], tmp_path: Path
) -> None:
    """Its hash holds, since a stranger wrote the manifest too."""
    shutil.copytree(trained("digits").folder, tmp_path / "r")
    path = tmp_path / "r" / "model.keras"
    path.write_bytes(path.read_bytes()[:1000])
    manifest = json.loads((tmp_path / "r" / MANIFEST).read_text())
    manifest["files"]["model.keras"] = sha256(path)
    write_json(tmp_path / "r" / MANIFEST, manifest)
    with pytest.raises(RunError, match="cannot be loaded"):
        _ = Run.open(tmp_path / "r").model


def test_a_run_is_pickled_as_its_folder(trained, tmp_path: Path) -> None:
    folder = shutil.copytree(trained("spam").folder, tmp_path / "run")
    run = Run.open(folder)
    before = run.predict(["WIN a free prize", "see you"])
    stored = pickle.dumps(run)
    assert pickle.loads(stored).predict(["WIN a free prize", "see you"]) == before
    assert copy.deepcopy(run).folder == folder
    shutil.rmtree(folder)
    with pytest.raises(RunError, match="there is no run at"):
        pickle.loads(stored)
