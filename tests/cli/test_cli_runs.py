"""Which runs are listed, in what two differ, and that nothing writes over a run's own files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image

from nnguide.files import sha256, write_json
from nnguide.runs import MANIFEST, Run, registry


def listed(ended) -> list[str]:
    assert ended.status == 0
    return [line.split("\t")[0] for line in ended.out.splitlines()]


def copy(run: Run, folder: Path) -> Path:
    """A run of its own, as one that was made in `folder`."""
    shutil.copytree(run.folder, folder)
    registry.remember(folder)
    return folder


def test_a_run_is_remembered_wherever_it_is_made(nnguide, alone, trained, monkeypatch):
    mine = copy(trained("spam"), alone / "somewhere" / "deep" / "my-spam")
    (alone / "elsewhere").mkdir()
    monkeypatch.chdir(alone / "elsewhere")
    assert listed(nnguide("runs")) == [str(mine)]
    (row,) = json.loads(nnguide("runs", "--json").out)["runs"]
    assert row["run"] == str(mine)

    shutil.rmtree(mine)
    assert listed(nnguide("runs")) == []
    assert list(registry.folder().iterdir()) == []  # what is gone is forgotten


def test_a_training_remembers_its_run(tmp_path, monkeypatch):
    from nnguide.training.train import train

    monkeypatch.setenv("NNGUIDE_REGISTRY", str(tmp_path / "registry"))
    words = (*tiny.words("table"), f"data.dataset={tiny.built_in('table')}")
    run = train("table", settings=words, out=tmp_path / "run")
    assert registry.remembered() == [run.folder]


def test_folders_are_searched_and_a_broken_run_is_named(nnguide, alone, trained):
    for name in ("a/one", "a/b/two", "a/.hidden", "a/three.unfinished"):
        shutil.copytree(trained("spam").folder, alone / name)
    broken = alone / "a" / "broken"
    shutil.copytree(trained("spam").folder, broken)
    (broken / "decision.json").write_text("{}")
    for words in (["a"], ["list", "a"], ["a/b", "a"], ["a", "--json"], ["--json", "a"]):
        ended = nnguide("runs", *words)
        assert "left out: a/broken/decision.json does not match" in ended.err
        if "--json" in words:
            found = [row["run"] for row in json.loads(ended.out)["runs"]]
        else:
            found = listed(ended)
        assert sorted(found) == ["a/b/two", "a/one"]
    assert nnguide("runs", "list", "nowhere").status == 2
    assert nnguide("runs", "nowhere").status == 2


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"relative/path\n", b"/x" * 20_000, b"/a\0b\n", b"[" * 9999]
)
def test_a_damaged_registry_stops_nothing(nnguide, alone, trained, content):
    mine = copy(trained("spam"), alone / "mine")
    (registry.folder() / "damaged.txt").write_bytes(content)
    (registry.folder() / "folder.txt").mkdir()
    os.mkfifo(registry.folder() / "pipe.txt")
    assert listed(nnguide("runs")) == [str(mine)]


def test_a_registry_that_cannot_be_written_stops_nothing(nnguide, alone, trained, monkeypatch):
    (alone / "file").write_text("")
    for place in (alone / "file", alone / "file" / "inner"):
        monkeypatch.setenv(registry.VARIABLE, str(place))
        copy(trained("spam"), alone / f"mine{len(str(place))}")
        assert listed(nnguide("runs")) == []


def test_many_processes_remember_at_once(alone):
    code = """
import sys
from pathlib import Path
from nnguide.runs import registry
for n in range(20):
    place = Path(sys.argv[1]) / f"{sys.argv[2]}-{n}"
    place.mkdir()
    (place / "manifest.json").write_text("{}")
    registry.remember(place)
"""
    several = [subprocess.Popen([sys.executable, "-c", code, str(alone), str(n)]) for n in range(3)]
    assert [process.wait() for process in several] == [0, 0, 0]
    assert len(registry.remembered()) == 60


def changed(run: Run, folder: Path, name: str, **values: object) -> Path:
    """A copy of a run with other values in one of its JSON files, its manifest made to match."""
    shutil.copytree(run.folder, folder)
    content = json.loads((folder / name).read_text("utf-8"))
    write_json(folder / name, {**content, **values})
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    if name in manifest["files"]:
        manifest["files"][name] = sha256(folder / name)
        write_json(folder / MANIFEST, manifest)
    return folder


def test_runs_that_decide_otherwise_differ(nnguide, alone, trained):
    run = trained("spam")
    strict = changed(run, alone / "strict", "decision.json", threshold=0.8512345678901234)
    found = json.loads(nnguide("runs", "compare", run.folder, strict, "--json").out)
    assert found["decision"] == {"threshold": [0.5, 0.8512345678901234]}
    assert (found["settings"], found["figures"]) == ({}, {})
    shown = nnguide("runs", "compare", run.folder, strict).out
    assert "decision:\n  threshold\t0.5\t0.85123\n" in shown
    assert "settings: the same" in shown and "figures: the same" in shown


def test_both_losses_are_named_and_have_digits_that_mean_something(nnguide, alone, trained):
    run = trained("digits")
    other = changed(run, alone / "other", "metrics.json", val_loss=0.1234567890123, best_epoch=1)
    found = json.loads(nnguide("runs", "compare", run.folder, other, "--json").out)["figures"]
    best = run.metrics["best_epoch"]
    losses = run.history["val_loss"]
    assert found["history_val_loss"] == [losses[best - 1], losses[0]]
    assert found["val_loss"] == [run.metrics["val_loss"], 0.1234567890123]
    shown = nnguide("runs", "compare", run.folder, other).out
    assert f"val_loss (calibrated network)\t{run.metrics['val_loss']:.5g}\t0.12346\n" in shown
    assert "val_loss (best epoch, as training shows it)" in shown
    for line in shown.splitlines():
        for value in line.split("\t")[1:]:
            assert len(value.replace("0.", "").strip("0")) <= 7


def test_a_run_in_a_line_and_its_history(trained):
    for task in ("digits", "spam"):
        run = trained(task)
        assert "\n" not in repr(run) and len(repr(run)) < 120 + len(str(run.folder))
        assert str(run.folder) in repr(run) and "validation accuracy" in repr(run)
        lengths = {name: len(values) for name, values in run.history.items()}
        assert set(lengths.values()) == {run.metrics["epochs"]}
        assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(lengths)


def state(folder: Path) -> dict[str, str]:
    """The content of every file in a folder, by its name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_no_output_is_written_over_a_file_of_a_run(nnguide, alone, trained, task):
    run = alone / "run"
    shutil.copytree(trained(task).folder, run)
    before = state(run)
    given = "win a prize"
    if task == "digits":
        given = "seven.png"
        Image.fromarray(np.full((30, 30), 255, np.uint8)).save(given)
    tries = [
        ["evaluate", run, "--plots", run],
        ["evaluate", run, "--plots", run / "config.json"],
        *(["explain", run, given, "--out", run / name] for name in ("curves.png", "config.json")),
        ["audit", run, "--out", run / "manifest.json"],
        ["audit", run, "--out", run / "model.keras"],
        ["audit", run, "--out", run],
    ]
    for words in tries:
        ended = nnguide(*words)
        assert (ended.status, ended.out) == (2, ""), words
        assert len(ended.err.splitlines()) == 1, words
    assert state(run) == before
