"""JSON Schema of each task's configuration.

Editors complete and check configuration files with it.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from nnguide.config import KINDS, Config
from nnguide.config.values import types_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAMES = {int: "integer", float: "number", str: "string", bool: "boolean"}


def schema(tasks: Mapping[str, tuple[Config, tuple[str, ...]]]) -> dict[str, Any]:
    """Return the JSON Schema of a configuration file.

    The file is TOML or JSON, for any of some tasks.

    Args:
        tasks: name -> its defaults, and the kinds of its network.
    """
    return {
        "$schema": DIALECT,
        "title": "nnguide configuration",
        "description": "What --config takes, and a run's config.json holds.",
        "anyOf": [_of_task(defaults, kinds) for defaults, kinds in tasks.values()],
    }


def _of_task(defaults: Config, kinds: tuple[str, ...]) -> dict[str, Any]:
    groups: dict[str, Any] = {"task": {"const": defaults.task}}
    for item in dataclasses.fields(defaults):
        value = getattr(defaults, item.name)
        if item.name == "model":
            shown = [value if value.kind == kind else KINDS[kind]() for kind in kinds]
            groups["model"] = {"anyOf": [_group(model, kind=value.kind) for model in shown]}
        elif dataclasses.is_dataclass(value):
            groups[item.name] = _group(value)
    return {"title": defaults.task, **_object(groups, f"Settings of {defaults.task}.")}


def _group(group: Any, kind: str = "") -> dict[str, Any]:
    """Return the schema of a group of settings.

    A network of another kind than the task's own must name its kind.
    """
    hints = types_of(group)
    settings: dict[str, Any] = {}
    for item in dataclasses.fields(group):
        value = getattr(group, item.name)
        if dataclasses.is_dataclass(value):
            settings[item.name] = _group(value)
            continue
        settings[item.name] = {
            "description": item.metadata["meaning"],
            "default": list(value) if isinstance(value, tuple) else value,
            **_type(hints[item.name], item.metadata["takes"]),
        }
    for old, name in group.renamed.items():
        settings[old] = {**settings[name], "deprecated": True}
    made = _object(settings, (type(group).__doc__ or "").splitlines()[0])
    if kind and group.kind != kind:
        made["required"] = ["kind"]
    return made


def _object(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
    }


def _type(wanted: Any, takes: Any) -> dict[str, Any]:
    """Return the type of a setting, with the range of numbers."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type(choice, takes) for choice in arguments]}
    if origin is tuple:
        item = _type(arguments[0], takes)
        return {"anyOf": [{"type": "array", "items": item}, item]}
    if takes is None or wanted in (str, bool):
        return {"type": _NAMES[wanted]}
    return {"type": _NAMES[wanted], **takes.limits}
