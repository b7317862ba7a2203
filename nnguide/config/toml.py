"""Write settings as TOML, which `--config` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nnguide.config import Config
from nnguide.config.values import flat


def lines(tree: Mapping[str, Any], notes: Mapping[str, str] | None = None) -> list[str]:
    """A tree of settings, a table for each group; `notes` say what settings mean, by dotted key."""
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
    """A value as TOML has it: as JSON, but that it knows no pairs of surrogates."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def notes(config: Config) -> dict[str, str]:
    """What each setting means, and what it takes."""
    return {row.name: f"{row.meaning} [{row.takes}]" for row in config.describe()}


def over(config: Config, base: Config) -> dict[str, Any]:
    """The settings that make `base` the configuration, as a tree, with its task."""
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
