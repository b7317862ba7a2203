"""The folder of a search, and the search to continue there.

No framework is imported here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnguide.errors import ConfigError, RunError
from nnguide.files import workspace
from nnguide.files.workspace import Workspace
from nnguide.runs import schema
from nnguide.tuning.settings import FILE, Search

RESULT = "result.json"
RESULT_SCHEMA: schema.Schema = {
    "task": schema.TEXT,
    "dataset": schema.TEXT,
    "dataset_is_fallback": schema.FLAG,
    "tuner": schema.TEXT,
    "objective": schema.TEXT,
    "planned": schema.COUNT,
    "completed": schema.COUNT,
    "failed": schema.COUNT,
    "time_is_up": schema.FLAG,
    "comparison": schema.OBJECT.or_null(),
    "run": schema.TEXT.or_null(),
    "search": schema.TEXT,
    "seconds": schema.AMOUNT,
    "best_trial": schema.TEXT,
    "best_score": schema.NUMBER,
    "best_epoch": schema.COUNT,
    "config": schema.OBJECT,
}


def place(folder: Path, force: bool) -> Workspace:
    """Return the workspace of a search."""
    return Workspace(folder, "tune", result, force, _has_trials)


def _has_trials(folder: Path) -> bool:
    return (folder / "trials.csv").exists()


def result(folder: Path) -> dict[str, Any]:
    """Read the result of a finished search.

    Raises:
        RunError: there is none, or it is damaged.
    """
    try:
        return schema.read(folder / RESULT, RESULT_SCHEMA)
    except RunError as error:
        raise RunError(f"{error}. Start over with --force.") from error


def begun(space: Workspace, task: str) -> Search | None:
    """Return the search to continue, interrupted or finished.

    None where there is none.

    Raises:
        ConfigError: it is of another task.
        RunError: it is damaged.
    """
    workspace.restore(space.folder)
    if space.waits:
        search = Search.open(space.path)
    elif not space.force and (space.folder / FILE).exists():
        search = Search.open(space.folder)
    else:
        return None
    if search.task != task:
        raise ConfigError(f"{space.folder} is a search of {search.task}, not of {task}")
    return search


def before(space: Workspace, search: Search) -> dict[str, Any] | None:
    """Return the result of the finished search to continue.

    None where none is finished.

    Raises:
        ConfigError: what is there was started with other settings.
        RunError: it is damaged.
    """
    was = begun(space, search.task)
    if was is None:
        return None
    if changed := was.differences(search):
        raise ConfigError(
            f"{space.folder} was started with other settings ({', '.join(changed)}). "
            "Leave these options out, or start over with --force. "
            "Only more --trials may be given."
        )
    return None if space.waits else result(space.folder)


def is_continued(space: Workspace, search: Search) -> bool:
    """Return whether the workspace continues the finished search in the folder."""
    try:
        return not Search.open(space.folder).differences(search)
    except RunError:
        return False
