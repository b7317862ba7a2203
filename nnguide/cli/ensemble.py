"""The command `nnguide ensemble`."""

from __future__ import annotations

from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options


@click.command("ensemble")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--out", type=_options.PATH, required=True, help="The folder of the new run.")
@_options.force
@_options.as_json
def command(runs: tuple[str, ...], out: Path, force: bool, as_json: bool) -> None:
    """Average RUNs of one task in an ensemble.

    Their probabilities are averaged.

    The result is an ordinary run: evaluate, predict and export take it.

    \b
    Example:
      nnguide ensemble best-0 best-1 best-2 --out best
    """
    cli.show_log()
    from nnguide.runs import load
    from nnguide.training.ensemble import ensemble

    members = [load(name) for name in runs]
    for member in members:
        cli.say(f"run: {member.folder}")
    run = ensemble(members, out, force=force)
    figures = run.metrics
    if as_json:
        _options.print_json("ensemble", figures)
    else:
        click.echo(f"{run.folder}: validation accuracy {figures['val_accuracy']:.2%}")
