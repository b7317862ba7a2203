"""What a learner's folder is known to pass, for whoever shows it without running a file.

`check` notes each answer beside the file, with the file's hash: a note holds for as long as the
file stays as it was. The folder that was used last is remembered in the user's data folder, where
the runs are remembered too.
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
    """Note the answer of a check beside the file, if it is the exercise's own."""
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
    """The state of every exercise, as far as the notes in a folder say."""
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
    """The SHA-256 of a learner's file; "" where it cannot be read."""
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
    """Remember the folder that a learner works in; where that cannot be written, do without."""
    with contextlib.suppress(OSError, UnicodeError, RuntimeError, WriteError):
        files.write_text(_place(), f"{folder.absolute()}\n")


def remembered() -> Path | None:
    """The folder that was used last, if it is still there."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        if _place().is_file() and _place().stat().st_size <= LONGEST:
            folder = Path(_place().read_text("utf-8").removesuffix("\n"))
            return folder if folder.is_absolute() and is_learners(folder) else None
    return None


def is_learners(folder: Path) -> bool:
    """Whether a folder holds exercises."""
    with contextlib.suppress(OSError, ValueError):
        return any(
            (folder / catalogue.file_name(exercise)).is_file() for exercise in catalogue.EXERCISES
        )
    return False


def _place() -> Path:
    return registry.folder() / "exercises"
