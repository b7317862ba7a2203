"""Space files: what a search may change, and within which bounds.

No framework is imported here.

It is TOML with the names of the settings:

    [model]
    dropout = 0.2                                       # fixed: no longer searched
    filters.values = [[16, 32], [32, 64]]               # one of these

    [train]
    learning_rate = { min = 0.001, max = 0.1, sampling = "log" }
    label_smoothing = { min = 0, max = 0.1, step = 0.05 }   # searched besides
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnguide.config import Config
from nnguide.config.values import flat, unknown
from nnguide.errors import ConfigError
from nnguide.files import parse_toml

NOT_SEARCHED = ("task", "data.", "calibration.", "runtime.", "train.epochs", "train.seed")


def read(path: Path) -> dict[str, Any]:
    """Read a space file as a tree.

    Raises:
        ConfigError: no file, or no TOML.
    """
    try:
        return parse_toml(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"--space: cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"--space: {path} is not valid TOML: {error}") from error


def entries(base: Config, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of each setting in a space file.

    Raises:
        ConfigError: a name that is no setting, or none to search; the nearest is named.
    """
    known = [name for name in flat(base.to_dict()) if not name.startswith(NOT_SEARCHED)]
    changes: dict[str, Any] = {}

    def visit(value: Any, name: str) -> None:
        if name in known:
            changes[name] = value
        elif isinstance(value, Mapping) and any(other.startswith(f"{name}.") for other in known):
            for key, inner in value.items():
                visit(inner, f"{name}.{key}")
        elif name.startswith(NOT_SEARCHED) or f"{name}.".startswith(NOT_SEARCHED):
            raise ConfigError(f"--space: {name} is the same in every trial: it is not searched")
        else:
            raise ConfigError(f"--space: {unknown(name, known, 'setting')}")

    for key, value in tree.items():
        visit(value, key)
    return changes
