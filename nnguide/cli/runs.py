"""The command `nnguide runs`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnguide import cli
from nnguide.cli import _options, _terminal
from nnguide.errors import ConfigError, RunError

if TYPE_CHECKING:
    from nnguide.runs import Run

FIGURES = (
    "dataset_is_fallback",
    "epochs",
    "best_epoch",
    "train_seconds",
    "val_accuracy",
    "val_loss",
)
NAMES = {  # of figures whose key says too little
    "val_loss": "val_loss (calibrated network)",
    "history_val_loss": "val_loss (best epoch, as training shows it)",
    "train_seconds": "training time, s",
}


class Runs(cli.Group):
    """A group in which `nnguide runs FOLDER` means `runs list FOLDER`."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in self.commands and Path(args[0]).is_dir():
            args = ["list", *args]
        return super().resolve_command(ctx, args)


@click.group("runs", cls=Runs, invoke_without_command=True)
@_options.as_json
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List runs, with their data and metrics, or compare two.

    Without a FOLDER those under saved_models/runs, and every other run that was made on
    this machine by this user and is still there.

    \b
    Examples:
      nnguide runs
      nnguide runs my-digits experiments/
      nnguide runs compare saved_models/runs/a saved_models/runs/b
    """
    if not ctx.invoked_subcommand:
        _list((), as_json)


@command.command("list")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1, type=_options.PATH)
@_options.as_json
@click.pass_context
def list_(ctx: click.Context, folders: tuple[Path, ...], as_json: bool) -> None:
    """List the runs in and below each FOLDER.

    Without one, it lists all that are remembered.

    \b
    Example:
      nnguide runs list experiments/
    """
    outer = ctx.parent.params.get("as_json") if ctx.parent else False
    _list(folders, as_json or bool(outer))


def _list(folders: tuple[Path, ...], as_json: bool) -> None:
    from nnguide.runs import ROOT, Run, registry

    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"there is no folder {folder}. Give folders that hold runs.")
    places = registry.below(folders or ((ROOT,) if os.path.lexists(ROOT) else ()))
    if not folders:
        places = iter([*places, *registry.remembered()])
    rows, seen = [], set[str]()
    for place in places:
        if (real := os.path.realpath(place)) in seen:  # which no loop of links stops
            continue
        seen.add(real)
        try:
            rows.append(_row(Run.open(place)))
        except RunError as error:
            cli.say(f"left out: {error}")
    rows.sort(key=lambda row: row["created"])
    if as_json:
        _options.print_json("runs", {"runs": rows})
    elif not rows:
        cli.say("no runs yet. Train one: nnguide train digits")
    else:
        cells = [_cells(row) for row in rows]
        head = ("run", "task", "data", "validation accuracy", "time")
        plain = ("\t".join((*row[:3], _measured(row[3]), row[4])) for row in cells)
        _terminal.table(head, cells, plain, numbers=head[3:])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Return a run as a row of the table."""
    stand_in = " (stand-in)" if row["dataset_is_fallback"] else ""
    accuracy = row["val_accuracy"]
    return (
        row["run"],
        row["task"],
        f"{row['dataset']}{stand_in}",
        "" if accuracy is None else f"{accuracy:.2%}",
        f"{row['train_seconds']:.1f} s",
    )


def _measured(accuracy: str) -> str:
    return f"validation accuracy {accuracy}" if accuracy else "no validation set"


@command.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@_options.as_json
def compare(first: str, second: str, as_json: bool) -> None:
    """Show how the settings, decisions and metrics of two runs differ.

    \b
    Example:
      nnguide runs compare runs/a runs/b
    """
    from nnguide.runs import compare, load

    a, b = load(first), load(second)
    differences = compare.compare(a, b)
    if as_json:
        both = {"a": str(a.folder), "b": str(b.folder)}
        _options.print_json("runs compare", {**both, **differences})
        return
    for title, rows in differences.items():
        click.echo(f"{title}:" if rows else f"{title}: the same")
        cells = [(NAMES.get(key, key), *map(_shown, pair)) for key, pair in rows.items()]
        plain = [f"  {key}\t{mine}\t{other}" for key, mine, other in cells]
        if rows:
            _terminal.table(("", str(a.folder), str(b.folder)), cells, plain)


def _shown(value: Any) -> str:
    """Return a value with its significant digits as text."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return str(value)


def _row(run: Run) -> dict[str, Any]:
    figures = run.metrics
    try:
        row = {key: figures[key] for key in ("task", "dataset", *FIGURES)}
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.folder / 'metrics.json'} is damaged: it has no {error}") from error
    return {"run": str(run.folder), **row, "created": str(run.manifest.get("created", ""))}
