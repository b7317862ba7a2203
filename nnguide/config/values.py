"""The values of settings: their types and ranges, as typed on the line, and wrong names.

No framework is imported here.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from nnguide.errors import ConfigError

LIMIT = 2**32  # every number of a configuration is below it, and every seed must be


def fraction(name: str, value: float, *, below: float = 1.0) -> None:
    """Refuse a fraction outside [0, below)."""
    if not 0 <= value < below:
        raise ConfigError(
            f"{name} is a fraction in [0, {below:g}); got {value:g}. For 20 % write 0.2."
        )


def at_least(name: str, value: float, least: float) -> None:
    """Refuse a number below `least`, NaN, and one that no run could use."""
    if not value >= least:
        raise ConfigError(f"{name} must be {least:g} or more; got {value:g}.")
    if value >= LIMIT:
        raise ConfigError(f"{name} must be below 2**32; got {value:g}.")


@dataclass(frozen=True)
class Group:
    """A group of settings. Each value is of its field's type, whoever made it."""

    group: ClassVar[str]  # its name in the tree

    def __post_init__(self) -> None:
        wanted = get_type_hints(type(self))
        for item in fields(self):
            value = getattr(self, item.name)
            if not dataclasses.is_dataclass(value):
                value = convert(value, wanted[item.name], f"{self.group}.{item.name}")
                object.__setattr__(self, item.name, value)


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping as one of dotted keys."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            leaves.update(flat(value, f"{prefix}{key}."))
        else:
            leaves[prefix + key] = value
    return leaves


class Typed(str):
    """A value as typed on the line; only the setting it is for says what it means."""

    __slots__ = ()

    def parse(self) -> Any:
        """JSON where it is JSON, else the word itself; 16,32 is a list."""
        try:
            return json.loads(self)
        except (ValueError, RecursionError):  # no JSON, or a number of thousands of digits
            pass
        if "," in self:
            return [Typed(part.strip()).parse() for part in self.split(",") if part.strip()]
        return str(self)


def unknown(given: str, known: list[str], what: str) -> str:
    """The message for a name that is not known, with the nearest one that is."""
    near = difflib.get_close_matches(given, known, 1, 0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return f"unknown {what} {given!r}. {hint}"


def convert(value: Any, wanted: Any, path: str) -> Any:
    """`value` as the field's type, or a ConfigError that says what was expected."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if isinstance(value, Typed) and origin not in (typing.Union, types.UnionType):
        value = str(value) if wanted is str or origin is Literal else value.parse()
    if origin is Literal:
        if value in arguments:
            return value
        raise ConfigError(f"{path} must be one of {', '.join(arguments)}; got {value!r}.")
    if origin in (typing.Union, types.UnionType):
        for choice in arguments:
            try:
                return convert(value, choice, path)
            except ConfigError:
                continue
        expected = " or ".join(
            "/".join(get_args(c)) if get_origin(c) is Literal else _NAMES[c] for c in arguments
        )
        raise ConfigError(f"{path} must be {expected}; got {value!r}.")
    if origin is tuple:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(convert(item, arguments[0], path) for item in items)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    number = number and abs(value) < 1e300  # not NaN nor infinity, and a float can hold it
    if wanted is float and number:
        return float(value)
    if wanted is int and number and float(value).is_integer():
        return int(value)
    if wanted in (str, bool) and isinstance(value, wanted):
        return value
    if wanted is str and number:  # a folder or a column may be called 2024
        return str(value)
    raise ConfigError(f"{path} must be {_NAMES[wanted]}; got {value!r}.")


_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "a word",
    bool: "true or false",
}
