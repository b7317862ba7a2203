"""A run folder is whole and verified, or it is refused; nothing that exists is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnguide import runs, tasks
from nnguide.errors import ConfigError, RunError, WriteError
from nnguide.files import sha256, write_json
from nnguide.runs import CHECKPOINT, DETERMINES, MANIFEST, Run, Workspace


def fill(space: Workspace, task: str = "digits") -> None:
    """What a training writes, with a stand-in for the model file."""
    write_json(space.path / "config.json", tasks.get(task).defaults.to_dict())
    write_json(space.path / "decision.json", {"labels": list(tasks.get(task).labels)})
    write_json(space.path / "metrics.json", {"val_accuracy": 0.5})
    (space.path / "model.keras").write_bytes(b"weights")


def make(folder: Path, task: str = "digits", **facts: Any) -> Run:
    space = Workspace(folder)
    space.claim(resume=False)
    fill(space, task)
    return space.finish(task, **facts)


def test_a_finished_run_opens(tmp_path: Path) -> None:
    made = make(tmp_path / "r", dataset="optdigits")
    run = Run.open(str(tmp_path / "r"))
    assert run == made
    assert run.manifest["dataset"] == "optdigits"
    assert run.task.name == "digits"
    assert run.config == tasks.get("digits").defaults
    assert run.labels == tuple("0123456789")
    assert run.threshold is None
    assert run.metrics == {"val_accuracy": 0.5}
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


def test_a_folder_in_use_is_untouched_unless_forced(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "mine").write_text("precious")
    with pytest.raises(ConfigError, match="not empty"):
        Workspace(folder).claim(resume=False)
    space = Workspace(folder, force=True)
    space.claim(resume=False)
    fill(space)
    assert (folder / "mine").read_text() == "precious"  # until the new run is whole
    space.finish("digits")
    assert not (folder / "mine").exists()
    assert Run.open(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_an_empty_folder_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    assert make(tmp_path / "r").folder == tmp_path / "r"


def test_a_file_or_an_unwritable_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        Workspace(tmp_path / "f").claim(resume=False)
    with pytest.raises(WriteError):
        Workspace(tmp_path / "f" / "r").claim(resume=False)
    assert (tmp_path / "f").read_text() == "x"


def test_an_interrupted_run_is_resumed_or_replaced(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "r")
    space.claim(resume=False)
    (space.path / CHECKPOINT).write_bytes(b"state")
    (space.path / ".checkpoint-x.npz").write_bytes(b"half")
    with pytest.raises(ConfigError, match=r"--resume.*--force"):
        space.claim(resume=False)
    space.claim(resume=True)
    assert [path.name for path in space.path.iterdir()] == [CHECKPOINT]
    Workspace(tmp_path / "r", force=True).claim(resume=False)
    assert list(space.path.iterdir()) == []


def test_two_processes_never_work_in_one_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nnguide.runs import Workspace\n"
        "Workspace(Path(sys.argv[1])).claim(resume=False)\n"
        "print('mine', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "r")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"mine\n"
        (tmp_path / "r.unfinished" / CHECKPOINT).write_bytes(b"state")
        for space, resume in (
            (Workspace(tmp_path / "r"), True),
            (Workspace(tmp_path / "r", force=True), False),
        ):
            with pytest.raises(ConfigError, match="another process is at work"):
                space.claim(resume=resume)
        assert (tmp_path / "r.unfinished" / CHECKPOINT).read_bytes() == b"state"
        other.kill()
    Workspace(tmp_path / "r").claim(resume=True)


def test_a_finished_run_keeps_no_checkpoint(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "r")
    space.claim(resume=False)
    (space.path / CHECKPOINT).write_bytes(b"state")
    fill(space)
    space.finish("digits")
    assert not (tmp_path / "r" / CHECKPOINT).exists()


def test_only_a_training_with_nothing_to_show_is_discarded(tmp_path: Path) -> None:
    for name in (CHECKPOINT, MANIFEST):
        space = Workspace(tmp_path / name)
        space.claim(resume=False)
        (space.path / name).write_bytes(b"")
        space.discard_if_empty_handed()
        assert space.path.exists()
        (space.path / name).unlink()
        space.discard_if_empty_handed()
        assert not space.path.exists()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with no runs and no shipped models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nnguide.runs.run.shipped", lambda task: tmp_path / "shipped" / task)
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
    with pytest.raises(RunError, match=r"learned from real data.*saved_models/runs/small"):
        runs.load("spam")

    shipped = make(home / "shipped" / "spam", "spam", dataset="sms_spam")
    with caplog.at_level("INFO", "nnguide"):
        assert runs.load("spam").folder == shipped.folder
    assert "saved_models/runs/small learned from built-in examples" in caplog.text

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
    for name in ("damaged", "x.unfinished", "x.replaced"):
        make(runs.ROOT / name)
    (runs.ROOT / "damaged" / "model.keras").unlink()
    (runs.ROOT / "empty").mkdir()
    (runs.ROOT / "a file").write_text("")
    assert [run.folder.name for run in runs.finished()] == ["good"]


def test_the_default_folder_names_task_time_and_seed() -> None:
    name = runs.default_folder("spam", 7).name
    task, day, time, seed = name.split("-")
    assert (task, len(day), len(time), seed) == ("spam", 8, 6, "7")


def test_spam_is_strictly_above_the_threshold() -> None:
    labels = ("ham", "spam")
    assert runs.answer(np.array([0.5]), labels, 0.5) == runs.Answer("ham", 0.5)
    assert runs.answer(np.array([0.51]), labels, 0.5).label == "spam"
    low = runs.answer(np.array([0.25]), labels, 0.5)
    assert (low.label, low.probability) == ("ham", 0.25)


def test_the_most_probable_digit_wins() -> None:
    got = runs.answer(np.array([0.125, 0.75, 0.125]), ("a", "b", "c"), None)
    assert got == runs.Answer("b", 0.75, {"a": 0.125, "b": 0.75, "c": 0.125})


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
