"""Continuation of a training.

It may be a killed one, an interrupted one, or a finished one with more epochs. Ctrl-C leaves a
finished run of the best epoch so far; a kill leaves a workspace. Both keep the checkpoint of the
last whole epoch, so `--resume` ends where the uninterrupted training would have. A finished run
keeps its checkpoint too, and can be given more epochs.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nnguide import runs, tasks
from nnguide.config import Config, Settings
from nnguide.config.presets import preset as load_preset
from nnguide.errors import ConfigError, RunError
from nnguide.files import workspace, writing_to
from nnguide.files.workspace import Workspace
from nnguide.runs import CHECKPOINT, Run, manifest, schema
from nnguide.training import starting, updates

log = logging.getLogger(__name__)


def place(folder: Path, force: bool) -> Workspace:
    """Return the workspace of a training."""
    return Workspace(folder, "train", Run.open, force, _has_checkpoint)


def _has_checkpoint(folder: Path) -> bool:
    return (folder / CHECKPOINT).exists()


def newest(task: str) -> Path | None:
    """Return the folder of the last interrupted training.

    Only trainings of the task without a folder of the user's count.
    """
    if left := workspace.waiting(runs.ROOT, f"{task}-", "train"):
        return left
    mine = [run for run in runs.finished() if run.task.name == task]
    return mine[-1].folder if mine and mine[-1].metrics.get("interrupted") else None


def check(space: Workspace, resume: bool) -> None:
    """Check that a training may be made at `space`.

    Raises:
        ConfigError: the folder is in use, or an interrupted training waits there.
    """
    run = None if resume or space.force else _run(space.folder)
    if run is not None and run.metrics.get("interrupted"):
        raise ConfigError(
            f"{space.folder} is a training that was interrupted after {run.metrics['epochs']} of "
            f"{run.config.train.epochs} epochs. Continue with --resume, or start over with --force."
        )
    space.check(resume)


@dataclass(frozen=True)
class Begun:
    """A training to continue.

    Attributes:
        space: where it goes on; it may replace `run`.
        config: the settings that it was begun with.
        run: the run that it has become so far; None where it never was whole.
        waits: whether its checkpoint lies in the workspace already.
    """

    space: Workspace
    config: Config
    run: Run | None
    waits: bool

    def settle(
        self,
        preset: str,
        config: Mapping[str, Any],
        settings: Settings,
    ) -> Config:
        """Return the settings to continue with.

        They are those that it was begun with, and more epochs if asked for.

        Raises:
            ConfigError: other settings were given.
        """
        wanted = self.config
        if preset != "default":
            wanted = wanted.merge(self._of_preset(preset))
        wanted = wanted.merge(config).override(settings)
        start_from = self.config.train.start_from
        if starting.same_start(start_from, wanted.train.start_from):
            wanted = wanted.merge({"train": {"start_from": start_from}})
        changed = self.config.differences(wanted)
        if wanted.train.epochs > self.config.train.epochs:
            changed.pop("train.epochs")
        if changed:
            listed = ", ".join(f"{key} {was} -> {now}" for key, (was, now) in changed.items())
            raise ConfigError(
                f"{self.space.folder} was started with other settings ({listed}). Leave these "
                "options out, or start over with --force. Only more --epochs may be given."
            )
        return wanted

    def _of_preset(self, preset: str) -> dict[str, Any]:
        """Return a preset's settings that still hold.

        Those that were replaced for the data or for another run are left out.
        """
        tree = load_preset(self.config.task, preset)
        if self.config.train.start_from:
            tree = {group: tree[group] for group in tree if group not in starting.BUILT}
        train = {k: v for k, v in tree["train"].items() if f"train.{k}" not in updates.CHOSEN}
        return {**tree, "train": train}

    def is_over(self, settled: Config) -> bool:
        """Return whether the run is finished and needs nothing more.

        Raises:
            ConfigError: more epochs would change nothing.
        """
        if self.run is None or self.waits or self.run.metrics.get("interrupted"):
            return False
        if settled.train.epochs <= self.config.train.epochs:
            return True
        done = self.run.metrics["epochs"]
        if done < self.config.train.epochs:
            raise ConfigError(
                f"{self.space.folder} stopped after {done} epochs because "
                f"{self.config.train.monitor} no longer improved (train.patience "
                f"{self.config.train.patience}): more epochs would change nothing. To train it "
                f"again, give another --patience and --force."
            )
        return False

    def bring(self, settled: Config) -> None:
        """Put the checkpoint into the workspace, which is claimed.

        Raises:
            RunError: the run keeps none, or it is damaged.
        """
        more = settled.train.epochs > self.config.train.epochs
        if more and (schedule := settled.train.schedule) != "constant":
            log.info(
                f"train.schedule {schedule} spans {settled.train.epochs} epochs from now on; so "
                f"far it spanned {self.config.train.epochs}"
            )
        if self.waits or self.run is None:
            return
        folder = self.run.folder
        if not _has_checkpoint(folder):
            raise RunError(f"{folder} has no {CHECKPOINT} to resume from. Start over with --force.")
        for name, wanted in self.run.manifest.get("resumes_from", {}).items():
            manifest.check(folder, name, wanted)
        with writing_to(self.space.path):
            shutil.copyfile(folder / CHECKPOINT, self.space.path / f".{CHECKPOINT}")
            (self.space.path / f".{CHECKPOINT}").rename(self.space.path / CHECKPOINT)


def find(space: Workspace, task: str) -> Begun | None:
    """Return the training to continue at `space`, or None.

    Raises:
        ConfigError: the folder holds something else, or a training of another task.
        RunError: what was begun is damaged.
    """
    run = _run(space.folder)
    if space.waits:
        stored = _stored(space.path, task)
        if run is not None and _goes_on(run.config, stored):
            space = replace(space, force=True)  # it will be that very run, or a longer one
        if not _is_whole(space.path):
            return Begun(space, stored, run, waits=True)
        with space.claimed(resume=True):  # it was killed before it took its name
            space.publish()
        run = Run.open(space.folder)
    if run is None:
        return None
    if run.task.name != task:
        raise ConfigError(f"{space.folder} is a run of {run.task.name}, not of {task}")
    return Begun(replace(space, force=True), run.config, run, waits=False)


def _goes_on(config: Config, later: Config) -> bool:
    """Return whether `later` continues a training of `config`.

    It has more epochs or as many.
    """
    changed = later.differences(config).keys()
    return changed <= {"train.epochs"} and later.train.epochs >= config.train.epochs


def _run(folder: Path) -> Run | None:
    try:
        return Run.open(folder)
    except RunError:  # if it holds anything, the workspace refuses it
        return None


def _is_whole(folder: Path) -> bool:
    return (folder / runs.MANIFEST).exists() and _run(folder) is not None


def _stored(folder: Path, task: str) -> Config:
    """Return the settings of an interrupted training."""
    try:
        tree = schema.read(folder / "config.json", {"task": schema.TEXT})
    except RunError as error:
        raise RunError(f"{error}. Start over with --force.") from error
    if tree["task"] != task:
        raise ConfigError(f"{folder} is a training of {tree['task']}, not of {task}")
    try:
        return tasks.get(task).defaults.merge(tree)
    except ConfigError as error:
        text = f"{folder / 'config.json'} is damaged: {error} Start over with --force."
        raise RunError(text) from error
