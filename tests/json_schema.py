"""JSON Schemas, above all those of docs/schemas, and whether a value is as one says."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent.parent / "docs" / "schemas"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
BOUNDS = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
}


@functools.cache
def schemas() -> dict[str, dict[str, Any]]:
    """Command -> the schema of its answers."""
    files = [json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.glob("*.json"))]
    return {schema["title"]: schema for schema in files}


def check(answer: dict[str, Any], *when: str) -> None:
    """Hold an answer to its command's schema: no key missing, none too many, each as said.

    Args:
        answer: with `command`.
        when: what holds of it: `digits`, `answered` and the like.
    """
    assert list(answer)[:2] == ["schema", "command"]
    schema = applied(schemas()[answer["command"]], when)
    assert problems(answer, schema, answer["command"]) == []


def applied(schema: dict[str, Any], when: tuple[str, ...]) -> dict[str, Any]:
    """A schema with the keys that are there under these conditions, and all of them required."""
    made = dict(schema)
    if "properties" in schema:
        made["properties"] = {
            key: applied(inner, when)
            for key, inner in schema["properties"].items()
            if inner.get("x-when") in (None, *when)
        }
        made["required"] = list(made["properties"])
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            made[key] = applied(schema[key], when)
    return made


def problems(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """Where a value does not fit a JSON Schema, of which this knows what ours use."""
    if "anyOf" in schema:
        found = [problems(value, choice, path) for choice in schema["anyOf"]]
        return [] if [] in found else min(found, key=len)
    if "const" in schema or "enum" in schema:
        known = schema.get("enum", [schema.get("const")])
        same = [word for word in known if value == word]
        fits = any(isinstance(value, bool) == isinstance(word, bool) for word in same)
        return [] if fits else [f"{path}: {value!r} is none of {known}"]
    kinds = schema.get("type", list(TYPES))
    if not any(is_kind(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return [f"{path}: {value!r} is no {kinds}"]
    if isinstance(value, dict):
        known, other = schema.get("properties", {}), schema.get("additionalProperties", {})
        found = [[f"{path}: no {key}"] for key in schema.get("required", ()) if key not in value]
        for key, inner in value.items():
            if key not in known and other is False:
                found.append([f"{path}: unknown {key}"])
            else:
                found.append(problems(inner, known.get(key, other), f"{path}.{key}"))
        return [problem for inner in found for problem in inner]
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [problem for item in value for problem in problems(item, inner, f"{path}[]")]
    held = [name for name in BOUNDS if name in schema and value is not None]
    return [
        f"{path}: {value} is beyond {name}"
        for name in held
        if not BOUNDS[name](value, schema[name])
    ]


def is_kind(value: Any, kind: str) -> bool:
    if kind == "integer":
        return is_kind(value, "number") and float(value).is_integer()
    return isinstance(value, TYPES[kind]) and isinstance(value, bool) == (kind == "boolean")
