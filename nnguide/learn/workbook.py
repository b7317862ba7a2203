"""A learner's exercises as the pages show them.

They show what is to write, and what passes.

No code of the learner runs here: `nnguide exercise check` records its result next to each file.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nnguide.errors import InputError
from nnguide.learn.exercises import catalogue, progress

SAYS: dict[progress.State, str] = {
    "passed": "passes",
    "wrong": "does not pass yet",
    "not written": "not written yet",
    "changed": "changed since it was checked",
    "not checked": "not checked yet",
}


class Workbook:
    """The exercises, with the states that a learner's folder holds."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use the learner's folder.

        Without one, it is that of the last `nnguide exercise`.

        Raises:
            InputError: the folder holds no exercises.
        """
        if folder is not None and not progress.is_learners(folder):
            raise InputError(
                f"{folder} holds no exercises. Name the folder that `nnguide exercise start` made, "
                "or make one: nnguide exercise start DIR"
            )
        self._folder = folder.absolute() if folder else None

    @property
    def folder(self) -> Path | None:
        return self._folder or progress.remembered()

    def rows(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return what a page shows of some exercises."""
        folder = self.folder
        states = progress.states(folder) if folder else {}
        rows = []
        for name in names:
            exercise = catalogue.BY_NAME[name]
            state = states.get(name, "not checked")
            rows.append(
                {
                    "name": name,
                    "title": exercise.title,
                    "state": state,
                    "passed": state == "passed",
                    "says": SAYS[state] if folder else "",
                    "file": catalogue.file_name(exercise),
                    "stub": exercise.stub,
                    "step": exercise.step,
                }
            )
        return rows

    def all_rows(self) -> list[dict[str, Any]]:
        return self.rows(exercise.name for exercise in catalogue.EXERCISES)

    @property
    def at(self) -> str:
        """The option `--dir FOLDER` for the commands on the pages."""
        return f"--dir {shlex.quote(str(self.folder))}" if self.folder else "--dir my-network"
