"""`nnguide exercise` as a learner types it."""

from __future__ import annotations

import json
from pathlib import Path

import json_schema
import pytest
from started import Started

from nnguide.learn.exercises import catalogue

NEURON = catalogue.BY_NAME["neuron"]


@pytest.fixture
def place(nnguide, alone: Path) -> Path:
    ended = nnguide("exercise", "start", "mine")
    assert ended.status == 0
    assert "nnguide exercise check 1 --dir mine" in ended.out
    return alone / "mine"


def answer(ended) -> dict:
    found = json.loads(ended.out)
    json_schema.check(found)
    return found


def test_the_list_names_each_file(nnguide):
    rows = answer(nnguide("exercise", "list", "--json"))["exercises"]
    assert [row["exercise"] for row in rows] == [e.name for e in catalogue.EXERCISES]
    assert len(nnguide("exercise", "list").out.splitlines()) == len(rows)


def test_a_stub_a_mistake_and_a_solution(nnguide, place):
    file = place / "01_neuron.py"
    ended = nnguide("exercise", "check", "1", "--dir", place)
    assert ended.status == 7
    assert ended.out.startswith("· neuron: neuron is not written yet")
    file.write_text(NEURON.with_mistake(NEURON.mistakes[0]), "utf-8")
    ended = nnguide("exercise", "check", "neuron", "--dir", place)
    assert ended.status == 7
    assert ended.out.startswith("✗ neuron: the bias b is missing\n")
    assert "nnguide docs guide#1-the-neuron; nnguide exercise hint neuron" in ended.out
    file.write_text(NEURON.solution, "utf-8")
    ended = nnguide("exercise", "check", file, "--json")
    assert ended.status == 0
    assert answer(ended)["passed"] == 1
    ended = nnguide("exercise", "progress", "--dir", place, "--json")
    found = answer(ended)
    assert (ended.status, found["passed"]) == (0, 1)
    assert all(row["missing"] for row in found["milestones"])


def test_hints_say_more_and_more(nnguide):
    said = [nnguide("exercise", "hint", "softmax", "--level", level).out for level in (1, 2, 3)]
    assert len(set(said)) == 3
    assert "def softmax(z):" in nnguide("exercise", "solution", "softmax").out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["check", "sigmoids"], 2, "sigmoid"),
        (["check", "99"], 2, "neuron"),
        (["check", "neuron"], 4, "exercise start"),
        (["check"], 4, "exercise start"),
        (["progress", "--dir", "nowhere"], 4, "exercise start"),
        (["start", "."], 2, "new folder"),
    ],
)
def test_wrong_use_gets_one_line(nnguide, alone, words, status, said):
    (alone / "a.txt").write_text("a")
    ended = nnguide("exercise", *words)
    assert (ended.status, ended.out) == (status, "")
    assert said in ended.err


def test_watch_checks_a_file_when_it_is_saved(nnguide, place):
    watching = Started("exercise", "check", "neuron", "--dir", place, "--watch", place=place.parent)
    try:
        watching.wait_until(lambda: "waiting for a file" in watching.text)
        (place / "01_neuron.py").write_text(NEURON.solution, "utf-8")
        watching.wait_until(lambda: "✓ neuron" in watching.text)
        assert "✓ neuron" in watching.text
    finally:
        watching.process.kill()
        watching.ends()
