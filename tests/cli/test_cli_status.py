"""The exit status of what can go wrong with runs, data and places to write."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from nnguide.files import sha256


@pytest.fixture
def run(trained, alone) -> Path:
    """A copy of a finished run, to be damaged."""
    return Path(shutil.copytree(trained("spam").folder, alone / "run"))


def resealed(run: Path) -> None:
    """Give the manifest the hashes of the files as they are now."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["files"] = {name: sha256(run / name) for name in manifest["files"]}
    (run / "manifest.json").write_text(json.dumps(manifest))


def cut_model(run: Path) -> None:
    content = (run / "model.keras").read_bytes()
    (run / "model.keras").write_bytes(content[: len(content) // 2])


def cut_model_and_manifest_with_it(run: Path) -> None:
    cut_model(run)
    resealed(run)


def other_threshold(run: Path) -> None:
    decision = json.loads((run / "decision.json").read_text())
    (run / "decision.json").write_text(json.dumps({**decision, "threshold": 0.1}))


def manifest(text: str):
    def damage(run: Path) -> None:
        (run / "manifest.json").write_text(text)

    return damage


def gone(name: str):
    def damage(run: Path) -> None:
        (run / name).unlink()

    return damage


@pytest.mark.parametrize(
    "damage, reason",
    [
        (cut_model, "does not match its manifest"),
        (cut_model_and_manifest_with_it, "cannot be loaded"),
        (other_threshold, "does not match its manifest"),
        (gone("model.keras"), "model.keras"),
        (gone("manifest.json"), "manifest.json"),
        (manifest("{"), "damaged"),
        (manifest("[]"), "manifest"),
        (manifest('{"schema": 99}'), "manifest"),
        (manifest('{"schema": 1, "task": "spam", "files": {}}'), "damaged"),
    ],
)
def test_a_damaged_run_is_refused(nnguide, run, damage, reason):
    damage(run)
    for words in (("predict", run, "--engine", "keras", "hello"), ("evaluate", run)):
        ended = nnguide(*words)
        assert (ended.status, ended.out) == (5, ""), words
        assert reason in ended.err.splitlines()[-1]
        assert "Traceback" not in ended.err


def test_a_run_that_is_not_there(nnguide, alone):
    (alone / "empty").mkdir()
    for name in ("nowhere", "empty", "x" * 300):
        ended = nnguide("predict", name, "hello")
        assert ended.status == (2 if len(name) == 300 else 5)
        assert len(ended.err) < 300


def test_a_named_set_that_is_not_to_be_had_fails_at_once(nnguide, alone, monkeypatch):
    monkeypatch.delenv("NNGUIDE_OFFLINE")
    for task, dataset in (("digits", "mnist"), ("spam", "sms_spam"), ("spam", "spamassassin")):
        began = time.monotonic()
        ended = nnguide("train", task, "--dataset", dataset, "--out", "run")
        assert (ended.status, ended.out) == (3, "")
        assert f"{dataset} was not found" in ended.err
        assert f"nnguide data prepare {dataset}" in ended.err
        assert time.monotonic() - began < 120  # of TFDS's minutes, none
    assert not list(alone.iterdir())


@pytest.mark.parametrize(
    "task, content, reason",
    [
        ("spam", "", "the file has none"),
        ("spam", "label,text\n", "the file has none"),
        ("spam", "a,b\n1,hello\n", "--label-column"),
        ("spam", "label,text\nham,one\nham,two\n", "all 2 texts are ham"),
        ("spam", "label,text\nham,one\nspma,two\n", "line 3"),
        ("spam", "label,text\nham,one\nspam,two\n", "at least 2"),
    ],
)
def test_a_table_that_cannot_be_learned_from(nnguide, alone, task, content, reason):
    (alone / "mine.csv").write_text(content)
    ended = nnguide("train", task, "--dataset", "mine.csv", "--out", "run")
    assert (ended.status, ended.out) == (4, "")
    assert reason in ended.err
    assert sorted(path.name for path in alone.iterdir()) == ["mine.csv"]


@pytest.mark.parametrize(
    "words, status, reason",
    [
        (["--out", "full"], 2, "not empty"),
        (["--out", "full/kept"], 2, "is a file"),
        (["--out", "."], 2, "--out"),
        (["--out", ""], 2, "--out"),
        (["--out", "x" * 300], 2, "too long"),
        (["--out", "full/kept/run"], 9, "not a folder"),
        (["--out", "/proc/run"], 9, "cannot write"),
        (["--out", "/dev/null/run"], 9, "cannot write"),
        (["--epochs", "0"], 2, "train.epochs"),
        (["--epochs", "two"], 2, "integer"),
        (["--batch-size", "ful"], 2, "full"),
        (["--dropout", "20"], 2, "write 0.2"),
        (["--learning-rate", "nan"], 2, "train.learning_rate"),
        (["--seed", "-1"], 2, "train.seed"),
        (["--strategy", "mirrored"], 2, "two or more GPUs"),
        (["--max-blocked-ham", "0.1"], 2, "for spam"),
        (["--set", "train.epochs"], 2, "KEY=VALUE"),
        (["--set", "train=3"], 2, "group of settings"),
        (["--config", "nowhere.toml"], 2, "cannot read"),
        (["--config", "full"], 2, "directory"),
        (["--config", "broken.toml"], 2, "not valid TOML"),
        (["--config", "broken.json"], 2, "not valid JSON"),
        (["--config", "spam.toml"], 2, "'spam'"),
        (["--dataset", "nowhere/"], 2, "no such file or folder"),
        (["--dataset", "broken.toml"], 4, "broken.toml"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_wrong_use_of_train_leaves_everything_as_it_was(nnguide, alone, words, status, reason):
    (alone / "full").mkdir()
    (alone / "full" / "kept").write_text("mine")
    (alone / "broken.toml").write_text("x = [")
    (alone / "broken.json").write_text("{")
    (alone / "spam.toml").write_text('task = "spam"\n')
    (alone / "saved_models" / "runs").mkdir(parents=True)
    before = sorted(alone.rglob("*"))
    ended = nnguide("train", "digits", "--dataset", "optdigits", *words)
    assert (ended.status, ended.out) == (status, "")
    assert reason in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert sorted(alone.rglob("*")) == before
    assert (alone / "full" / "kept").read_text() == "mine"
