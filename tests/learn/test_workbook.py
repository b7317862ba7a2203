"""The pages show what passes of a learner's exercises, from notes alone: nothing runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nnguide.errors import InputError
from nnguide.learn import app, lessons
from nnguide.learn.exercises import catalogue, folder, process, progress
from nnguide.learn.workbook import Workbook


@pytest.fixture(scope="module")
def checked(tmp_path_factory) -> Path:
    """A learner's folder: `neuron` is right, `sigmoid` is wrong, both checked."""
    place = tmp_path_factory.mktemp("checked") / "mine"
    folder.start(place)
    pairs = folder.locate(place, ["neuron", "sigmoid"])
    (neuron, first), (sigmoid, second) = pairs
    first.write_text(neuron.solution, "utf-8")
    second.write_text(sigmoid.with_mistake(sigmoid.mistakes[0]), "utf-8")
    assert [row["state"] for row in folder.check(pairs)] == ["passed", "wrong"]
    assert progress.remembered() == place
    return place


@pytest.fixture
def mine(checked: Path, tmp_path: Path, monkeypatch) -> Path:
    """The same, to be changed, and remembered in a place of its own."""
    monkeypatch.setenv("NNGUIDE_REGISTRY", str(tmp_path / "registry"))
    place = tmp_path / "mine"
    shutil.copytree(checked, place)
    progress.remember(place)
    return place


def client(place: Path | None = None) -> TestClient:
    return TestClient(app.create(place), base_url="http://localhost")


def said(place: Path | None, lesson: str) -> dict[str, str]:
    answer = client(place).get(f"/exercises/{lesson}").json()
    return {row["name"]: row["says"] for row in answer}


def test_a_lesson_shows_what_the_last_check_found_and_runs_nothing(mine, monkeypatch):
    monkeypatch.setattr(process, "ask", lambda *_: pytest.fail("a file was run"))
    assert said(mine, "neuron") == {"neuron": "passes"}
    assert said(mine, "activations")["sigmoid"] == "does not pass yet"
    assert said(mine, "activations")["softmax"] == "not checked yet"
    page = client(mine).get("/neuron").text
    assert 'href="exercises#neuron"' in page and "passes" in page and str(mine) in page
    assert "<strong>1 of 27</strong>" in client(mine).get("/").text

    path = mine / "01_neuron.py"
    path.write_text(path.read_text("utf-8") + "# one more line\n", "utf-8")
    assert said(mine, "neuron") == {"neuron": "changed since it was checked"}
    path.unlink()
    assert said(mine, "neuron") == {"neuron": "changed since it was checked"}


def test_the_folder_used_last_is_remembered(mine):
    assert said(None, "neuron") == {"neuron": "passes"}
    (mine / "01_neuron.py").rename(mine / "kept.py")
    for path in mine.glob("[0-9]*.py"):
        path.unlink()
    assert progress.remembered() is None
    page = client().get("/neuron").text
    assert "nnguide exercise start my-network" in page
    assert '<span class="state"></span>' in page


@pytest.mark.parametrize(
    "notes", ["", "[]", "{", '{"neuron": 3}', '{"neuron": {"state": "best"}}', "9" * (1 << 21)]
)
def test_damaged_notes_say_nothing(mine, notes):
    (mine / progress.NOTES).write_text(notes, "utf-8")
    assert set(progress.states(mine).values()) == {"not checked"}
    assert client(mine).get("/exercises").status_code == 200


def test_every_exercise_has_its_page_and_its_lesson(mine):
    page = client(mine).get("/exercises").text
    shown = {name for lesson in lessons.every() for name in lesson.exercises}
    assert shown == set(catalogue.BY_NAME)
    for exercise in catalogue.EXERCISES:
        assert f'id="{exercise.name}"' in page
        assert exercise.solution.splitlines()[-1] not in page


def test_a_folder_without_exercises_is_refused(tmp_path):
    with pytest.raises(InputError, match="nnguide exercise start"):
        Workbook(tmp_path)
    command = [sys.executable, "-m", "nnguide", "learn", "--exercises", str(tmp_path)]
    ended = subprocess.run([*command, "--no-browser"], capture_output=True, text=True)
    assert ended.returncode == 4 and "holds no exercises" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_folder_that_cannot_be_written_costs_the_notes_only(mine, monkeypatch, caplog):
    from nnguide import files
    from nnguide.errors import WriteError

    def full(*_):
        raise WriteError("cannot write: the disk is full")

    monkeypatch.setattr(files, "write_text", full)
    (row,) = folder.check(folder.locate(mine, ["neuron"]))
    assert row["state"] == "passed" and "the disk is full" in caplog.text
    assert json.loads((mine / progress.NOTES).read_text("utf-8"))["sigmoid"]["state"] == "wrong"
