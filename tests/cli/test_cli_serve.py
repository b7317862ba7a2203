"""What `nnguide serve` refuses before it serves."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nothing"], 5, "there is no run 'nothing'"),
        (["--queue", "0", "spam"], 2, "the bound queue is a number above 0"),
        (["--max-body", "200", "spam"], 2, "is below that on one"),
        (["--poll", "nan", "spam"], 2, "--poll is a number of seconds above 0"),
        (["--port", "70000"], 2, "70000"),
        (["--host", "256.1.1.1", "spam"], 2, "--host 256.1.1.1"),
    ],
)
def test_wrong_use(nnguide, words, status, said):
    port = [] if "--port" in words else ["--port", "0"]
    ended = nnguide("serve", *port, *words)
    assert (ended.status, said in ended.err) == (status, True), ended.err


def test_no_model_at_all(nnguide, monkeypatch, tmp_path):
    monkeypatch.setattr("nnguide.runs.finding.shipped", lambda task, kinds=(): tmp_path / "nothing")
    ended = nnguide("serve", "--port", "0")
    assert ended.status == 5
    assert "there is no trained model to serve" in ended.err


def test_two_models_of_one_name(nnguide, trained):
    folder = trained("spam").folder
    ended = nnguide("serve", "--port", "0", folder, f"spam={folder}")
    assert ended.status == 2
    assert "two models are called spam" in ended.err


def test_a_damaged_run(nnguide, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.keras").touch()
    ended = nnguide("serve", "--port", "0", tmp_path / "run")
    assert ended.status == 5
    assert "manifest.json" in ended.err
