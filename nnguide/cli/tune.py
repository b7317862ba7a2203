"""nnguide tune"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnguide import cli, tasks, workspace
from nnguide.cli import _options, _settings_help
from nnguide.errors import ConfigError
from nnguide.tuning.settings import ROOT, TUNERS, default_folder, settle

if TYPE_CHECKING:
    from nnguide.data.examples import Examples
    from nnguide.tuning.settings import Search

ORACLE = "KERASTUNER_ORACLE_IP"  # is set for a chief and its workers


@click.command("tune")
@click.argument("task", metavar="TASK")
@click.option("--tuner", type=click.Choice(TUNERS), default="random", show_default=True)
@click.option(
    "--objective",
    default="val_accuracy",
    show_default=True,
    help="The validation metric to optimize.",
)
@click.option(
    "--trials", type=int, help="Number of trials at most; not for hyperband. [10; grid: all]"
)
@click.option("--max-epochs", type=int, help="Epochs per trial. [the preset's]")
@click.option("--factor", type=int, help="Hyperband: keep the best 1 in FACTOR trials. [3]")
@click.option("--iterations", type=int, help="Hyperband: number of full passes. [1]")
@click.option("--executions", type=int, default=1, show_default=True, help="Seeds per trial.")
@click.option("--folds", type=int, default=0, help="Score by cross-validation with so many folds.")
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
      nnguide tune digits --space space.toml --out my-search --resume
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
    from nnguide.training.configure import configure
    from nnguide.tuning.space_file import entries, read

    changes = entries(configure(task, settings=words), read(space)) if space else {}
    settled = settle(task, settings=words, space=changes, **given)
    if help_settings:
        _settings_help.show(settled.base)
        return
    if out is None and resume:
        out = workspace.waiting(ROOT, f"{task}-", "tune")
    out = out or default_folder(task, settled.seed)
    examples = _training_set(settled, out, resume, force)
    framework_logs.tensorflow()
    from nnguide.cli._trials import Table
    from nnguide.tuning import report, search

    table = Table()
    found = search.tune(
        settled,
        out=out,
        resume=resume,
        force=force,
        workers=int(alone) if workers is None else workers,
        address=None if alone else worker.chief_address(os.environ),
        minutes=minutes,
        compare=compare,
        train_best=train_best,
        examples=examples,
        watch=table,
        say=table.say,
    )
    if as_json:
        _options.print_json("tune", found)
        return
    click.echo(
        f"{found['search']}: trial {found['best_trial']} is the best of {found['completed']}, "
        f"{found['objective']} {found['best_score']:.5f} ({out / 'best.json'})"
    )
    if found["comparison"]:
        for line in report.verdict(found["comparison"]):
            click.echo(line)
    if found["run"]:
        click.echo(f"{found['run']}: trained on everything but the test set")


def _training_set(settled: Search, out: Path, resume: bool, force: bool) -> Examples | None:
    """What every trial learns from, so that wrong use is told before a framework is imported.

    None for a search that goes on: it may have nothing left to train.
    """
    from nnguide import data

    if resume:
        return None
    workspace.Workspace(out, "tune", verify=Path.exists, force=force).check()
    return data.of(settled.base).load("train")
