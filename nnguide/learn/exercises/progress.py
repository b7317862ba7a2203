"""The recorded progress in a learner's folder.

It can be shown without running a file.

`check` records each answer next to the file, with the file's hash: a record is valid as long as the
file is unchanged. The folder that was used last is remembered in the user's data folder, as the
runs are.
"""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path
from typing import Any, Literal

from nnguide import files
from nnguide.errors import WriteError
from nnguide.learn.exercises import catalogue
from nnguide.learn.exercises.exercise import Exercise
from nnguide.runs import registry

NOTES = ".progress.json"  # in the learner's folder: exercise -> its state and its file's SHA-256
LONGEST = 1 << 20  # bytes of a file that is read; a longer one is none of ours

State = Literal["passed", "wrong", "not written", "changed", "not checked"]

log = logging.getLogger(__name__)


def note(exercise: Exercise, path: Path, state: str, sha256: str) -> None:
    """Record the answer of a check beside the file.

    This is done only for a file with the exercise's own name.
    """
    if path.name != catalogue.file_name(exercise):
        return
    folder = path.parent
    try:
        notes = {**_notes(folder), exercise.name: {"state": state, "sha256": sha256}}
        files.write_text(folder / NOTES, json.dumps(notes, indent=1) + "\n")
    except WriteError as error:
        log.warning("the progress is not kept: %s", error)
    remember(folder)


def states(folder: Path) -> dict[str, State]:
    """Return the recorded state of every exercise in a folder."""
    notes = _notes(folder)
    return {
        exercise.name: _state(notes.get(exercise.name), folder / catalogue.file_name(exercise))
        for exercise in catalogue.EXERCISES
    }


def _state(entry: Any, path: Path) -> State:
    if not isinstance(entry, dict) or entry.get("state") not in ("passed", "wrong", "not written"):
        return "not checked"
    return entry["state"] if digest(path) == entry.get("sha256") else "changed"


def digest(path: Path) -> str:
    """Return the SHA-256 of a learner's file.

    "" where it cannot be read.
    """
    try:
        return files.sha256(path) if path.is_file() and path.stat().st_size <= LONGEST else ""
    except OSError:
        return ""


def _notes(folder: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        notes = files.read_json(folder / NOTES, LONGEST)
        return notes if isinstance(notes, dict) else {}
    return {}


def remember(folder: Path) -> None:
    """Remember the folder that a learner works in.

    Where that cannot be written, nothing happens.
    """
    with contextlib.suppress(OSError, UnicodeError, RuntimeError, WriteError):
        files.write_text(_place(), f"{folder.absolute()}\n")


def remembered() -> Path | None:
    """Return the folder that was used last, if it exists."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        if _place().is_file() and _place().stat().st_size <= LONGEST:
            folder = Path(_place().read_text("utf-8").removesuffix("\n"))
            return folder if folder.is_absolute() and is_learners(folder) else None
    return None


def is_learners(folder: Path) -> bool:
    """Return whether a folder holds exercises."""
    with contextlib.suppress(OSError, ValueError):
        return any(
            (folder / catalogue.file_name(exercise)).is_file() for exercise in catalogue.EXERCISES
        )
    return False


def _place() -> Path:
    return registry.folder() / "exercises"
