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
TOGETHER = 4_000_000  # bytes of the two networks of spam
SPAM_MAIL = "Subject: Free\n\nViagra, cheap software and free money, click here to order now!\n"
INPUTS = {
    "digits": str(ROOT / "docs" / "digit.png"),
    "spam": "WIN a free prize, call now",
    "mail": "Free\nViagra, cheap software and free money, click here to order now!",
}
ANSWERS = {"digits": "7", "spam": "spam", "mail": "spam"}


@pytest.fixture(params=["digits", "spam", "mail"])
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def folder_of(model: str) -> Path:
    return runs.shipped("spam", ["mail"]) if model == "mail" else runs.shipped(model)


def size(run: runs.Run) -> int:
    return sum((run.folder / name).stat().st_size for name in ("model.keras", *light.FILES))


def test_it_is_whole_and_small(model: str) -> None:
    run = runs.Run.open(folder_of(model))
    names = ("model.keras", *light.FILES)
    assert set(names) <= run.manifest["files"].keys()
    assert size(run) <= MOST
    assert not run.manifest["dataset_is_fallback"]
    text = (run.folder / "MODEL_CARD.md").read_text("utf-8")
    for heading in ("Recipe", "Data", "Results", "Limits", "Not for"):
        assert f"## {heading}" in text
    assert f"scripts/ship {model}" in text


def test_it_lies_in_the_repository_and_the_package(model: str) -> None:
    assert folder_of(model).resolve() == ROOT / "saved_models" / model


def test_it_answers_at_once_without_data(model: str, tmp_path: Path) -> None:
    alone = {k: v for k, v in os.environ.items() if k not in ("NNGUIDE_DATA_DIR", "NNGUIDE_CACHE")}
    words = [sys.executable, "-m", "nnguide", "predict"]
    if model == "mail":
        (tmp_path / "a.eml").write_text(SPAM_MAIL)
        words += ["spam", "--mail", "a.eml"]
    else:
        words += [model, INPUTS[model]]
    alone["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(words, cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\t")[0] == ANSWERS[model]


def test_mails_and_messages_go_to_the_network_that_learned_from_them() -> None:
    messages, mail = (runs.Run.open(folder_of(name)) for name in ("spam", "mail"))
    assert (messages.learned_from, mail.learned_from) == (("messages",), ("mail",))
    assert runs.load("spam", ["mail"]).folder == mail.folder
    assert runs.load("spam", ["messages"]).folder == messages.folder
    assert size(messages) + size(mail) <= TOGETHER


def test_both_engines_answer_alike(model: str) -> None:
    run = runs.Run.open(folder_of(model))
    given = [Path(INPUTS[model])] if model == "digits" else [INPUTS[model], "See you at six", ""]
    checked = run.check(given)
    assert abs(run.outputs(checked, "light") - run.outputs(checked, "keras")).max() <= 1e-4


def test_a_changed_byte_is_noticed(model: str, tmp_path: Path) -> None:
    folder = tmp_path / model
    shutil.copytree(folder_of(model), folder)
    whole = (folder / "light.tflite").read_bytes()
    (folder / "light.tflite").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(RunError, match="does not match its manifest"):
        runs.Run.open(folder)


@pytest.mark.data
@pytest.mark.skipif("NNGUIDE_DATA_DIR" not in os.environ, reason="needs NNGUIDE_DATA_DIR")
@pytest.mark.parametrize("most", [1, pytest.param(9, marks=pytest.mark.slow)])
def test_it_is_as_good_as_its_card_says(model: str, most: int) -> None:
    """On the first data set of the card, and on all of them."""
    run = runs.Run.open(folder_of(model))
    card = json.loads((run.folder / "card.json").read_text("utf-8"))
    for dataset, figures in list(card.items())[:most]:
        data.find(run.task.name, dataset)  # named here, or the error says how to get it
        found = evaluate(run, dataset, split="test")
        for name, value in figures.items():
            assert found[name] == pytest.approx(value, abs=1e-3), (dataset, name)
