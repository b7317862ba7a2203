"""nnguide tune"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from nnguide import cli, tasks
from nnguide.cli import _options, _settings_help
from nnguide.errors import ConfigError
from nnguide.tuning.settings import TUNERS

ORACLE = "KERASTUNER_ORACLE_IP"  # is set for a chief and its workers


@click.command("tune")
@click.argument("task", metavar="TASK")
@click.option("--tuner", type=click.Choice(TUNERS), help="How trials are chosen. [random]")
@click.option("--objective", help="The validation metric to optimize. [val_accuracy]")
@click.option(
    "--trials", type=int, help="Number of trials at most; not for hyperband. [10; grid: all]"
)
@click.option("--max-epochs", type=int, help="Epochs per trial. [as suit the data]")
@click.option("--factor", type=int, help="Hyperband: keep the best 1 in FACTOR trials. [3]")
@click.option("--iterations", type=int, help="Hyperband: number of full passes. [1]")
@click.option("--executions", type=int, help="Seeds per trial. [1]")
@click.option("--folds", type=int, help="Score by cross-validation with so many folds. [0: off]")
@click.option("--space", type=click.Path(path_type=Path), help="TOML file with the search space.")
@click.option("--workers", type=int, help="Worker processes. [1]")
@click.option("--minutes", type=float, help="Start no trial after so many minutes.")
@click.option("--dataset", help="A data set's name, a path, or auto. [auto]")
@_options.columns
@click.option("--seed", type=int, help="Seed of the search and of every training. [0]")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Fix any setting.")
@click.option(
    "--compare",
    type=int,
    default=3,
    show_default=True,
    help="Seeds to compare the best with the preset.",
)
@click.option("--train-best", is_flag=True, help="Train the best on training and validation set.")
@click.option("--resume", is_flag=True, help="Resume a search; --trials adds more.")
@click.option("--force", is_flag=True, help="Replace a folder that is not empty.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder of the search.")
@_settings_help.option
@_options.as_json
def command(
    task: str,
    space: Path | None,
    workers: int | None,
    minutes: float | None,
    dataset: str | None,
    seed: int | None,
    overrides: tuple[str, ...],
    compare: int,
    train_best: bool,
    resume: bool,
    force: bool,
    out: Path | None,
    help_settings: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Search better settings for TASK, guided by its validation set.

    The best of them, best.json in the search's folder, is for
    `nnguide train --config`. `nnguide docs tuning` says more, also how workers of
    several machines share a search.

    \b
    Examples:
      nnguide tune digits --trials 20 --max-epochs 3
      nnguide tune spam --tuner hyperband --max-epochs 9 --workers 2
      nnguide tune spam --folds 5 --objective val_mcc --train-best
      nnguide tune digits --space space.toml --out my-search
      nnguide tune digits --out my-search --resume --trials 40
    """
    tasks.get(task)
    cli.show_log()
    from nnguide import framework_logs

    alone = ORACLE not in os.environ
    if not alone:
        framework_logs.tensorflow()
        from nnguide.tuning import worker

        if worker.role(os.environ) == "worker":
            worker.work(task)
            return
    for option, value, least in (("--workers", workers, int(alone)), ("--compare", compare, 0)):
        if value is not None and value < least:
            raise ConfigError(f"{option} must be {least} or more; got {value}")
    if minutes is not None and not 0 < minutes < 1e6:
        raise ConfigError(f"--minutes must be above 0; got {minutes:g}")
    if out is not None and out.name in ("", ".."):
        raise ConfigError(f"--out is the folder that the search creates; got {out}")

    words = [f"data.dataset={dataset}"] if dataset is not None else []
    words += _options.collect_columns(given)
    words += [f"train.seed={seed}"] if seed is not None else []
    words += overrides
    if help_settings:
        from nnguide.training.configure import configure

        _settings_help.show(configure(task, settings=words))
        return
    from nnguide.tuning.space_file import read
    from nnguide.tuning.tune import prepare

    prepared = prepare(
        task,
        words,
        read(space) if space else None,
        out=out,
        resume=resume,
        force=force,
        say=cli.say,
        **given,
    )
    framework_logs.tensorflow()
    from nnguide.cli._trials import Table
    from nnguide.tuning import report, search

    table = Table()
    found = search.tune(
        prepared.search,
        out=prepared.folder,
        resume=resume,
        force=force,
        workers=int(alone) if workers is None else workers,
        address=None if alone else worker.chief_address(os.environ),
        minutes=minutes,
        compare=compare,
        train_best=train_best,
        examples=prepared.examples,
        watch=table,
        say=table.say,
    )
    if as_json:
        _options.print_json("tune", found)
        return
    click.echo(
        f"{found['search']}: trial {found['best_trial']} is the best of {found['completed']}, "
        f"{found['objective']} {found['best_score']:.5f} ({prepared.folder / 'best.json'})"
    )
    if found["comparison"]:
        for line in report.verdict(found["comparison"]):
            click.echo(line)
    if found["run"]:
        click.echo(f"{found['run']}: trained on everything but the test set")
