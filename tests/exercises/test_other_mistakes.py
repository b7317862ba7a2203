"""Mistakes and right answers that were written without knowledge of the checks, as a learner would.

In the two files beside this one each begins with a line of its exercise and, for a mistake, a
pattern that its right name has.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nnguide.learn.exercises import catalogue, process

HERE = Path(__file__).parent
HEAD = "import math\nimport re\nfrom collections import Counter\n\nimport numpy as np\n\n"


def read(name: str) -> list[tuple[str, str, str]]:
    """Exercise, what its line says, and source."""
    found = []
    for part in (HERE / name).read_text("utf-8").split("=== ")[1:]:
        line, _, source = part.partition("\n")
        exercise, _, says = line.partition(" | ")
        found.append((exercise, says, source))
    return found


MISTAKES, VARIANTS = read("mistakes_of_others.txt"), read("answers_of_others.txt")
UNNAMED = "the numbers are wrong"  # what is said of a mistake that has no name


def checked(rows: list[tuple[str, str, str]], place: Path) -> list[dict]:
    """Check files, all in one child process."""
    asked = []
    for number, row in enumerate(rows):
        exercise, _, source = row
        path = place / f"{number}.py"
        path.write_text(HEAD + "import keras\n" * is_keras(row) + source, "utf-8")
        asked.append({"exercise": exercise, "path": str(path)})
    return list(process.ask(asked, 60))


def is_keras(row: tuple[str, ...]) -> bool:
    return catalogue.BY_NAME[row[0]].keras


def look(mistakes: list[tuple[str, str, str]], place: Path) -> None:
    """All are refused, and nine of ten have their right name."""
    answers = checked(mistakes, place)
    rows = [(m[0], m[1], a["state"], a["mistake"]) for m, a in zip(mistakes, answers, strict=True)]
    assert [row for row in rows if row[2] != "wrong"] == []
    unnamed = [row for row in rows if not re.search(row[1], row[3]) or row[3] == UNNAMED]
    assert len(unnamed) <= len(rows) / 10, unnamed


def test_some_of_them_are_refused_and_named(tmp_path):
    look([row for row in MISTAKES if not is_keras(row)][::8], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("keras", [False, True], ids=["numpy", "keras"])
def test_all_of_them_are_refused_and_nine_of_ten_named(keras, tmp_path):
    look([row for row in MISTAKES if is_keras(row) is keras], tmp_path)


def test_right_answers_of_others_pass(tmp_path):
    rows = [row for row in VARIANTS if not is_keras(row)]
    answers = checked(rows, tmp_path)
    assert [(r, a) for r, a in zip(rows, answers, strict=True) if a["state"] != "passed"] == []


@pytest.mark.slow
def test_right_answers_of_others_in_keras_pass(tmp_path):
    rows = [row for row in VARIANTS if is_keras(row)]
    assert [answer["state"] for answer in checked(rows, tmp_path)] == ["passed"] * len(rows)


def test_two_mistakes_at_once_are_both_named(tmp_path):
    source = "def neuron(X, w, b):\n    return np.maximum(X @ w - b, 0)\n"
    (answer,) = checked([("neuron", "", source)], tmp_path)
    assert "subtracted" in answer["mistake"] and "activation" in answer["mistake"]
