"""Registry of runs in every folder, for `nnguide runs`.

A run may be made anywhere (`--out DIR`), and a search of a whole disk would be slow. So each
finished run leaves one small file in the user's data folder: its content is the run's path, its
name a hash of it. Processes at work at the same time never share a file, and a damaged one costs
one entry. What is remembered only fills a list: RUN on the command line is never looked up here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from nnguide.errors import ConfigError
from nnguide.files import expanded, workspace, write_text

VARIABLE = "NNGUIDE_REGISTRY"  # a folder to remember in, instead of the user's data folder
LONGEST = 16_384  # bytes of an entry; a longer one is damaged
DEEPEST = 4  # folders below one that is searched for runs


def folder() -> Path:
    """Return the folder of the entries."""
    if place := os.environ.get(VARIABLE):
        return expanded(place, VARIABLE)
    import platformdirs

    return Path(platformdirs.user_data_path("nnguide")) / "runs"


def remember(run: Path) -> None:
    """Remember the run in the folder `run`.

    If the entry cannot be written, nothing happens.
    """
    with contextlib.suppress(OSError, UnicodeError, RuntimeError, ConfigError):
        write_text(_entry(run), f"{run.absolute()}\n")


def forget(run: Path) -> None:
    """Forget the run in the folder `run`, which will be removed."""
    with contextlib.suppress(OSError, UnicodeError, RuntimeError, ConfigError):
        _entry(run).unlink(missing_ok=True)


def _entry(run: Path) -> Path:
    name = hashlib.sha256(os.fsencode(str(run.absolute()))).hexdigest()[:32]
    return folder() / f"{name}.txt"


def remembered() -> list[Path]:
    """Return the folders of all remembered runs that still exist.

    Entries of others are removed.
    """
    finished = []
    with contextlib.suppress(OSError, RuntimeError, ConfigError):
        for entry in folder().glob("*.txt"):
            with contextlib.suppress(OSError, ValueError):
                run = _read(entry)
                if (run / "manifest.json").is_file():
                    finished.append(run)
                elif not run.exists() and run.parent.is_dir():  # not merely an unmounted disk
                    entry.unlink()
    return sorted(finished)


def _read(entry: Path) -> Path:
    """Return the path in an entry.

    A ValueError is raised where it holds none.
    """
    if not entry.is_file():  # nor a pipe, which would never end
        raise ValueError(f"{entry} is not a file")
    with entry.open("rb") as file:
        content = file.read(LONGEST + 1)
    path = Path(content.decode("utf-8").removesuffix("\n"))
    if len(content) > LONGEST or not path.is_absolute() or "\0" in str(path):
        raise ValueError(f"{entry} holds no path")
    return path


def below(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the folders of runs among `folders` and below them.

    Hidden folders are not entered. One that cannot be read is among them: opening it says why.
    """
    for top in folders:
        yield from _below(top, DEEPEST)


def _below(top: Path, depth: int) -> Iterator[Path]:
    try:
        is_run = os.path.lexists(top / "manifest.json")
        inner = sorted(path for path in top.iterdir() if path.is_dir() or path.is_symlink())
    except OSError:
        yield top
        return
    if is_run:
        yield top
    elif depth:
        for path in inner:
            if not path.name.startswith(".") and path.suffix not in workspace.SUFFIXES:
                yield from _below(path, depth - 1)
