"""A folder that appears whole or not at all.

It grows beside its place and takes that place when it is complete:

    <folder>                        whole, whatever moment a process died
    <folder>.<command>.unfinished   grows; nothing but the command in its name takes it up
    <folder>.replaced               was there before, between the two renames of `publish`
    <folder>.removed                on its way out
    .<folder>.lock                  held by the process at work; a kill frees it

Runs, searches, exports and prepared data are all made here.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nnguide.errors import ConfigError, NnguideError, WriteError
from nnguide.files import folder_made, read_json, writing_to

SUFFIXES = UNFINISHED, REPLACED, REMOVED = ".unfinished", ".replaced", ".removed"
NOT_LOCKABLE = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)  # some network file systems
PATIENCE = 5.0  # seconds that a reader waits for a replacement under way


@dataclass(frozen=True)
class Workspace:
    """A folder in the making.

    Attributes:
        folder: what it becomes.
        command: makes it, as in `nnguide COMMAND`.
        verify: raises an error unless the folder that it is given is whole.
        force: replace a folder that is not empty.
        resumes: whether the unfinished folder that it is given is worth going on from; a
            command without --resume has None.
    """

    folder: Path
    command: str
    verify: Callable[[Path], object]
    force: bool = False
    resumes: Callable[[Path], bool] | None = None

    @property
    def place(self) -> Path:
        """The folder itself, where `folder` is a link to it."""
        return Path(os.path.realpath(self.folder))

    @property
    def path(self) -> Path:
        """The folder to work in."""
        return beside(self.place, f".{self.command}{UNFINISHED}")

    @property
    def waits(self) -> bool:
        """Whether an interrupted command left something to resume.

        Only commands of this kind count.
        """
        return self.resumes is not None and self.path.is_dir() and self.resumes(self.path)

    def check(self, resume: bool = False) -> None:
        """Check that the folder may be made here.

        Raises:
            ConfigError: the folder is in use or inside a finished one, or an interrupted
                command waits there.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise ConfigError(f"--out takes a folder; {self.folder} is a file.")
        if os.path.ismount(self.folder):
            raise ConfigError(f"{self.folder} is a mount point. Choose a folder inside it.")
        if whole := next(filter(_is_whole, self.place.parents), None):
            raise ConfigError(
                f"{self.folder} would be inside {whole}, which is a finished run or export and "
                "stays as it is. Choose a folder beside it."
            )
        if is_used(self.folder) and not self.force:
            advice = "Choose another folder, or --force to replace it."
            if self.waits:
                advice = (
                    f"An interrupted `nnguide {self.command}` is waiting to replace it: continue "
                    f"with --resume --force, or choose another folder."
                )
            raise ConfigError(f"{self.folder} is not empty. {advice}")
        if self.waits and not resume and not self.force:
            raise ConfigError(
                f"{self.folder} was interrupted before it was finished. "
                "Continue with --resume, or start over with --force."
            )

    @contextlib.contextmanager
    def claimed(self, resume: bool = False) -> Iterator[Path]:
        """Take the place for this process and yield the work folder.

        What a killed command of the same name left is removed, unless it is to be resumed.
        After an error nothing stays but what is worth going on from.

        Raises:
            ConfigError: as of `check`, or another process is at work here.
            WriteError: the place cannot be written.
        """
        self.check(resume)
        with contextlib.ExitStack() as held:
            with writing_to(self.folder):
                held.enter_context(folder_made(self.place.parent))
                held.enter_context(locked(self.place))
                recover(self.place)
            self.check(resume)  # another process may have been quicker
            with writing_to(self.folder):
                if not (resume and self.waits):
                    remove(self.path)
                self.path.mkdir(exist_ok=True)
                for half_written in self.path.glob(".*"):  # by a process that was killed
                    remove(half_written)
            try:
                yield self.path
            except BaseException:
                if not self.waits:
                    remove(self.path)
                raise

    def publish(self) -> None:
        """Verify the folder and give it its final name.

        A folder that it replaces is removed only then.
        """
        self.verify(self.path)
        self.check(resume=True)  # somebody may have filled the folder meanwhile
        with writing_to(self.folder):
            try:
                if self.place.exists():
                    self.place.rename(beside(self.place, REPLACED))
                self.path.rename(self.place)
            finally:
                recover(self.place)


def beside(folder: Path, suffix: str) -> Path:
    """Return the path of `folder` with a suffix of this module."""
    return folder.with_name(folder.name + suffix)


def _is_whole(folder: Path) -> bool:
    """Return whether `folder` has a manifest that nnguide wrote."""
    try:
        manifest = read_json(folder / "manifest.json", most=2**20)
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and {"nnguide", "files"} <= manifest.keys()


def is_used(folder: Path) -> bool:
    """Return whether `folder` is a folder that holds something."""
    return folder.is_dir() and any(folder.iterdir())


@contextlib.contextmanager
def locked(folder: Path, wait: float = 0.0) -> Iterator[None]:
    """Keep other processes from making `folder`; its parent exists.

    Args:
        wait: seconds for another process to end; -1: for ever.
    Raises:
        ConfigError: another process is at work there.
        WriteError: no file can be made beside it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder.with_name(f".{folder.name}.lock"), fallback_to_soft=False)
    try:
        lock.acquire(timeout=wait)
    except Timeout as error:
        if not Path(lock.lock_file).exists():  # no file can be made there, as below /proc
            raise WriteError(f"cannot write {folder}. Choose another folder.") from error
        raise ConfigError(
            f"another process is using {folder}. Wait until it ends, or choose another folder."
        ) from error
    except OSError as error:
        if error.errno not in NOT_LOCKABLE:
            raise
    try:
        yield
    finally:
        try:
            if lock.is_locked:  # who waits for it sees that it is gone, and makes it again
                Path(lock.lock_file).unlink(missing_ok=True)
        finally:
            lock.release()


def remove(path: Path) -> None:
    """Remove a folder or file.

    A kill on the way leaves nothing under its name.
    """
    import shutil

    if path.is_file():
        path.unlink()
        return
    removed = path.with_name(path.name.removesuffix(REMOVED) + REMOVED)
    shutil.rmtree(removed, ignore_errors=True)
    if path.exists():
        path.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)


def recover(folder: Path) -> None:
    """Finish or undo a replacement of `folder` that was interrupted.

    Call it while the folder is locked.
    """
    import glob

    replaced = beside(folder, REPLACED)
    if replaced.exists():
        if folder.exists():
            remove(replaced)
        else:
            replaced.rename(folder)
    for suffix in (REPLACED, f".*{UNFINISHED}"):
        for left in folder.parent.glob(glob.escape(folder.name) + suffix + REMOVED):
            remove(left)


def restore(folder: Path) -> None:
    """Put back a folder that a kill left under another name.

    It is for callers that only read the folder. Where that cannot be done it stays missing.
    """
    place = Path(os.path.realpath(folder))
    if not place.exists() and beside(place, REPLACED).exists():
        with contextlib.suppress(NnguideError), writing_to(folder), locked(place, PATIENCE):
            recover(place)


def folders(root: Path) -> list[Path]:
    """Return the complete folders in `root`.

    Folders that nnguide did not make are among them; those in the making are not. One that cannot
    be read is among them too: opening it says why.
    """
    if not root.is_dir():
        return []
    whole = set()
    for path in root.iterdir():
        if path.name.endswith(REPLACED):
            path = path.with_name(path.name.removesuffix(REPLACED))
            restore(path)
        if path.name.endswith((UNFINISHED, REPLACED, REMOVED)) or path.name.startswith("."):
            continue
        if path.is_dir() or path.is_symlink():
            whole.add(path)
    return sorted(whole)


def waiting(root: Path, prefix: str, command: str) -> Path | None:
    """Return the folder of the last interrupted command in `root`.

    Only folders whose name begins with `prefix` count. None where there is none.
    """
    suffix = f".{command}{UNFINISHED}"
    left = root.glob(f"{prefix}*{suffix}")
    newest = max(left, key=lambda path: path.stat().st_mtime, default=None)
    return newest and newest.with_name(newest.name.removesuffix(suffix))


def sweep(root: Path, command: str) -> None:
    """Remove what killed processes of a command left in `root`.

    What another process is making stays.
    """
    suffix = f".{command}{UNFINISHED}"
    for left in root.glob(f"*{suffix}*"):
        place = left.with_name(left.name.partition(suffix)[0])
        with contextlib.suppress(ConfigError), locked(place):
            remove(left)
