"""README.md and docs/start.md: commands run, outputs are what they print, files exist."""

from __future__ import annotations

import csv
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image

from nnguide import tasks

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
START = (ROOT / "docs" / "start.md").read_text("utf-8")
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "figures"))
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
SHOWN = [block for block in SCRIPT["blocks"](README) if block.output is not None]
COMMANDS = [
    line.partition(" | ")[2] or line
    for source in re.findall(r"```sh\n(.*?)```", START, re.DOTALL)
    for line in source.splitlines()
    if "nnguide " in line
]
# Minutes of work, a server without an end, or what an extra brings: that they exist is tested
# with all commands of the documentation, what they do by tests of their own.
ELSEWHERE = (
    "tune",
    "benchmark",
    "serve",
    "export",
    "--method shap",
    "my-search/best.json",
    "exercise check",
)
# More trainings, of options that tests of `train` are about: with the slow tests.
AGAIN = ("dense", "--out long", "--out mine")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what README's reader has; no data folder, no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NNGUIDE_OFFLINE", "1")
    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "digit.png", tmp_path / "docs")
    digits, messages = tiny.examples("digits", 60), tiny.examples("spam", 60)
    for number, (pixels, label) in enumerate(zip(digits.inputs, digits.labels, strict=True)):
        folder = tmp_path / "my-pictures" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels, np.uint8)).save(folder / f"{number}.png")
    names = tasks.get("spam").labels
    with Path("messages.csv").open("w", newline="") as file:
        rows = ((names[y], x) for x, y in zip(messages.inputs, messages.labels, strict=True))
        csv.writer(file).writerows([("label", "text"), *rows])
    Path("messages.txt").write_text("WIN a free prize\nSee you at six\n")
    Path("inbox").mkdir()
    Path("inbox", "one").write_text("From: a@example.org\nSubject: lunch\n\nSee you at six\n")
    Path("my_model.py").write_text(
        "import keras\n\n\ndef build():\n"
        "    inputs = keras.Input((4,), name='inputs')\n"
        "    outputs = keras.layers.Dense(1, activation='sigmoid')(inputs)\n"
        "    model = keras.Model(inputs, outputs)\n"
        "    model.compile('adam', 'binary_crossentropy')\n"
        "    return model\n"
    )
    return tmp_path


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: " ".join(block.commands[0].split()[1:3]))
def test_the_outputs_are_what_the_commands_print(block, alone):
    printed = SCRIPT["trimmed"](SCRIPT["printed"](block.commands).rstrip(), block.output)

    def parts(text: str) -> tuple[list[str], list[float]]:
        numbers = [float(number.replace(",", "")) for number in NUMBER.findall(text)]
        return NUMBER.sub("0", text).split(), numbers

    words, numbers = parts(printed)
    said, figures = parts(block.output)
    assert words == said
    assert numbers == pytest.approx(figures, abs=0.01)


def test_its_first_screen_has_what_a_visitor_looks_for():
    """A picture, how to install it, three commands with outputs, Python; then where to go on."""
    first, bullets = README.split("\n- ", 1)
    assert len(first.splitlines()) <= 65
    places = [first.index(part) for part in ("strip.png", "pip install", "```text", "```python")]
    assert places == sorted(places)
    assert first.count("```text") == 3 == len(SHOWN)
    points = re.findall(r"^- .*?(?=^- |^$)", f"- {bullets}", re.MULTILINE | re.DOTALL)
    assert len(points) == 8
    assert all("](" in point for point in points)


def test_its_python_prints_what_it_says(alone, capsys):
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(source, "README.md", "exec"), {})
    said = re.findall(r"print\(.*\)  # (.*)", source)
    assert capsys.readouterr().out.splitlines() == said


def shorter(command: str) -> list[str]:
    """The words of a command; a training is tiny, and goes on for one epoch with --resume."""
    words = ["--method=occlusion" if word == "--compare" else word for word in shlex.split(command)]
    words = words[1:]
    if words[0] == "train" and "--config" not in words:
        chosen = {word.partition("=")[0] for word in words} | {"train.epochs"}
        settings = [word for word in tiny.words(words[1]) if word.partition("=")[0] not in chosen]
        if "my-spam" in words:  # its threshold is chosen by what calibration left
            settings.append("calibration.on=validation")
        if "--epochs" in words:
            words[words.index("--epochs") + 1] = "2" if "--resume" in words else "1"
        else:
            settings.append("train.epochs=1")
        words += [part for setting in settings for part in ("--set", setting)]
    return words


@pytest.mark.parametrize("left", [AGAIN, pytest.param((), marks=pytest.mark.slow)])
def test_its_commands_run_one_after_the_other(alone, left):
    """Each in the order of the page, in one process of their own."""
    chosen = [c for c in COMMANDS if not any(word in c for word in (*ELSEWHERE, *left))]
    assert len(chosen) >= 18 - 7 * bool(left)
    code = (
        "import json, sys\n"
        "from nnguide.cli import main\n"
        "for words in json.load(open('commands.json')):\n"
        "    print('$', *words, flush=True)\n"
        "    print('$', *words, file=sys.stderr, flush=True)\n"
        "    if words[-1:] == ['-']:\n"
        "        sys.stdin = open('messages.txt')\n"
        "    try:\n"
        "        main(words)\n"
        "    except SystemExit as ended:\n"
        "        if ended.code:\n"
        "            raise\n"
    )
    Path("commands.json").write_text(json.dumps([shorter(c) for c in chosen]))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    more = () if left else ("dense-1", "long")
    for made in ("my-digits", "my-spam", "pictures", "strict-spam", *more):
        assert any(Path(made).iterdir()), made
    for made in ("seven.html", "spam.html"):
        assert Path(made).stat().st_size > 1000


def test_every_file_that_is_named_exists():
    for text, folder in ((README, ROOT), (START, ROOT / "docs")):
        for link in re.findall(r"\]\(([^)#]+)", text):
            assert link.startswith("http") or (folder / link).exists(), link
    rows = re.findall(r"^\|[^|]+\| (`nnguide/.+) \|$", START, re.MULTILINE)
    assert len(rows) >= 6
    for row in rows:
        first, *rest = re.findall(r"`([\w/.]+)`", row)
        for name in (first, *rest):
            path = name if name.startswith("nnguide/") else Path(first).parent / name
            assert (ROOT / path).exists(), name
