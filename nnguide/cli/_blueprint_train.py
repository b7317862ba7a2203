"""nnguide blueprint train"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnguide import cli
from nnguide.blueprints.engines import ENGINES
from nnguide.blueprints.settings import ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES
from nnguide.cli import _options
from nnguide.cli._blueprint_print import FewThreads
from nnguide.errors import ConfigError


@click.command("train", cls=FewThreads)
@click.option("--engine", type=click.Choice(ENGINES), default="numpy", show_default=True)
@click.option(
    "--data",
    default="moons",
    show_default=True,
    help="xor, moons, circles, spirals, line, digits, spam, or the path of a .csv file.",
)
@click.option("--label-column", help="Of a .csv file. [its last column]")
@click.option("--examples", type=click.IntRange(8), default=600, show_default=True, help="Points.")
@click.option("--hidden", help="Units of each hidden layer, such as 16,16; none for no layer.")
@click.option("--activation", type=click.Choice(ACTIVATIONS))
@click.option("--loss", type=click.Choice(LOSSES))
@click.option("--dropout", type=float)
@click.option("--l1", type=float)
@click.option("--l2", type=float)
@click.option("--optimizer", type=click.Choice(OPTIMIZERS))
@click.option("--momentum", type=float)
@click.option("--weight-decay", type=float)
@click.option("--learning-rate", type=float, help="The schedule's highest rate.")
@click.option("--schedule", type=click.Choice(SCHEDULES))
@click.option("--epochs", type=int)
@click.option("--batch-size", help="Examples an update, or full.")
@click.option("--patience", type=int, help="Epochs without lower validation loss; 0: off.")
@click.option("--seed", type=click.IntRange(0), help="Of points, weights and order.")
@click.option("--animate", type=click.Path(path_type=Path), help="A .gif of the boundary forming.")
@click.option("--force", is_flag=True, help="Replace a folder that is not empty.")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder.")
@_options.as_json
def train(
    engine: str,
    data: str,
    label_column: str | None,
    examples: int,
    animate: Path | None,
    force: bool,
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Train the network by hand, or a twin of it, on a small problem or on real data.

    A run holds weights.npz, config.json, the curves and, for two features, the
    decision boundary; `nnguide evaluate` and `nnguide predict` take it.

    \b
    Examples:
      nnguide blueprint train --data moons
      nnguide blueprint train --engine torch --data spirals --animate spirals.gif
      nnguide blueprint train --data digits --epochs 10
      nnguide blueprint train --data table.csv --label-column price --hidden 32
    """
    cli.loud()
    from nnguide.blueprints import training

    metrics = training.train(
        data,
        engine,
        settings=_settings(given),
        examples=examples,
        label_column=label_column,
        out=out,
        force=force,
        animation=animate,
        on_epoch=_say_epoch,
        say=cli.say,
    )
    if as_json:
        _options.print_json("blueprint train", metrics)
        return
    right = metrics["val_accuracy"]
    figure = f"{right:.2%} right" if right is not None else f"loss {metrics['val_loss']:.4g}"
    click.echo(
        f"{metrics['run']}: {figure} on held-out examples after {metrics['epochs']} epochs "
        f"and {metrics['train_seconds']:.1f} s with {engine}"
    )


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, in the types of Settings."""
    found = {name: value for name, value in given.items() if value is not None}
    if "hidden" in found:
        words = [] if found["hidden"] == "none" else found["hidden"].split(",")
        if not all(word.strip().isdigit() for word in words):
            raise ConfigError(
                f"--hidden takes units between commas, such as 16,16, or none; "
                f"got {found['hidden']!r}"
            )
        found["hidden"] = tuple(int(word) for word in words)
    if found.get("batch_size", "full") != "full":
        if not found["batch_size"].isdigit():
            raise ConfigError(f"--batch-size is a number or full; got {found['batch_size']!r}")
        found["batch_size"] = int(found["batch_size"])
    return found


def _say_epoch(record: dict[str, Any]) -> None:
    names = ("loss", "val_loss", "val_accuracy")
    figures = "  ".join(f"{name} {record[name]:.4f}" for name in names if name in record)
    cli.say(f"epoch {record['epoch']}  {figures}")
