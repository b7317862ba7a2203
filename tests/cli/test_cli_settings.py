"""Presets, settings and documentation can be found from the command line."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import nnguide as package
from nnguide import __version__, tasks
from nnguide.cli import command_line, docs
from nnguide.config import presets
from nnguide.config.values import Group

PACKAGE = Path(package.__file__).parent


@pytest.mark.parametrize("task", tasks.names())
@pytest.mark.parametrize("command", ["train", "tune"])
def test_every_setting_is_shown_with_meaning_and_range(nnguide, task, command):
    ended = nnguide(command, task, "--help-settings")
    assert (ended.status, ended.err) == (0, "")
    settings = tasks.get(task).defaults.describe()
    for row in settings:
        assert re.search(rf"^{re.escape(row.name)} +\S", ended.out, re.MULTILINE), row.name
        assert row.meaning in ended.out


def test_what_is_shown_is_what_the_options_give(nnguide):
    shown = nnguide(
        "train", "digits", "--preset", "fast", "--set", "train.seed=7", "--help-settings"
    )
    assert re.search(r"^train\.epochs +1\n +\w.* \[a whole number, 1 or more\]$", shown.out, re.M)
    assert re.search(r"^train\.seed +7$", shown.out, re.M)
    assert re.search(r"^model\.kind +cnn\n.*\[cnn, dense\]$", shown.out, re.M)
    dense = nnguide("train", "digits", "--model", "dense", "--help-settings").out
    assert "model.filters" not in dense and "model.hidden" in dense


@pytest.mark.parametrize("task", tasks.names())
def test_every_setting_can_be_typed_as_it_is_shown(task):
    defaults = tasks.get(task).defaults
    for row in defaults.describe():
        if row.value:
            assert defaults.override([f"{row.name}={row.value}"]) == defaults, row


def groups(kind: type = Group) -> list[type]:
    return [kind, *(inner for sub in kind.__subclasses__() for inner in groups(sub))]


def test_every_field_has_a_meaning():
    from dataclasses import fields, is_dataclass

    for kind in groups():
        for item in fields(kind):
            is_group = item.default_factory is not None and is_dataclass(item.default_factory)
            assert is_group or item.metadata.get("meaning"), (kind, item.name)


def test_presets_are_in_the_help_with_their_result(nnguide):
    shown = " ".join(nnguide("train", "--help").out.split())
    for task in tasks.names():
        for name in presets.names(task):
            assert f"{task} {name} {presets.about(task, name)}" in shown


def test_help_and_version_are_commands_too(nnguide):
    assert nnguide("version").out == f"nnguide {__version__}\n"
    assert nnguide("help").out == nnguide("--help").out
    assert nnguide("help", "train").out == nnguide("train", "--help").out
    assert nnguide("help", "runs", "compare").out == nnguide("runs", "compare", "--help").out


def test_documentation_comes_along(nnguide):
    names = {line.split()[0] for line in nnguide("docs").out.splitlines()}
    assert {"guide", "json", "api", "doctor", "serving"} <= names
    for name in names:
        assert nnguide("docs", name).out.startswith("# ")
        assert Path(nnguide("docs", name, "--path").out.strip()).is_file()
    section = nnguide("docs", "doctor#dead-relu").out
    assert section.startswith("### dead-relu") and section.count("\n#") == 0


def texts(command: click.Command, name: str = "") -> list[tuple[str, str]]:
    """All that help says, with the command it is of."""
    found = [(name, command.help or "")]
    found += [(name, getattr(parameter, "help", None) or "") for parameter in command.params]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            found += texts(command.get_command(context, inner), f"{name} {inner}")
    return found


def test_what_messages_point_to_is_there():
    """A user of the wheel has no folder docs/, and every page and section that is named exists."""
    files = {file.stem.lower(): file for file in docs.PAGES.glob("*.md")}
    for name, text in texts(command_line):
        assert "docs/" not in text, name
    sources = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py")]
    named = {page for text in sources for page in re.findall(r"`nnguide docs (\w+)", text)}
    assert named and named <= set(files)
