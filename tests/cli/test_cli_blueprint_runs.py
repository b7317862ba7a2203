"""`evaluate` and `predict` take a network by hand as any other run."""

from __future__ import annotations

import json
import shutil

import pytest

from nnguide.cli import main


def run(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture(scope="module")
def moons(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blueprint") / "moons"
    with pytest.raises(SystemExit) as ended:
        main(["blueprint", "train", "--engine", "numpy", "--data", "moons", "--out", str(folder)])
    assert not ended.value.code
    return str(folder)


def test_it_is_measured(moons, capsys):
    status, out, _ = run(capsys, "evaluate", moons, "--json")
    assert status == 0
    assert json.loads(out)["accuracy"] >= 0.97


def test_it_answers_numbers_and_names_what_is_none(moons, capsys):
    status, out, err = run(capsys, "predict", moons, "0.5,-0.5", "1,x", "0,1")
    assert status == 4
    assert [line.split("\t")[0] for line in out.splitlines()] == ["1", "0"]
    assert "1,x: expected 2 numbers between commas" in err


def test_what_it_cannot_do_is_said(moons, capsys):
    for words in (("predict", moons), ("predict", moons, "1,2", "--threshold", "0.5")):
        assert run(capsys, *words)[0] == 2
    assert run(capsys, "evaluate", moons, "--threshold", "0.5")[0] == 2


def test_a_regression_answers_its_value(tmp_path, capsys):
    folder = str(tmp_path / "line")
    status, _, _ = run(capsys, "blueprint", "train", "--data", "line", "--out", folder)
    assert status == 0
    status, out, _ = run(capsys, "predict", folder, "0.5")
    value, label, given = out.rstrip("\n").split("\t")
    assert (status, label, given) == (0, "", "0.5")
    assert abs(float(value)) < 10
    assert "r2" in run(capsys, "evaluate", folder)[1]


def test_it_stands_in_the_list_of_runs(moons, tmp_path, monkeypatch, capsys):
    root = tmp_path / "saved_models" / "runs"
    shutil.copytree(moons, root / "moons")
    shutil.copytree(moons, root / "damaged")
    (root / "damaged" / "weights.npz").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(capsys, "runs")
    assert status == 0
    (line,) = out.splitlines()
    assert line.split("\t")[:3] == ["saved_models/runs/moons", "blueprint", "moons"]
    assert "on validation" in line
