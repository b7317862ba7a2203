"""nnguide export, as a person uses it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from nnguide.errors import WorkError


@pytest.fixture
def quick(monkeypatch):
    """An export is one small file here, and is found good."""
    from nnguide.export import publish, verify

    def write(run, form, folder):
        (folder / "model").write_text(form)
        return {}

    monkeypatch.setattr(publish, "write", write)
    monkeypatch.setattr(verify, "verify", lambda *given: {"text": {"n": 1, "apart": 0.0}})


@pytest.mark.usefixtures("quick")
def test_it_prints_where_the_export_is(nnguide, trained, alone):
    words = ("export", trained("spam").folder, "--format", "saved_model")
    ended = nnguide(*words)
    assert (ended.status, ended.out) == (0, "saved_models/exports/spam/1\n")
    assert nnguide(*words, "--version", 4, "--serving-config").out.splitlines() == [
        "saved_models/exports/spam/4",
        "saved_models/exports/model.config",
        "saved_models/exports/batching_parameters.txt",
    ]
    assert (alone / "saved_models/exports/spam/4/manifest.json").exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--version", "1"), "already exists. Choose another --version, or --force"),
        (("--version", "0"), "--version is a whole number from 1; got 0"),
        (("--format", "onnx", "--serving-config"), "--serving-config is for saved_model"),
        (("--format", "h5"), "'h5' is not one of"),
    ],
)
def test_wrong_use_ends_with_2_and_changes_nothing(nnguide, trained, alone, more, message):
    words = ("export", trained("spam").folder, "--format", "saved_model", "--out", "exports")
    nnguide(*words)
    before = {path: path.stat().st_mtime_ns for path in (alone / "exports").rglob("*")}
    ended = nnguide(*words, *more)
    assert ended.status == 2
    assert message in ended.err
    assert {path: path.stat().st_mtime_ns for path in (alone / "exports").rglob("*")} == before


def test_what_cannot_be_exported_says_so(nnguide, alone):
    (alone / "blueprint").mkdir()
    manifest = {"schema": 1, "task": "blueprint", "files": {}}
    (alone / "blueprint" / "manifest.json").write_text(json.dumps(manifest))
    for words in (("export", "blueprint", "--format", "onnx"), ("benchmark", "blueprint")):
        ended = nnguide(*words)
        assert ended.status == 5 and "nnguide blueprint train --data" in ended.err
    ended = nnguide("export", "nowhere", "--format", "onnx")
    assert (ended.status, "there is no run 'nowhere'" in ended.err) == (5, True)


@pytest.mark.usefixtures("quick")
def test_every_other_failure_has_its_status(nnguide, trained, alone, monkeypatch):
    from nnguide.export import verify

    words = ("export", trained("spam").folder, "--out")
    Path("file").write_text("")
    assert nnguide(*words, "file", "--format", "litert").status == 9

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    ended = nnguide(*words, "exports", "--format", "onnx")
    assert (ended.status, "nnguide[onnx]" in ended.err) == (6, True)

    def disagree(*given):
        raise WorkError("the export gives 3 of 1000 text other labels")

    monkeypatch.setattr(verify, "verify", disagree)
    ended = nnguide(*words, "exports", "--format", "saved_model")
    assert (ended.status, ended.out) == (8, "")
    assert "3 of 1000" in ended.err
    assert not Path("exports").exists()
