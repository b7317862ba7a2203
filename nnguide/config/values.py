"""Values of settings: types, ranges and conversion from typed text.

Messages for wrong names are here too. No framework is imported here.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from nnguide.errors import ConfigError
from nnguide.files import parse_json

# Settings over a configuration: KEY=VALUE words and nested mappings, in any number.
Settings = Iterable[str | Mapping[str, Any]] | Mapping[str, Any]

LIMIT = 2**32  # every number of a configuration is below it, and every seed must be


def each(settings: Settings) -> list[str | Mapping[str, Any]]:
    """Return settings as a list of words and mappings.

    Raises:
        ConfigError: they are something else.
    """
    if isinstance(settings, Mapping):
        return [settings]
    expected = "expected settings as a list of KEY=VALUE words, or as a nested mapping"
    if isinstance(settings, str | bytes) or not isinstance(settings, Iterable):
        example = f"[{settings!r}]" if isinstance(settings, str) else '["train.epochs=3"]'
        raise ConfigError(f"{expected}; got {settings!r}. Write {example}.")
    items = list(settings)
    for item in items:
        if not isinstance(item, str | Mapping):
            raise ConfigError(f"{expected}; got {item!r} among them.")
    return items


def fraction(name: str, value: float, *, below: float = 1.0) -> None:
    """Raise a ConfigError for a fraction outside [0, below)."""
    if not 0 <= value < below:
        raise ConfigError(
            f"{name} is a fraction in [0, {below:g}); got {value:g}. For 20 % write 0.2."
        )


def at_least(name: str, value: float, least: float) -> None:
    """Raise a ConfigError for a number below `least`.

    NaN and numbers that no run could use are refused too.
    """
    if not value >= least:
        raise ConfigError(f"{name} must be {least:g} or more; got {value:g}.")
    if value >= LIMIT:
        raise ConfigError(f"{name} must be below 2**32; got {value:g}.")


@dataclass(frozen=True)
class Range:
    """Values that a setting takes, beyond its type.

    Attributes:
        text: as help shows it, such as "1 or more".
        check: (name, value) -> None; raises a ConfigError for a value outside the range.
        limits: the same as JSON Schema has it.
    """

    text: str
    check: Callable[[str, Any], None]
    limits: dict[str, Any]


FRACTION = Range("0 to below 1", fraction, {"minimum": 0, "exclusiveMaximum": 1})


def minimum(least: float) -> Range:
    """Return the range of numbers from `least` on."""
    return Range(
        f"{least:g} or more",
        lambda name, value: at_least(name, value, least),
        {"minimum": least, "exclusiveMaximum": LIMIT},
    )


def between(least: int, most: int) -> Range:
    """Return the range of whole numbers from `least` to `most`."""

    def check(name: str, value: Any) -> None:
        if not least <= value <= most:
            raise ConfigError(f"{name} must be from {least} to {most}; got {value}.")

    return Range(f"{least} to {most}", check, {"minimum": least, "maximum": most})


def one_of(*choices: int, note: str = "") -> Range:
    """Return the range of a few numbers.

    `note` ends the error message.
    """
    text = f"{', '.join(map(str, choices[:-1]))} or {choices[-1]}"

    def check(name: str, value: Any) -> None:
        if value not in choices:
            raise ConfigError(f"{name} must be {text}{note}; got {value}.")

    return Range(text, check, {"enum": list(choices)})


def types_of(node: Any) -> dict[str, Any]:
    """Return the type of each field of a dataclass's instance."""
    return _types(node.__class__)


@functools.cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def setting(default: Any, meaning: str, takes: Range | None = None) -> Any:
    """Return a dataclass field for a setting of a Group.

    It has a default, a meaning, and what it takes beyond its type.
    """
    return field(default=default, metadata={"meaning": meaning, "takes": takes})


@dataclass(frozen=True)
class Group:
    """A group of settings.

    Each value is checked against its field's type and range, however the group is made.
    """

    group: ClassVar[str]  # its name in the tree
    renamed: ClassVar[Mapping[str, str]] = {}  # old name of a setting -> the setting

    def __post_init__(self) -> None:
        wanted = types_of(self)
        for item in fields(self):
            value = getattr(self, item.name)
            if dataclasses.is_dataclass(value):
                continue
            name = f"{self.group}.{item.name}"
            value = convert(value, wanted[item.name], name)
            object.__setattr__(self, item.name, value)
            takes = item.metadata.get("takes")
            if takes is None or isinstance(value, str):
                continue
            if isinstance(value, tuple):
                for member in value:
                    takes.check(f"each number in {name}", member)
            else:
                takes.check(name, value)

    @classmethod
    def current_names(cls, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings of this group under their current names."""
        for old in cls.renamed.keys() & tree.keys():
            if (name := cls.renamed[old]) in tree:
                raise ConfigError(
                    f"{cls.group}.{old} is the old name of {cls.group}.{name}. Leave it out."
                )
        return {cls.renamed.get(key, key): value for key, value in tree.items()}


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as one of dotted keys."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            leaves.update(flat(value, f"{prefix}{key}."))
        else:
            leaves[prefix + key] = value
    return leaves


class Typed(str):
    """A value as typed on the command line.

    The type of its setting decides what it means.
    """

    __slots__ = ()

    def parse(self) -> Any:
        """Parse the value as JSON, else as a word.

        16,32 is a list.
        """
        try:
            return parse_json(self)
        except ValueError:  # no JSON, or none that a setting could be
            pass
        if "," in self:
            return [Typed(item.strip()).parse() for item in self.split(",") if item.strip()]
        return str(self)


def unknown(word: str, known: list[str], what: str) -> str:
    """Return the error message for an unknown name.

    It has the nearest known name.
    """
    import difflib

    near = difflib.get_close_matches(word, known, 1, 0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return f"unknown {what} {word!r}. {hint}"


def convert(value: Any, wanted: Any, path: str) -> Any:
    """Convert `value` to the type of its field.

    A ConfigError says what was expected.
    """
    origin, arguments = get_origin(wanted), get_args(wanted)
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays, as searches draw them
        value = value.tolist()
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


def described(wanted: Any, takes: Range | None) -> str:
    """Return what a setting takes, in words, as help shows it."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        return ", ".join(map(str, arguments))
    if origin in (typing.Union, types.UnionType):
        words = [described(choice, None if get_origin(choice) else takes) for choice in arguments]
        return ", or ".join(words)
    if origin is tuple:
        name = {int: "whole numbers", float: "numbers", str: "words"}[arguments[0]]
        return f"a list of {name}" + (f", each {takes.text}" if takes else "")
    return _NAMES[wanted] + (f", {takes.text}" if takes else "")


_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "a word",
    bool: "true or false",
}
