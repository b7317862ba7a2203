"""Names and docstrings of commands, without their imports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

_DOCSTRING = re.compile(r'^def command\(.*?"""(.*?)"""', re.DOTALL | re.MULTILINE)


class Outlined(click.Group):
    """A group that lists its commands from the text of their modules.

    To import thirty for a list of them would take longer than all else.
    """

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.outline(ctx).format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        outline = self.outline(ctx)
        return outline.shell_complete(click.Context(outline), incomplete)

    def outline(self, ctx: click.Context) -> click.Group:
        """Return a group whose commands only have their docstrings."""
        commands = {}
        for name in self.list_commands(ctx):
            text = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
            docstring = _DOCSTRING.search(text)
            assert docstring is not None  # a test sees to it
            commands[name] = click.Command(name, help=docstring[1])
        return click.Group(commands=commands, params=self.params)
