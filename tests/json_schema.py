"""The tables of docs/json.md, and whether an answer is as they say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "json.md"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "any": (str, int, float, bool, dict, list),
}


@dataclass(frozen=True)
class Key:
    """One row of a table."""

    path: str
    kind: str
    nullable: bool
    values: str
    when: str

    def check(self, value: Any) -> None:
        """Hold one value to this row."""
        if value is None:
            assert self.nullable, f"{self.path} is null"
            return
        assert isinstance(value, TYPES[self.kind]), f"{self.path} is {value!r}, no {self.kind}"
        boolean = isinstance(value, bool) and self.kind not in ("boolean", "any")
        assert not boolean, f"{self.path} is {value!r}, no {self.kind}"
        if found := re.fullmatch(r"([\[(])(-?\d+), (-?\d+)([\])])", self.values):
            low, high = float(found[2]), float(found[3])
            assert low <= value <= high, f"{self.path} is {value}, not in {self.values}"
            assert found[1] == "[" or value > low, f"{self.path} is {value}, not in {self.values}"
            assert found[4] == "]" or value < high, f"{self.path} is {value}, not in {self.values}"
        elif found := re.fullmatch(r"≥ (\d+)", self.values):
            assert value >= int(found[1]), f"{self.path} is {value}, not {self.values}"
        elif self.values:
            allowed = re.findall(r"`([^`]+)`", self.values)
            assert allowed, f"{self.path}: {self.values!r} is no range and no list of words"
            assert str(value) in allowed, f"{self.path} is {value!r}, not one of {self.values}"


def sections() -> dict[str, str]:
    """Command -> what the page says of it; "" -> what it says of all."""
    first, *others = re.split(r"^## (.+)\n", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return {"": first, **dict(zip(others[::2], others[1::2], strict=True))}


def table(command: str) -> dict[str, Key]:
    """The rows of a command's table, and those of every command, by path."""
    pages = sections()
    rows = {}
    for line in (pages[""] + pages[command]).splitlines():
        if found := re.fullmatch(
            r"\| `([^`]+)` \| (\w+)( or null)? \|([^|]*)\|([^|]*)\|[^|]*\|", line
        ):
            path, kind, null, values, when = found.groups()
            assert kind in TYPES, f"{command}: {path} is of no known type: {kind}"
            assert path not in rows, f"{command}: {path} stands there twice"
            rows[path] = Key(path, kind, bool(null), values.strip(), when.strip())
        else:
            assert not line.startswith("| `"), f"{command}: cannot read {line}"
    return rows


def examples(command: str) -> list[dict[str, Any]]:
    """The example answers on the page."""
    found = re.findall(r"```json\n(.*?)```", sections()[command], re.DOTALL)
    return [json.loads(text) for text in found]


def check(answer: dict[str, Any], *when: str) -> None:
    """Hold an answer to its command's table: no key missing, none too many, each as said.

    Args:
        answer: with `command`.
        when: what holds of it: `digits`, `answered` and the like.
    """
    rows = table(answer["command"])

    def visit(value: Any, path: str) -> None:
        if path:
            assert path in rows, f"{answer['command']}: {path} is not in docs/json.md"
            rows[path].check(value)
        if isinstance(value, dict) and f"{path}.*" in rows:
            for inner in value.values():
                visit(inner, f"{path}.*")
        elif isinstance(value, dict) and (not path or rows[path].kind == "object"):
            children = [row for row in rows.values() if parent(row.path) == path]
            wanted = {row.path for row in children if not row.when or row.when in when}
            for key, inner in value.items():
                visit(inner, f"{path}.{key}" if path else key)
            found = {f"{path}.{key}" if path else key for key in value}
            assert found == wanted, f"{answer['command']}: {sorted(found ^ wanted)}"
        elif isinstance(value, list) and rows[path].kind == "array":
            for inner in value:
                visit(inner, f"{path}[]")

    assert list(answer)[:2] == ["schema", "command"]
    visit(answer, "")


def parent(path: str) -> str:
    """The path of the object that a key is of; "[]" and "*" are no keys."""
    before, _, last = path.rpartition(".")
    return "?" if last.endswith("[]") or last == "*" else before
