"""The command `nnguide blueprint train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnguide import cli
from nnguide.blueprints.backends import BACKENDS
from nnguide.blueprints.settings import ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES
from nnguide.cli import _options
from nnguide.cli._blueprint_print import FewThreads, plot
from nnguide.errors import ConfigError


@click.command("train", cls=FewThreads)
@click.option("--backend", type=click.Choice(BACKENDS), default="numpy", show_default=True)
@click.option("--engine", type=click.Choice(BACKENDS), hidden=True)  # the old name of --backend
@click.option(
    "--data",
    default="moons",
    show_default=True,
    help="xor, moons, circles, spirals, line, digits, spam, or the path of a .csv file.",
)
@click.option("--label-column", help="A .csv file's column of labels. [the last]")
@click.option("--examples", type=click.IntRange(8), default=600, show_default=True, help="Points.")
@click.option("--hidden", help="Units per hidden layer, such as 16,16; or none.")
@click.option("--activation", type=click.Choice(ACTIVATIONS))
@click.option("--loss", type=click.Choice(LOSSES))
@click.option("--dropout", type=float)
@click.option("--l1", type=float)
@click.option("--l2", type=float)
@click.option("--optimizer", type=click.Choice(OPTIMIZERS))
@click.option("--momentum", type=float)
@click.option("--weight-decay", type=float)
@click.option("--learning-rate", type=float, help="The schedule's highest learning rate.")
@click.option("--schedule", type=click.Choice(SCHEDULES))
@click.option("--epochs", type=int)
@click.option("--batch-size", help="Examples per update, or full.")
@click.option("--patience", type=int, help="Epochs without lower validation loss; 0: off.")
@click.option(
    "--seed", type=click.IntRange(0), help="Seed of the points, initial weights and shuffling."
)
@plot
@click.option(
    "--animate",
    type=_options.PATH,
    help="Write a .gif of the decision boundary forming.",
)
@_options.force
@click.option("--out", type=_options.PATH, help="Save a run in this folder.")
@_options.as_json
def train(
    backend: str,
    engine: str | None,
    data: str,
    label_column: str | None,
    examples: int,
    plot: Path | None,
    animate: Path | None,
    force: bool,
    out: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Train the network written by hand, or a twin.

    The twins are in PyTorch and Keras. The data is a toy problem or real data.

    With --out, digits, spam and a table with labels become an ordinary run: every
    command takes it (predict, evaluate, explain, audit, export, serve). Toy problems
    are printed and drawn, and nothing is saved but what --plot and --animate ask for.

    \b
    Examples:
      nnguide blueprint train --data moons --plot moons.png
      nnguide blueprint train --backend torch --data spirals --animate spirals.gif
      nnguide blueprint train --data digits --out by-hand
      nnguide blueprint train --data table.csv --label-column price --hidden 32
    """
    cli.show_log()
    from nnguide.blueprints import train_problem
    from nnguide.training import cluster

    cluster.refuse("nnguide blueprint train", "auto")
    metrics = train_problem.train(
        data,
        engine or backend,
        settings=_settings(settings),
        examples=examples,
        label_column=label_column,
        out=out,
        force=force,
        plot=plot,
        animation=animate,
        on_epoch=_say_epoch,
    )
    for target in filter(None, (plot, animate)):
        cli.say(f"plot: {target}")
    if as_json:
        _options.print_json("blueprint train", metrics)
        return
    accuracy, epochs = metrics["val_accuracy"], metrics["epochs"]
    figure = f"validation loss {metrics['val_loss']:.4g}"
    if accuracy is not None:
        figure = f"validation accuracy {accuracy:.2%}"
    click.echo(
        f"{metrics['run'] or metrics['dataset']}: {figure} after {epochs} "
        f"epoch{'s' * (epochs != 1)} and {metrics['train_seconds']:.1f} s with {metrics['backend']}"
    )


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were set, in the types of Settings."""
    chosen = {name: value for name, value in options.items() if value is not None}
    if "hidden" in chosen:
        words = [] if chosen["hidden"] == "none" else chosen["hidden"].split(",")
        if not all(word.strip().isdigit() for word in words):
            raise ConfigError(
                f"--hidden takes units between commas, such as 16,16, or none; "
                f"got {chosen['hidden']!r}"
            )
        chosen["hidden"] = tuple(int(word) for word in words)
    if chosen.get("batch_size", "full") != "full":
        if not chosen["batch_size"].isdigit():
            raise ConfigError(f"--batch-size is a number or full; got {chosen['batch_size']!r}")
        chosen["batch_size"] = int(chosen["batch_size"])
    return chosen


def _say_epoch(record: dict[str, Any]) -> None:
    names = ("loss", "val_loss", "val_accuracy")
    figures = "  ".join(f"{name} {record[name]:.4f}" for name in names if name in record)
    cli.say(f"epoch {record['epoch']}  {figures}")
