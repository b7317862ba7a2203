"""The command `nnguide tune`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from nnguide import cli, tasks
from nnguide.cli import _options, _settings_help, _terminal
from nnguide.config import Settings
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
@click.option("--space", type=_options.PATH, help="TOML file with the search space.")
@click.option("--workers", type=int, help="Worker processes. [1]")
@click.option("--minutes", type=float, help="Start no trial after so many minutes.")
@_options.data
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
@_options.force
@click.option("--out", type=_options.PATH, help="The folder of the search.")
@_settings_help.option
@_options.as_json
def command(
    task: str,
    space: Path | None,
    workers: int | None,
    minutes: float | None,
    overrides: tuple[str, ...],
    compare: int,
    train_best: bool,
    resume: bool,
    force: bool,
    out: Path | None,
    help_settings: bool,
    as_json: bool,
    **options: Any,
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
    alone = ORACLE not in os.environ
    if not alone and _is_worker(task):
        return
    _check(int(alone) if workers is None else workers, int(alone), compare, minutes, out)
    settings: Settings = [_settings(options), *overrides]
    if help_settings:
        from nnguide.training.configure import configure

        _settings_help.show(configure(task, settings=settings))
        return
    from nnguide import logs
    from nnguide.tuning.space_file import read
    from nnguide.tuning.tune import prepare

    prepared = prepare(
        task,
        settings,
        read(space) if space else None,
        out=out,
        resume=resume,
        force=force,
        **options,
    )
    logs.tensorflow()
    from nnguide.cli._trials import Table
    from nnguide.tuning import search, worker

    with _terminal.Display(quiet=cli.is_quiet(), keep=True) as display:
        result = search.tune(
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
            watch=Table(display),
        )
    if as_json:
        _options.print_json("tune", result)
    else:
        _show(result, prepared.folder)


def _is_worker(task: str) -> bool:
    """Return whether this process was a worker for a chief.

    The environment says so; the work is then done.
    """
    from nnguide import logs

    logs.tensorflow()
    from nnguide.tuning import worker

    if worker.role(os.environ) == "worker":
        worker.work(task)
        return True
    worker.Guard.of(os.environ).check(worker.chief_address(os.environ))
    return False


def _check(workers: int, least: int, compare: int, minutes: float | None, out: Path | None) -> None:
    """Raise ConfigError for options that make no sense.

    Args:
        least: workers of this machine, 0 where those of others come to a chief.
    """
    if workers < least:
        raise ConfigError(f"--workers must be {least} or more; got {workers}")
    if compare < 0:
        raise ConfigError(f"--compare must be 0 or more; got {compare}")
    if minutes is not None and not 0 < minutes < 1e6:
        raise ConfigError(f"--minutes must be above 0; got {minutes:g}")
    if out is not None and out.name in ("", ".."):
        raise ConfigError(f"--out is the folder that the search creates; got {out}")


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were set as nested settings.

    They are removed from `options`.
    """
    tree = _options.collect_data(options)
    if (seed := options.pop("seed")) is not None:
        tree["train"] = {"seed": seed}
    return tree


def _show(result: dict[str, Any], folder: Path) -> None:
    """Print the result of a search."""
    from nnguide.tuning import report

    click.echo(
        f"{result['search']}: trial {result['best_trial']} is the best of {result['completed']}, "
        f"{result['objective']} {result['best_score']:.5f} ({folder / 'best.json'})"
    )
    if result["comparison"]:
        for line in report.verdict(result["comparison"]):
            click.echo(line)
    if result["run"]:
        click.echo(f"{result['run']}: trained on everything but the test set")
