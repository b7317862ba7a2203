"""Every exercise: its stub passes nothing, its solution passes, its mistakes are named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from nnguide.learn.exercises import catalogue, folder, process
from nnguide.learn.exercises.exercise import Exercise

GUIDE = (Path(__file__).parents[2] / "docs" / "guide.md").read_text("utf-8")
LIGHT = [exercise for exercise in catalogue.EXERCISES if not exercise.keras]
HEAVY = [exercise for exercise in catalogue.EXERCISES if exercise.keras]


def checked(sources: list[tuple[Exercise, str]], place: Path) -> list[dict]:
    """Check sources, all in as few child processes as they need."""
    questions = []
    for number, (exercise, source) in enumerate(sources):
        path = place / f"{number}.py"
        path.write_text(source, "utf-8")
        questions.append({"exercise": exercise.name, "path": str(path)})
    return list(process.ask(questions, 60))


@pytest.mark.parametrize("exercises", [LIGHT, HEAVY], ids=["numpy", "keras"])
def test_stubs_pass_nothing_and_solutions_pass(exercises, tmp_path):
    sources = [(e, text) for e in exercises for text in (e.stub, e.solution)]
    answers = checked(sources, tmp_path)
    assert {answer["state"] for answer in answers[::2]} == {"not written"}
    assert [(a["state"], a["mistake"]) for a in answers[1::2]] == [("passed", "")] * len(exercises)


@pytest.mark.parametrize("exercises", [LIGHT, HEAVY], ids=["numpy", "keras"])
def test_every_planted_mistake_is_refused_by_its_name(exercises, tmp_path):
    planted = [(exercise, mistake) for exercise in exercises for mistake in exercise.mistakes]
    for exercise, mistake in planted:
        assert mistake.old in exercise.solution, mistake
    answers = checked([(e, e.with_mistake(mistake)) for e, mistake in planted], tmp_path)
    assert {answer["state"] for answer in answers} == {"wrong"}
    names = [(e.name, m.name, a["mistake"]) for (e, m), a in zip(planted, answers, strict=True)]
    assert [row for row in names if row[1] != row[2]] == []


def test_there_are_enough_and_each_is_whole():
    assert len(catalogue.EXERCISES) >= 18
    assert len({exercise.name for exercise in catalogue.EXERCISES}) == len(catalogue.EXERCISES)
    headings = re.findall(r"^## (.+)$", GUIDE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
    for exercise in catalogue.EXERCISES:
        assert exercise.step in anchors, exercise.name
        section = GUIDE.split(f"## {_heading(exercise.step, headings)}\n")[1].split("\n## ")[0]
        assert exercise.line in section, exercise.name
        assert len(set(exercise.hints)) == 3, exercise.name
        assert len(exercise.mistakes) >= 5, exercise.name
        assert f"`{exercise.name}`" in section, f"the guide's step does not link {exercise.name}"


def _heading(step: str, headings: list[str]) -> str:
    return next(h for h in headings if re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") == step)


def test_the_cases_are_the_same_each_time_and_more_than_one_shape():
    for exercise in catalogue.EXERCISES:
        first, second = (list(exercise.cases(np.random.default_rng(7))) for _ in range(2))
        assert len(first) == len(second) >= 3, exercise.name
        assert {case.function for case in first} <= set(exercise.functions)


def test_a_simulated_learner_walks_all(tmp_path):
    """Start, try each exercise wrong, then right, and reach every milestone."""
    place = tmp_path / "mine"
    paths = folder.start(place)
    assert len(paths) == len(catalogue.EXERCISES)
    passed: set[str] = set()
    assert all(row["missing"] for row in folder.reached(place, passed))
    light = [(e, path) for e, path in folder.locate(place, ()) if not e.keras]
    for exercise, path in light:
        path.write_text(exercise.with_mistake(exercise.mistakes[0]), "utf-8")
    wrong = list(folder.check(light))
    assert {row["state"] for row in wrong} == {"wrong"}
    assert all(row["mistake"] and row["line"] in GUIDE for row in wrong)
    for exercise, path in light:
        path.write_text(exercise.solution, "utf-8")
    right = list(folder.check(light))
    assert {row["state"] for row in right} == {"passed"}
    passed = {row["exercise"] for row in right}
    reached = list(folder.reached(place, passed))
    assert [row["reached"] for row in reached] == [True] * 4, reached
    kept = json.loads((place / folder.REACHED).read_text("utf-8"))
    assert len(kept) == 4
    assert list(folder.reached(place, passed)) == reached


@pytest.fixture(autouse=True)
def no_real_data(monkeypatch):
    """The digits of the milestone are those that come with nnguide."""
    from nnguide.learn.exercises import milestones

    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)
    milestones.data.cache_clear()
