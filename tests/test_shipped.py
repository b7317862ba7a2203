"""The trained models that come with nnguide: whole, small, and as good as their cards say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nnguide import data, runs
from nnguide.errors import RunError
from nnguide.evaluation.evaluate import evaluate
from nnguide.inference import light

ROOT = Path(__file__).parents[1]
MOST = 2_000_000  # bytes of network and light form
INPUTS = {"digits": str(ROOT / "docs" / "digit.png"), "spam": "WIN a free prize, call now"}
ANSWERS = {"digits": "7", "spam": "spam"}


@pytest.fixture(params=["digits", "spam"])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_is_whole_and_small(task: str) -> None:
    run = runs.Run.open(runs.shipped(task))
    names = ("model.keras", *light.FILES)
    assert set(names) <= run.manifest["files"].keys()
    assert sum((run.folder / name).stat().st_size for name in names) <= MOST
    assert not run.manifest["dataset_is_fallback"]
    text = (run.folder / "MODEL_CARD.md").read_text("utf-8")
    for heading in ("Recipe", "Data", "Results", "Limits", "Not for"):
        assert f"## {heading}" in text
    assert f"scripts/ship {task}" in text


def test_it_lies_in_the_repository_and_the_package(task: str) -> None:
    assert runs.shipped(task).resolve() == ROOT / "saved_models" / task


def test_it_answers_at_once_without_data(task: str, tmp_path: Path) -> None:
    alone = {k: v for k, v in os.environ.items() if k not in ("NNGUIDE_DATA_DIR", "NNGUIDE_CACHE")}
    words = [sys.executable, "-m", "nnguide", "predict", task, INPUTS[task]]
    alone["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(words, cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\t")[0] == ANSWERS[task]


def test_both_engines_answer_alike(task: str) -> None:

    run = runs.Run.open(runs.shipped(task))
    given = [Path(INPUTS[task])] if task == "digits" else [INPUTS[task], "See you at six", ""]
    checked = run.check(given)
    assert abs(run.outputs(checked, "light") - run.outputs(checked, "keras")).max() <= 1e-4


def test_a_changed_byte_is_noticed(task: str, tmp_path: Path) -> None:
    folder = tmp_path / task
    shutil.copytree(runs.shipped(task), folder)
    whole = (folder / "light.tflite").read_bytes()
    (folder / "light.tflite").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(RunError, match="does not match its manifest"):
        runs.Run.open(folder)


@pytest.mark.data
@pytest.mark.skipif("NNGUIDE_DATA_DIR" not in os.environ, reason="needs NNGUIDE_DATA_DIR")
def test_it_is_as_good_as_its_card_says(task: str) -> None:
    run = runs.Run.open(runs.shipped(task))
    card = json.loads((run.folder / "card.json").read_text("utf-8"))
    for dataset, figures in card.items():
        data.find(task, dataset)  # named here, or the error says how to get it
        found = evaluate(run, dataset, split="test")
        for name, value in figures.items():
            assert found[name] == pytest.approx(value, abs=1e-3), (dataset, name)
