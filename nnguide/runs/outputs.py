"""Places that a command may write to.

A file that belongs to a run is never replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from nnguide.errors import ConfigError

OWN = {  # of a run; what a manifest names is its own too
    *("config.json", "model.keras", "decision.json", "light.tflite", "light.json"),
    *("history.csv", "metrics.json", "curves.png", "thresholds.png", "manifest.json"),
    *("held_out.npz", "checkpoint.npz"),
}


def is_run(folder: Path) -> bool:
    """Return whether `folder` holds a run or an export.

    An unfinished one counts too.
    """
    return any((folder / name).is_file() for name in ("manifest.json", "config.json"))


def check_folder(folder: Path, option: str) -> None:
    """Raise an error for a folder that cannot hold pictures.

    It is a run's own, or is not a folder.

    Raises:
        ConfigError: as said.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{option} takes a folder; {folder} is a file.")
    if is_run(folder):
        raise ConfigError(
            f"{folder} is the folder of a run, whose own pictures would be replaced. "
            f"Choose another folder, as in {option} {folder / 'plots'}"
        )


def check_file(
    path: Path, option: str, suffixes: Sequence[str] = (), inputs: Iterable[Path | str] = ()
) -> None:
    """Raise an error for a file that must not be written.

    Args:
        suffixes: what its name may end in; () for anything.
        inputs: what the command reads, files among them.
    Raises:
        ConfigError: it has another suffix, is a folder or an input, or belongs to a run.
    """
    if path.is_dir():
        raise ConfigError(f"{option} takes a file; {path} is a folder.")
    if path.name in OWN and is_run(path.parent):
        raise ConfigError(f"{path} belongs to the run in its folder. Choose another {option}.")
    if suffixes and path.suffix.lower() not in suffixes:
        raise ConfigError(f"{option} takes a file that ends in {', '.join(suffixes)}; got {path}")
    if path.exists() and any(_is_same(path, source) for source in inputs):
        raise ConfigError(f"{path} is an input, which would be replaced. Choose another {option}.")


def _is_same(path: Path, source: Path | str) -> bool:
    try:
        return path.samefile(source)
    except (OSError, ValueError):  # it is a text, or cannot be looked at
        return False
