"""The documentation's Python runs, and its commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from nnguide.cli import command_line

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.md"))  # run by test_site.py


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_example_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for source in blocks(page, "python"):
        exec(compile(source, page.name, "exec"), names)
    if "val_accuracy" in "".join(blocks(page, "python")):
        assert "my-digits" in capsys.readouterr().out


def commands(page: Path) -> list[str]:
    lines = "\n".join(blocks(page, "(?:sh|console|bash)")).replace("\\\n", " ").splitlines()
    found = []
    for line in lines:
        if match := re.search(r"(?:^|\$ |\| )(nnguide .*)", line):
            found.append(match.group(1).split(" | ")[0].split(" > ")[0])
    return found


def resolve(words: list[str]) -> None:
    """Follow a command line down to its command and parse its options; nothing is run."""
    command: click.Command = command_line
    context = command.make_context("nnguide", list(words), resilient_parsing=True)
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        name, inner, rest = command.resolve_command(context, rest)
        assert inner is not None, f"no command {name}"
        command = inner
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: page.name)
def test_every_command_in_the_documentation_exists(page):
    for line in commands(page):
        words = shlex.split(line, comments=True)[1:]
        try:
            resolve(words)
        except click.exceptions.Exit:
            continue  # --help and --version
        except click.ClickException as error:
            pytest.fail(f"{page.name}: {line}: {error.format_message()}")


def test_the_readme_names_the_two_commands():
    text = (ROOT / "README.md").read_text("utf-8")
    assert "./scripts/quickstart" in text
    assert "./scripts/test" in text
    assert len(commands(ROOT / "README.md")) >= 3
    assert len(commands(ROOT / "docs" / "start.md")) >= 20
