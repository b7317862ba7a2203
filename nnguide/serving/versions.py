"""The served models and their versions on the disk.

They are loaded, and replaced while requests run.

A version that cannot be loaded is shown with its error and tried again when its files change;
the previous version continues to serve.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from nnguide.errors import ConfigError, NnguideError, RunError
from nnguide.serving import trial
from nnguide.serving.batching import Batcher
from nnguide.serving.servable import RunServable, Servable
from nnguide.serving.signatures import Signature, metadata

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SHOWN = 16  # versions that a model's status shows, at most
Stamp = tuple[Any, ...]  # of a version's files; another one when they change
log = logging.getLogger(__name__)


class Source(Protocol):
    """Where a model's versions come from."""

    def scan(self) -> dict[int, Stamp]:
        """Return the available versions, each with its stamp.

        A stamp changes when the version's files do.
        """

    def load(self, version: int) -> Servable:
        """Load one of the versions.

        Raises:
            RunError: it is damaged.
        """


class RunFolder:
    """A run as the source of versions 1, 2, 3, ….

    There is one more each time the folder is replaced.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0
        self._stamp: Stamp = ()

    def scan(self) -> dict[int, Stamp]:
        """Return the version on the disk.

        There is none in the moment in which the folder is replaced.
        """
        try:
            there = (self.folder / "manifest.json").stat()
        except OSError:
            return {}
        stamp = (there.st_ino, there.st_size, there.st_mtime_ns)
        if stamp != self._stamp:
            self._number, self._stamp = self._number + 1, stamp
        return {self._number: stamp}

    def load(self, version: int) -> Servable:
        manifest = self.folder / "manifest.json"
        before = manifest.read_bytes()
        trial.verify("run", self.folder)
        servable = RunServable(self.folder)
        if manifest.read_bytes() != before:
            raise RunError(f"{self.folder} was replaced while it was tried")
        return servable


class SavedModels:
    """A folder of SavedModels in numbered folders, or one SavedModel."""

    def __init__(self, folder: Path, version: int | None = None, *, trust: bool = False) -> None:
        """Use all versions in `folder`, or `folder` as one version.

        With `version`, that folder alone is used and has this number.

        Args:
            trust: whether they may hold code.
        """
        self.folder = folder
        self._trust = trust
        self._only = version

    def scan(self) -> dict[int, Stamp]:
        """Return every version on the disk."""
        if self._only is not None:
            folders = {self._only: self.folder}
        else:
            folders = {int(path.name): path for path in numbered(self.folder)}
        return {version: stamp for version, path in folders.items() if (stamp := _stamp(path))}

    def load(self, version: int) -> Servable:
        from nnguide.serving.saved_model import SavedModelServable

        folder = self.folder if self._only is not None else self.folder / str(version)
        before = _stamp(folder)
        trial.verify("saved_model", folder, self._trust)
        servable = SavedModelServable(folder, self._trust)
        if _stamp(folder) != before:
            raise RunError(f"{folder} was changed while it was tried")
        return servable


def numbered(folder: Path) -> Iterator[Path]:
    """Yield the folders that TensorFlow Serving takes for versions."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.isdecimal() and path.name.isascii() and str(int(path.name)) == path.name:
            yield path


def _stamp(folder: Path) -> Stamp:
    """Return inode, size and time of every file of a SavedModel.

    () if the folder is not one.
    """
    try:
        if not (folder / "saved_model.pb").is_file():
            return ()
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        stats = [path.stat() for path in files]
    except OSError:  # it is being removed
        return ()
    return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in stats)


@dataclass(frozen=True, eq=False)
class Version:
    """A loaded version and its queue."""

    number: int
    stamp: Stamp
    servable: Servable
    batcher: Batcher


@dataclass
class Model:
    """A model that is served under a name.

    Attributes:
        current: what answers; replaced as a whole.
        broken: versions that could not be loaded: their stamp and what was wrong.
        gone: versions that were replaced.
        loading: the version that is being loaded.
    """

    name: str
    source: Source
    start: Callable[[str, Servable], Batcher]
    current: Version | None = None
    broken: dict[int, tuple[Stamp, str]] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    loading: int | None = None

    def refresh(self) -> bool:
        """Load the newest version if it is not the current one.

        Returns:
            Whether what answers was replaced.
        """
        versions = self.source.scan()
        self.broken = {version: why for version, why in self.broken.items() if version in versions}
        for version in sorted(versions, reverse=True):
            stamp = versions[version]
            if self.current and (version, stamp) == (self.current.number, self.current.stamp):
                return False
            if version in self.broken and self.broken[version][0] == stamp:
                continue
            if self._load(version, stamp):
                return True
        return False

    def _load(self, version: int, stamp: Stamp) -> bool:
        self.loading = version
        try:
            servable = self.source.load(version)
        except NnguideError as error:
            self._broken(version, stamp, str(error))
            return False
        except Exception as error:  # of files that another program wrote
            self._broken(version, stamp, f"{type(error).__name__}: {error}")
            return False
        finally:
            self.loading = None
        replaced = self.current
        self.broken.pop(version, None)
        self.current = Version(version, stamp, servable, self.start(self.name, servable))
        self.gone.discard(version)
        if replaced:
            if replaced.number != version:
                self.gone.add(replaced.number)
            replaced.batcher.close()  # once its requests are answered
            log.info("%s: version %d serves (%s)", self.name, version, servable.origin)
        return True

    def _broken(self, version: int, stamp: Stamp, reason: str) -> None:
        self.broken[version] = (stamp, reason)
        if self.current:
            log.warning(
                "%s: version %d cannot be loaded, version %d goes on serving: %s",
                *(self.name, version, self.current.number, reason),
            )

    def status(self) -> dict[int, tuple[str, str]]:
        """Return the state and the error of each version.

        The states are TensorFlow Serving's words; the newest version comes first.
        """
        states = dict.fromkeys(self.gone, ("END", ""))
        states |= {version: ("END", reason) for version, (_, reason) in self.broken.items()}
        if self.current:
            states[self.current.number] = ("AVAILABLE", "")
        if (loading := self.loading) is not None and states.get(loading, ("",))[0] != "AVAILABLE":
            states[loading] = ("LOADING", "")
        return {version: states[version] for version in sorted(states, reverse=True)[:SHOWN]}

    def metadata(self, version: Version) -> dict[str, Any]:
        """Return the answer to GET …/metadata."""
        signatures: dict[str, Signature] = dict(version.servable.signatures)
        return metadata(self.name, version.number, signatures)


def open_model(word: str, start: Callable[[str, Servable], Batcher], trust: bool = False) -> Model:
    """Load the model that `[NAME=]PATH` on the command line means.

    Args:
        trust: whether a SavedModel may hold code.
    Raises:
        ConfigError: a name that no URL can hold.
        RunError: nothing there that can be served, or it is damaged.
    """
    name: str | None
    name, equals, rest = word.partition("=")
    if not equals or Path(word).exists():
        name, rest = None, word
    default, source = _source(rest, trust)
    name = default if name is None else name
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"a model's name is of letters, digits and . _ -; got {name!r}. Write NAME={rest}."
        )
    model = Model(name, source, start)
    if not model.refresh():
        reasons = [why for _, (_, why) in sorted(model.broken.items(), reverse=True)]
        raise RunError(reasons[0] if reasons else f"{rest} holds no model")
    return model


def _source(path: str, trust: bool) -> tuple[str, Source]:
    """Return the default name of a model and its source.

    `path` is a run, a task or a folder of SavedModels.
    """
    folder = Path(path)
    if not folder.is_dir():
        from nnguide import runs

        run = runs.load(path)
        return run.task.name, RunFolder(run.folder)
    folder = folder.absolute()
    if (folder / "saved_model.pb").exists():
        if folder.name.isdecimal():
            return folder.parent.name, SavedModels(folder, int(folder.name), trust=trust)
        return folder.name, SavedModels(folder, 1, trust=trust)
    if any(numbered(folder)):
        return folder.name, SavedModels(folder, trust=trust)
    if (folder / "model.keras").exists():
        from nnguide.runs import Run

        return Run.open(folder).task.name, RunFolder(folder)
    raise RunError(
        f"{path} is neither a run nor an export: it has no model.keras, no saved_model.pb and "
        "no folder named by a version, such as 1"
    )


class Watcher(threading.Thread):
    """A thread that looks for new versions and loads them."""

    def __init__(self, models: dict[str, Model], seconds: float, seen: Callable[[str], None]):
        super().__init__(name="nnguide-watch", daemon=True)
        self._models = models
        self._seconds = seconds
        self._seen = seen
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(self._seconds):
            for model in self._models.values():
                try:
                    if model.refresh():
                        self._seen(model.name)
                except Exception:
                    log.exception("%s: looking for a new version failed", model.name)

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
