"""A new task is one new file: every verb takes it, and no other file is touched.

The task is three topics of short texts, told by ten words each: a softmax over texts, so nothing
may take texts for spam, or several labels for pictures.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from started import Started

import nnguide

TOPICS = '''
"""Topics: a short text in, a probability for each of three topics out."""

from nnguide.config import CalibrationConfig, Config, EmbeddingConfig, TokensConfig, TrainConfig
from nnguide.tasks import Task
from nnguide.tasks.spam import adapt, feed, preprocessor


def head(labels):
    from nnguide.models.heads import Softmax

    return Softmax(labels)


def build(config, layer, labels):
    from nnguide.models import text

    known = layer.tokeniser
    return text.build(
        config.model, ids=known.size, first_gram=known.first_gram, head=head(labels)
    )


def space(hp, base):
    hp.Choice("model.embedding", [4, 8])


TASK = Task(
    name="topics",
    title="what a text is about",
    inputs="texts",
    labels=("garden", "kitchen", "sea"),
    preprocessor=preprocessor,
    feed=feed,
    draw=None,
    augment=None,
    build=build,
    adapt=adapt,
    head=head,
    space=space,
    models={"embedding": {}},
    defaults=Config(
        task="topics",
        model=EmbeddingConfig(embedding=8, hidden=(16,)),
        tokens=TokensConfig(words=100, buckets=0, pairs=0),
        train=TrainConfig(epochs=12, batch_size=16, learning_rate=0.05),
        calibration=CalibrationConfig(on="validation"),
    ),
)
'''
MARKS = '''
"""Marks: a picture in, a probability for each of two marks out."""

from nnguide.config import Config, DenseConfig, TrainConfig
from nnguide.tasks import Task
from nnguide.tasks.digits import build, feed, head, preprocessor


def space(hp, base):
    hp.Choice("model.hidden", ["16", "32"])


TASK = Task(
    name="marks",
    title="which mark a picture shows",
    inputs="pictures",
    labels=(),
    preprocessor=preprocessor,
    feed=feed,
    draw=None,
    augment=None,
    build=build,
    adapt=None,
    head=head,
    space=space,
    models={"dense": {}},
    defaults=Config(
        task="marks",
        model=DenseConfig(hidden=(16,)),
        train=TrainConfig(epochs=8, batch_size=16, learning_rate=0.01),
    ),
)
'''
WORDS = {
    "garden": "rose tulip spade soil hedge lawn seed bloom rake ivy",
    "kitchen": "pan oven salt dough knife soup butter spoon grill pepper",
    "sea": "wave tide anchor sail coral harbour shell gull foam reef",
}
COMMANDS = """
import contextlib, io, json, sys
from nnguide.cli import main
from nnguide.export import verify

verify.CHECKED = 30  # the full count is for users
ended = []
for words in json.load(open(sys.argv[1])):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as end:
            status = end.code or 0
    ended.append([status, out.getvalue(), err.getvalue()])
json.dump(ended, open(sys.argv[2], "w"))
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with nnguide as it is, and two files more among its tasks."""
    original = Path(nnguide.__file__).parent
    copy = tmp_path / "house" / "nnguide"
    (copy / "tasks").mkdir(parents=True)
    for entry in original.iterdir():
        if entry.name not in ("tasks", "__pycache__"):
            (copy / entry.name).symlink_to(entry)
    for entry in (original / "tasks").iterdir():
        if entry.name != "__pycache__":
            (copy / "tasks" / entry.name).symlink_to(entry)
    (copy / "tasks" / "topics.py").write_text(TOPICS, "utf-8")
    (copy / "tasks" / "marks.py").write_text(MARKS, "utf-8")
    return copy.parent


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """300 texts of four words each, of which three are of its topic."""
    draw = random.Random(0)
    path = tmp_path / "topics.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "text"])
        for number in range(300):
            label = list(WORDS)[number % 3]
            said = [*draw.sample(WORDS[label].split(), 3), draw.choice(["here", "there", "now"])]
            draw.shuffle(said)
            writer.writerow([label, " ".join(said)])
    return path


def test_every_verb_takes_it(house: Path, table: Path, tmp_path: Path) -> None:
    run, exports = str(tmp_path / "run"), str(tmp_path / "exports")
    text = "the rose and the hedge"
    ended = commands(
        house,
        ["train", "topics", "--dataset", str(table), "--out", run, "--json"],
        ["evaluate", run, "--json"],
        ["predict", run, text, "salt the soup", "gull over the harbour", "--json"],
        ["predict", run, text, "--engine", "keras", "--json"],
        ["predict", run, text, "--threshold", "0.5"],
        ["explain", run, text, "--method", "integrated", "--json"],
        ["explain", run, text, "--method", "occlusion", "--target", "sea", "--json"],
        ["audit", run, "--out", str(tmp_path / "audit.html")],
        ["export", run, "--format", "saved_model", "--out", exports, "--json"],
    )
    trained, evaluated, three, [keras], refused, [slopes], [hidden], _, saved = ended
    assert trained[0]["val_accuracy"] > 0.9
    assert evaluated[0]["accuracy"] > 0.9
    assert len(evaluated[0]["confusion"]) == 3 and "mcc" not in evaluated[0]
    assert [answer["label"] for answer in three] == list(WORDS)
    assert list(three[0]["probabilities"]) == list(WORDS)
    assert keras["probability"] == pytest.approx(three[0]["probability"], abs=1e-4)
    assert refused == 2
    assert slopes["target"] == "garden" and slopes["checks"]["complete"] is True
    weights = {part["word"]: part["weight"] for part in slopes["words"]}
    assert weights["rose"] > 0 and weights["hedge"] > 0
    assert {part["word"]: part["weight"] for part in hidden["words"]}["rose"] < 0
    page = (tmp_path / "audit.html").read_text("utf-8")
    assert "kitchen" in page and "ham blocked" not in page
    assert set(saved[0]["checked"]) == {"text"}

    for answer in served(house, tmp_path, (run, exports + "/topics"), text):
        assert answer["label"] == "garden"
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)
        assert answer["probability"] == pytest.approx(three[0]["probability"], abs=1e-4)


@pytest.mark.slow
def test_so_it_does_with_pictures(house: Path, tmp_path: Path) -> None:
    """Class folders of two marks; the labels are those of the data."""
    draw = random.Random(0)
    for number in range(80):
        label = ("bar", "cross")[number % 2]
        picture = Image.new("L", (56, 56), 255)
        pen, x, y = ImageDraw.Draw(picture), draw.randint(22, 34), draw.randint(22, 34)
        pen.line([(x, 8), (x, 48)], fill=0, width=5)
        if label == "cross":
            pen.line([(8, y), (48, y)], fill=0, width=5)
        (tmp_path / "marks" / label).mkdir(parents=True, exist_ok=True)
        picture.save(tmp_path / "marks" / label / f"{number}.png")
    run, exports = str(tmp_path / "run"), str(tmp_path / "exports")
    cross = str(tmp_path / "marks" / "cross" / "1.png")
    trained, evaluated, [answer], [why], _, saved = commands(
        house,
        ["train", "marks", "--dataset", str(tmp_path / "marks"), "--out", run, "--json"],
        ["evaluate", run, "--json"],
        ["predict", run, cross, "--json"],
        ["explain", run, cross, "--json"],
        ["audit", run, "--out", str(tmp_path / "audit.html")],
        ["export", run, "--format", "saved_model", "--out", exports, "--json"],
    )
    assert trained[0]["val_accuracy"] > 0.8 and evaluated[0]["accuracy"] > 0.8
    assert answer["label"] == why["label"] == "cross"
    assert set(answer["probabilities"]) == {"bar", "cross"}
    assert why["checks"]["complete"] is True
    assert set(saved[0]["checked"]) == {"image", "image_bytes"}


def environment(house: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(house), "NNGUIDE_OFFLINE": "1"}


def commands(house: Path, *words: list[str]) -> list[Any]:
    """Each command's JSON lines; the status of one that failed; None of one without JSON."""
    asked, answered = house / "asked.json", house / "answered.json"
    asked.write_text(json.dumps(words), "utf-8")
    child = [sys.executable, "-P", "-c", COMMANDS, str(asked), str(answered)]
    ended = subprocess.run(
        child, env=environment(house), cwd=house, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found: list[Any] = []
    for command, (status, out, err) in zip(words, json.loads(answered.read_text()), strict=True):
        assert status == 0 or "--threshold" in command, (command, err)
        lines = [json.loads(line) for line in out.splitlines()] if "--json" in command else None
        found.append(status or lines)
    return found


def served(house: Path, place: Path, paths: tuple[str, ...], text: str) -> list[dict[str, Any]]:
    """The answer of each model that `nnguide serve` has from `paths` to one text."""
    models = [f"topics{number}={path}" for number, path in enumerate(paths)]
    server = Started("serve", *models, "--port", "0", place=place, PYTHONPATH=str(house))
    try:
        server.wait_for("ready at ")
        assert "ready at " in server.text, server.text
        base = server.text.split("ready at ")[1].split()[0]
        found, body = [], json.dumps({"instances": [text]}).encode()
        for number in range(len(paths)):
            asked = urllib.request.Request(f"{base}/v1/models/topics{number}:predict", body)
            with urllib.request.urlopen(asked, timeout=600) as answer:
                found += json.load(answer)["predictions"]
        assert len(found) == len(paths)
        return found
    finally:
        server.process.terminate()
        server.ends()
