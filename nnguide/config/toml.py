"""Writing of settings as TOML, which `--config` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nnguide.config import Config
from nnguide.config.values import flat


def lines(tree: Mapping[str, Any], notes: Mapping[str, str] | None = None) -> list[str]:
    """Return a tree of settings as lines of TOML.

    Each group is a table. `notes` are the meanings of settings, by dotted key.
    """
    groups: dict[str, list[str]] = {"": []}  # what has no group comes first
    for key, value in flat(tree).items():
        group, _, name = key.rpartition(".")
        note = f"  # {notes[key]}" if notes and key in notes else ""
        groups.setdefault(group, []).append(f"{name} = {_value(value)}{note}")
    plain = groups.pop("")
    for group, rows in groups.items():
        plain += ["", f"[{group}]", *rows]
    return plain


def _value(value: Any) -> str:
    """Return a value as TOML writes it.

    That is as JSON, except that TOML has no surrogate pairs.
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def notes(config: Config) -> dict[str, str]:
    """Return what each setting means, and what it takes."""
    return {row.name: f"{row.meaning} [{row.takes}]" for row in config.describe()}


def over(config: Config, base: Config) -> dict[str, Any]:
    """Return the settings in which `config` differs from `base`.

    They are a tree, with the task, that makes `base` the configuration.
    """
    tree: dict[str, Any] = {"task": config.task}
    if config.model.kind != base.model.kind:
        tree["model"] = {"kind": config.model.kind}
        base = base.merge(tree)
    for key, (value, _) in config.differences(base).items():
        if value is None:
            continue
        *groups, name = key.split(".")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
        node[name] = value
    return tree
