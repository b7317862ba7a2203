"""The command `nnguide version`."""

from __future__ import annotations

import click

from nnguide import __version__


@click.command("version")
def command() -> None:
    """Show the version, as --version does.

    Example: nnguide version
    """
    click.echo(f"nnguide {__version__}")
