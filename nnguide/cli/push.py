"""The command `nnguide push`."""

from __future__ import annotations

import click


@click.command("push")
@click.argument("run")
@click.argument("target")
def command(run: str, target: str) -> None:
    """Upload RUN and a model card to a Hugging Face repository.

    TARGET is a folder, such as a clone of a repository, or hf:OWNER/NAME on the hub, where a
    repository that is not there yet is made, private. `nnguide pull` brings the run back.

    \b
    Examples:
      nnguide push my-spam repositories/my-spam
      nnguide push my-spam hf:me/my-spam
    """
    from nnguide import runs
    from nnguide.runs.repository import push

    click.echo(push(runs.load(run), target))
