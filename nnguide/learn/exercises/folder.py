"""A learner's folder: a file for each exercise, and its results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nnguide import files
from nnguide.errors import ConfigError, InputError
from nnguide.learn.exercises import catalogue, milestones, process, progress
from nnguide.learn.exercises.exercise import Exercise

REACHED = ".milestones.json"
README = """# Exercises

One file for each exercise, in the order of the guide. Read the text at its top, write your lines
where it says `raise NotImplementedError`, and check:

    nnguide exercise check 1            # or its name, or its file
    nnguide exercise check --watch      # again whenever you save
    nnguide exercise hint sigmoid --level 2
    nnguide exercise progress

Leave the arguments of a function as they are, unless the text says otherwise: make new arrays.
"""


def start(folder: Path) -> list[Path]:
    """Write a file for each exercise.

    Raises:
        ConfigError: the folder holds something already; nothing is written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is not empty, and stays as it is. Name a new folder.")
    with files.writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for exercise in catalogue.EXERCISES:
        paths.append(folder / catalogue.file_name(exercise))
        files.write_text(paths[-1], exercise.stub)
    files.write_text(folder / "README.md", README)
    progress.remember(folder)
    return paths


def locate(folder: Path, which: Iterable[str]) -> list[tuple[Exercise, Path]]:
    """Return the files to check.

    They are those of names, numbers or files, or all that the folder has.

    Raises:
        ConfigError: there is no such exercise.
        InputError: its file does not exist.
    """
    asked = list(which)
    if not asked:
        all_files = [(e, folder / catalogue.file_name(e)) for e in catalogue.EXERCISES]
        present = [(exercise, path) for exercise, path in all_files if path.is_file()]
        if not present:
            raise InputError(
                f"{folder} holds no exercises. Name their folder with --dir, "
                "or make one: nnguide exercise start DIR"
            )
        return present
    pairs = []
    for name in asked:
        exercise = catalogue.find(name)
        path = Path(name) if name.endswith(".py") else folder / catalogue.file_name(exercise)
        if not path.is_file():
            raise InputError(
                f"{path} is no file. Name the folder of your exercises with --dir, "
                "or make one: nnguide exercise start DIR"
            )
        pairs.append((exercise, path))
    return pairs


def check(pairs: list[tuple[Exercise, Path]]) -> Iterator[dict[str, Any]]:
    """Check files in child processes.

    Each has one answer, as docs/json.md lists it.
    """
    by_need = sorted(range(len(pairs)), key=lambda i: pairs[i][0].keras)
    groups = [[i for i in by_need if pairs[i][0].keras is keras] for keras in (False, True)]
    for group in groups:
        questions = [
            {"exercise": pairs[i][0].name, "path": str(pairs[i][1].absolute())} for i in group
        ]
        digests = {i: progress.digest(pairs[i][1]) for i in group}  # before they run
        for i, answer in zip(group, process.ask(questions), strict=True):
            exercise, path = pairs[i]
            progress.note(exercise, path, answer["state"], digests[i])
            yield {
                "exercise": exercise.name,
                "file": str(path),
                "state": answer["state"],
                "mistake": answer["mistake"] or None,
                "detail": answer["detail"] or None,
                "line": exercise.line,
                "doc": f"guide#{exercise.step}",
                "printed": answer["printed"],
            }


def reached(folder: Path, passed: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the result of each milestone.

    Those that lack an exercise are not tried.

    A result is kept in the folder for as long as the files that it used are the same.
    """
    notes = _reached(folder)
    for milestone in milestones.MILESTONES:
        row: dict[str, Any] = {
            "milestone": milestone.name,
            "title": milestone.title,
            "bound": milestone.bound,
            "missing": [name for name in milestone.exercises if name not in passed],
            "dataset": None,
            "accuracy": None,
            "reached": False,
            "mistake": None,
        }
        if not row["missing"]:
            row |= _result(folder, milestone, notes)
        yield row


def _reached(folder: Path) -> dict[str, Any]:
    try:
        notes = json.loads((folder / REACHED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _result(folder: Path, milestone: milestones.Milestone, notes: dict[str, Any]) -> dict[str, Any]:
    names = [catalogue.file_name(catalogue.BY_NAME[exercise]) for exercise in milestone.exercises]
    digest = hashlib.sha256(b"\0".join((folder / name).read_bytes() for name in names))
    dataset = milestones.data(milestone.name)[0]
    key = f"{milestone.name} {dataset} {digest.hexdigest()}"
    if not isinstance(notes.get(key), dict):
        asked = [{"milestone": milestone.name, "folder": str(folder.absolute())}]
        (answer,) = process.ask(asked, milestones.SECONDS)
        fields = ("dataset", "accuracy", "bound", "reached")
        result = {name: answer[name] for name in fields if name in answer}
        result["mistake"] = answer["mistake"] or None
        notes[key] = result
        files.write_text(folder / REACHED, json.dumps(notes, indent=1) + "\n")
    return dict(notes[key])
