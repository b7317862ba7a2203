"""What a user reads has the words of CONTRIBUTING.md's glossary, and none that it rules out."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import nnguide
from nnguide.cli import command_line

PACKAGE = Path(nnguide.__file__).parent
ROOT = PACKAGE.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(PACKAGE.rglob("*.md"))]
TEMPLATES = sorted(PACKAGE.rglob("*.html"))
SCRIPTS = sorted(PACKAGE.rglob("*.js"))
SCHEMAS = sorted((ROOT / "docs" / "schemas").glob("*.json"))
PRESETS = sorted(PACKAGE.rglob("*.toml"))
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def glossary() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The phrases of CONTRIBUTING.md that are ruled out, and those that are right all the same."""
    lines = (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()
    start = lines.index("| do not write | write | still right |") + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.split(", ") for cell in line.strip("|").split("|")])

    def phrases(column: int) -> re.Pattern[str]:
        words = sorted({w for row in rows for cell in row[column] if (w := cell.strip())})
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})s?\b", re.IGNORECASE)

    return phrases(0), phrases(2)


RULED_OUT, RIGHT = glossary()


def wrong(text: str) -> list[str]:
    """The phrases in a text that the glossary rules out, each with its surroundings."""
    text = RIGHT.sub("…", " ".join(text.replace("None", "…").split()))
    return [text[max(0, m.start() - 30) : m.end() + 30] for m in RULED_OUT.finditer(text)]


def test_the_glossary_is_read() -> None:
    assert wrong("Check the path for a  slip") == ["Check the path for a slip"]
    assert wrong("It was LEARNT;\nfigures of the\nheld-out part") != []
    assert wrong("Matplotlib figures and the standard deviation") == []
    assert wrong("slippery configuration, a doorway") == []


def contexts(context: click.Context) -> Iterator[click.Context]:
    """The context of a command and of those below it, which inherit the names of --help."""
    yield context
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from contexts(click.Context(inner, info_name=name, parent=context))


def test_the_help_of_every_command_and_option() -> None:
    top = command_line.make_context("nnguide", [], resilient_parsing=True)
    found = {context.command_path: wrong(context.get_help()) for context in contexts(top)}
    assert len(found) > 40
    assert {path: phrases for path, phrases in found.items() if phrases} == {}


def shown(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Strings of several words that are no documentation of the code; an f-string is one."""
    hidden: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            hidden.add(node.body[0].value)  # type: ignore[attr-defined]
        elif isinstance(node, ast.Attribute) and node.attr == "split":
            hidden.add(node.value)  # a list of words for the program
        elif isinstance(node, ast.JoinedStr):
            hidden |= set(node.values)
            text = "".join(v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
            yield node.lineno, text
        elif isinstance(node, ast.Constant) and node not in hidden and isinstance(node.value, str):
            yield node.lineno, node.value


def test_every_message_of_the_package() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {phrase}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in shown(ast.parse(path.read_text("utf-8")))
        if " " in text.strip()
        for phrase in wrong(text)
    ]
    assert found == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_template(path: Path) -> None:
    text = re.sub(r"\{[{%#].*?[%}#]\}|<[^>]*>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    assert wrong(text) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_page(path: Path) -> None:
    """Prose alone: code has names of its own, as a JSON key that must stay."""
    text = re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)", " ", path.read_text("utf-8"), flags=re.DOTALL)
    assert wrong(text) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_message_of_a_page(path: Path) -> None:
    """The strings of several words, without what is computed in them."""
    text = re.sub(r"\$\{[^}]*\}", "…", path.read_text("utf-8"))
    parts = re.findall(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"|`[^`]*`", text, re.DOTALL)
    strings = [part for part in parts if part[0] in '"`' and " " in part]
    assert [phrase for string in strings for phrase in wrong(string)] == []


def descriptions(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("description"), str):
            yield node["description"]
        for value in node.values():
            yield from descriptions(value)
    elif isinstance(node, list):
        for value in node:
            yield from descriptions(value)


def test_what_each_key_of_json_is() -> None:
    found = [
        f"{path.name}: {phrase}"
        for path in SCHEMAS
        for text in descriptions(json.loads(path.read_text("utf-8")))
        for phrase in wrong(re.sub(r"`[^`]*`", "", text))
    ]
    assert len(SCHEMAS) > 20
    assert found == []


def test_the_notes_of_presets() -> None:
    assert {path.name: wrong(path.read_text("utf-8").replace("#", "")) for path in PRESETS} == {
        path.name: [] for path in PRESETS
    }


def documented(node: ast.AST, name: str = "module") -> Iterator[tuple[str, ast.AST, str]]:
    """Name, node and first line of what is public in a module and has a docstring."""
    if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node)):
        yield name, node, text.splitlines()[0]
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, DOCUMENTED) or isinstance(child, ast.Module):
            yield from documented(child, name)
        elif not child.name.startswith("_") or child.name.endswith("__"):
            yield from documented(child, f"{name}.{child.name}")


@functools.cache
def first_lines() -> list[tuple[str, ast.AST, str]]:
    """As `documented`, of every module of the package, with its path."""
    return [
        (f"{path.relative_to(ROOT)}: {name}: {line}", node, line)
        for path in sorted(PACKAGE.rglob("*.py"))
        for name, node, line in documented(ast.parse(path.read_text("utf-8")))
    ]


def test_a_docstring_begins_with_one_plain_sentence() -> None:
    """Of at most twelve words, since many of our readers read English as a second language."""
    long = [
        place
        for place, _, line in first_lines()
        if len(line.split()) > 12 or not line.endswith((".", "?", ":"))
    ]
    assert long == []


DESCRIBE = ("property", "command", "group")  # decorators: what is shown, not what is done
NOT_IMPERATIVE = re.compile(r"(A|All|An|Each|How|It|None|One|The|Those|What|Whether|Which)\b(?!-)")


def test_the_docstring_of_a_function_says_what_to_do() -> None:
    """It begins with a verb, as in `Return the label of each input`."""
    described = [
        place
        for place, node, line in first_lines()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and not any(word in ast.unparse(d) for d in node.decorator_list for word in DESCRIBE)
        and NOT_IMPERATIVE.match(line)
    ]
    assert described == []
