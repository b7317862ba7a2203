"""A folder that appears whole: a run grows beside its place and takes its name when complete."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nnguide import __version__
from nnguide.errors import ConfigError
from nnguide.files import sha256, write_json, writing_to
from nnguide.inference import LIGHT_FILES
from nnguide.runs.run import CHECKPOINT, DETERMINES, MANIFEST, ROOT, SCHEMA, Run


def default_folder(task: str, seed: int) -> Path:
    """Where a run goes that was given no folder."""
    return ROOT / f"{task}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{seed}"


@dataclass(frozen=True)
class Workspace:
    """A run that is not finished yet, beside the folder it will become."""

    folder: Path
    force: bool = False

    @property
    def path(self) -> Path:
        """The folder to work in."""
        return self.folder.with_name(self.folder.name + ".unfinished")

    def check(self, resume: bool) -> None:
        """Make sure that the run may be made here.

        Raises:
            ConfigError: the folder is in use, or an interrupted run waits there.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise ConfigError(f"--out takes a folder; {self.folder} is a file.")
        if self.folder.is_dir() and any(self.folder.iterdir()) and not self.force:
            raise ConfigError(
                f"{self.folder} is not empty. Choose another folder, or --force to replace it."
            )
        if self.path.exists() and not resume and not self.force:
            raise ConfigError(
                f"{self.folder} was interrupted before it was finished. "
                "Go on with --resume, or start over with --force."
            )

    def claim(self, resume: bool) -> None:
        """Take the place for this process; leave an existing run untouched.

        Raises:
            ConfigError: as of `check`, or another process is at work here.
            WriteError: the place cannot be written.
        """
        self.check(resume)
        with writing_to(self.folder):
            if self.path.exists():
                _hold(self.path)
                if not resume:
                    shutil.rmtree(self.path)
            self.path.mkdir(parents=True, exist_ok=True)
            _hold(self.path)
            for half_written in self.path.glob(".*"):  # by a process that was killed
                half_written.unlink()

    def finish(self, task: str, **facts: Any) -> Run:
        """Write the manifest, take the final name and return the run."""
        named = [*DETERMINES, *(name for name in LIGHT_FILES if (self.path / name).exists())]
        manifest = {
            "schema": SCHEMA,
            "task": task,
            "nnguide": __version__,
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **facts,
            "files": {name: sha256(self.path / name) for name in named},
        }
        write_json(self.path / MANIFEST, manifest)
        self.publish()
        return Run.open(self.folder)

    def publish(self) -> None:
        """Take the final name; a folder that is replaced goes only now."""
        with writing_to(self.folder):
            (self.path / CHECKPOINT).unlink(missing_ok=True)
            replaced = self.folder.with_name(self.folder.name + ".replaced")
            if self.folder.exists():
                if replaced.exists():
                    shutil.rmtree(replaced)
                self.folder.rename(replaced)
            self.path.rename(self.folder)
            if (descriptor := _held.pop(self.path.absolute(), None)) is not None:
                os.close(descriptor)
            if replaced.exists():
                shutil.rmtree(replaced)

    def discard_if_empty_handed(self) -> None:
        """Leave nothing behind of a training that no epoch of was finished."""
        if not (self.path / CHECKPOINT).exists() and not (self.path / MANIFEST).exists():
            shutil.rmtree(self.path, ignore_errors=True)


_held: dict[Path, int] = {}  # folder that this process works in -> its descriptor


def _hold(folder: Path) -> None:
    """Lock `folder` until this process ends: two would spoil each other's checkpoints.

    A kill leaves no lock behind.

    Raises:
        ConfigError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return
    if (before := _held.pop(folder.absolute(), None)) is not None:
        os.close(before)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigError(
            f"another process is at work in {folder}. Wait for its end, or choose another folder."
        ) from error
    except OSError:  # a network file system without locks
        os.close(descriptor)
        return
    _held[folder.absolute()] = descriptor
