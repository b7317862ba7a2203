"""Search for runs, by folder or by name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nnguide
from nnguide import tasks
from nnguide.errors import RunError
from nnguide.files import workspace
from nnguide.files.workspace import Workspace
from nnguide.runs import manifest, registry, schema
from nnguide.runs.manifest import MANIFEST
from nnguide.runs.run import Run

ROOT = Path("saved_models/runs")
MAIL = "mail"  # the shipped network of spam that learned from mail, beside the one of messages
log = logging.getLogger(__name__)


def finished(root: Path = ROOT) -> list[Run]:
    """Return all whole runs under `root`, the newest last.

    Damaged ones are named in the log.
    """
    return list(_newest_first(root))[::-1]


def _newest_first(root: Path, task: str | None = None) -> Iterator[Run]:
    """Yield the whole runs under `root`, the newest first.

    They are of one task or of all; each is verified when it is reached.
    """
    dated = []
    try:
        folders = workspace.folders(root)
    except OSError as error:
        log.warning("left out: %s cannot be read: %s", root, error.strerror)
        folders = []
    for folder in folders:
        try:
            if (name := _task(folder)) and task in (None, name[1]):
                dated.append((*name, folder))
        except RunError as error:
            log.warning("left out: %s", error)
    for _, _, folder in sorted(dated, reverse=True):
        try:
            yield Run.open(folder)
        except RunError as error:
            log.warning("left out: %s", error)


def _task(folder: Path) -> tuple[str, str] | None:
    """Return a run's time and its task's name.

    None for a folder that is not a run.
    """
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {error.strerror}") from error
    if not names & {MANIFEST, "model.keras"}:
        return None
    made = schema.read(folder / MANIFEST, {"created": schema.TEXT, "task": schema.TEXT})
    return made["created"], made["task"]


def default_folder(task: str, seed: int) -> Path:
    """Return the folder of a run that was given none."""
    return ROOT / f"{task}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{seed}"


def finish(space: Workspace, task: str, **facts: Any) -> Run:
    """Write the manifest of the run in `space` and publish it.

    The run is opened and returned.
    """
    manifest.write(space.path, task, **facts)
    space.publish()
    registry.remember(space.folder)
    return Run.open(space.folder)


def shipped(task: str, kinds: Sequence[str] = ()) -> Path:
    """Return the folder of a task's trained model in nnguide.

    `kinds` are the kinds of text that it is for.
    """
    name = MAIL if task == "spam" and list(kinds) == ["mail"] else task
    return Path(nnguide.__file__).parent / "shipped" / name


def all_shipped(task: str) -> list[Path]:
    """Return the folders of a task's trained models in nnguide."""
    folders = dict.fromkeys([shipped(task), shipped(task, ["mail"])])
    return [folder for folder in folders if folder.is_dir()]


def load(name: str | Path, kinds: Sequence[str] = ()) -> Run:
    """Return the run that RUN means, everywhere.

    An existing folder; else a task's name: the newest finished run under saved_models/runs that
    learned from real data, else the model that comes with nnguide.

    Args:
        name: RUN.
        kinds: which kinds of text it is to answer, of "messages" and "mail": a task's name means
            a run that learned from all of them. A folder is opened whatever it learned from.

    Raises:
        RunError: there is none, or it is damaged.
    """
    workspace.restore(Path(name))
    if Path(name).is_dir():
        return Run.open(name)
    name = str(name)
    if name not in tasks.names():
        import difflib

        near = difflib.get_close_matches(name, tasks.names(), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise RunError(
            f"there is no run {name!r}. RUN is a run's folder or a task "
            f"({', '.join(tasks.names())}); `nnguide runs` lists the existing runs.{hint}"
        )
    passed_over = None
    for run in _newest_first(ROOT, name):
        if run.learned_from_stand_in:
            passed_over = passed_over or run
        elif all(run.has_learned(kind) for kind in kinds):
            break
        else:
            log.info("%s was not trained on %s, so it is not used", run.folder, " and ".join(kinds))
    else:
        if not shipped(name).is_dir():
            if passed_over is None:
                command = f"nnguide train {name}"
                raise RunError(f"there is no trained {name} model yet. Train one: {command}")
            raise RunError(
                f"there is no {name} model that was trained on real data. To use the one trained "
                f"on built-in examples, give its folder: {passed_over.folder}"
            )
        run = Run.open(shipped(name, kinds))
    if passed_over is not None:
        log.info(
            "%s was trained on built-in examples, so it is not used for %r. To use it, give its "
            "folder.",
            passed_over.folder,
            name,
        )
    return run
