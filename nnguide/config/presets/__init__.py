"""Presets: training recipes as small TOML files, one folder a task.

Each file's comment states the command, the time it takes and the result.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from nnguide.config.values import unknown
from nnguide.errors import ConfigError


def names(task: str) -> tuple[str, ...]:
    """The presets of a task."""
    return tuple(sorted(path.stem for path in (Path(__file__).parent / task).glob("*.toml")))


def preset(task: str, name: str) -> dict[str, Any]:
    """The settings of a preset, as a tree.

    Raises:
        ConfigError: the task has no such preset; those it has are listed.
    """
    if name not in names(task):
        listed = ", ".join(names(task))
        raise ConfigError(f"{unknown(name, list(names(task)), 'preset')} {task} has: {listed}.")
    return tomllib.loads((Path(__file__).parent / task / f"{name}.toml").read_text("utf-8"))
