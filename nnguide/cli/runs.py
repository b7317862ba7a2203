"""nnguide runs"""

from __future__ import annotations

from typing import Any

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.errors import RunError

FIGURES = (
    "dataset_is_fallback",
    "epochs",
    "best_epoch",
    "train_seconds",
    "val_accuracy",
    "val_loss",
)


@click.group("runs", cls=cli.Group, invoke_without_command=True)
@_options.as_json
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the runs under saved_models/runs, with their data and figures.

    \b
    Examples:
      nnguide runs
      nnguide runs compare saved_models/runs/a saved_models/runs/b
    """
    if ctx.invoked_subcommand:
        return
    cli.loud()
    from nnguide.runs import finished

    rows = []
    for run in finished():
        try:
            rows.append(_row(run))
        except RunError as error:
            cli.say(f"left out: {error}")
    rows.sort(key=lambda row: row["created"])
    if as_json:
        _options.print_json("runs", {"runs": rows})
    elif not rows:
        cli.say("no runs yet. Make one with: nnguide train digits")
    for row in rows if not as_json else ():
        stand_in = " (stand-in)" if row["dataset_is_fallback"] else ""
        right = row["val_accuracy"]
        measured = "no validation part" if right is None else f"{right:.2%} on validation"
        click.echo(
            f"{row['run']}\t{row['task']}\t{row['dataset']}{stand_in}\t"
            f"{measured}\t{row['train_seconds']:.1f} s"
        )


@command.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@_options.as_json
def compare(first: str, second: str, as_json: bool) -> None:
    """Show the settings and figures in which runs A and B differ.

    \b
    Example:
      nnguide runs compare runs/a runs/b
    """
    from nnguide.runs import load

    a, b = load(first), load(second)
    settings = a.config.differences(b.config)
    figures = {
        key: (a.metrics.get(key), b.metrics.get(key))
        for key in ("dataset", *FIGURES)
        if a.metrics.get(key) != b.metrics.get(key)
    }
    if as_json:
        both = {"a": str(a.folder), "b": str(b.folder)}
        _options.print_json("runs compare", {**both, "settings": settings, "figures": figures})
        return
    for title, rows in (("settings", settings), ("figures", figures)):
        click.echo(f"{title}:" if rows else f"{title}: the same")
        for key, (mine, other) in rows.items():
            click.echo(f"  {key}\t{mine}\t{other}")


def _row(run: Any) -> dict[str, Any]:
    figures = run.metrics
    try:
        row = {key: figures[key] for key in ("task", "dataset", *FIGURES)}
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.folder / 'metrics.json'} is damaged: it has no {error}") from error
    return {"run": str(run.folder), **row, "created": str(run.manifest.get("created", ""))}
