"""The command `nnguide pull`."""

from __future__ import annotations

from pathlib import Path

import click

from nnguide.cli import _options


@click.command("pull")
@click.argument("source")
@click.option("--out", type=_options.PATH, required=True, help="The run's folder.")
@click.option("--revision", help="Branch, tag or commit, of hf:OWNER/NAME.")
@_options.force
def command(source: str, out: Path, revision: str | None, force: bool) -> None:
    """Download a run from a Hugging Face repository and verify it.

    It is written into --out.

    SOURCE is a folder or hf:OWNER/NAME. A model of others is data to be checked: only listed
    layers are loaded, and `nnguide doctor RUN` looks at the rest.

    \b
    Examples:
      nnguide pull hf:me/my-spam --out my-spam
      nnguide pull repositories/my-spam --out my-spam --force
    """
    from nnguide.runs.repository import pull

    click.echo(pull(source, out, force, revision).folder)
