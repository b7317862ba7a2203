"""Presets: training recipes as small TOML files, one folder a task.

Each file's `about` states the result and the time in a line, its comment more.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from nnguide.errors import ConfigError


def names(task: str) -> tuple[str, ...]:
    """Return the names of a task's presets.

    A task without files has `default`, its own settings.
    """
    files = (Path(__file__).parent / task).glob("*.toml")
    return tuple(sorted(path.stem for path in files)) or ("default",)


def preset(task: str, name: str) -> dict[str, Any]:
    """Return the settings of a preset as a nested mapping.

    Raises:
        ConfigError: the task has no such preset; those it has are listed.
    """
    if name not in names(task):
        known = names(task)
        import difflib

        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise ConfigError(f"unknown preset {name!r}. {hint}{task} has: {', '.join(known)}.")
    tree = _read(task, name)
    del tree["about"]
    return tree


def about(task: str, name: str) -> str:
    """Return a line about what a preset reaches."""
    return str(_read(task, name)["about"])


def _read(task: str, name: str) -> dict[str, Any]:
    try:
        text = (Path(__file__).parent / task / f"{name}.toml").read_text("utf-8")
    except FileNotFoundError:  # of a task without files
        return {"about": "the settings of the task itself"}
    return tomllib.loads(text)
