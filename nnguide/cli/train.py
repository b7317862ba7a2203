"""The command `nnguide train`."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnguide import cli, tasks
from nnguide.cli import _options, _settings_help, _terminal
from nnguide.config import Settings, unknown
from nnguide.errors import ConfigError

if TYPE_CHECKING:
    from nnguide.runs import Run


def _listed(addresses: str | None) -> list[str]:
    return [] if addresses is None else [address.strip() for address in addresses.split(",")]


@click.command("train", cls=_settings_help.WithPresets)
@click.argument("task", metavar="TASK")
@click.option(
    "--preset", default="default", show_default=True, help="Named settings, listed below."
)
@click.option("--model", type=str, help="Architecture: cnn or dense for digits.")
@click.option("--from", "start_from", metavar="RUN", help="Start from the weights of another run.")
@_options.settings
@click.option(
    "--deterministic", is_flag=True, help="Bit-identical results on the same machine; slower."
)
@click.option(
    "--config",
    "config_file",
    type=_options.PATH,
    help="TOML or JSON file of settings.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any setting, see --help-settings.",
)
@click.option(
    "--track", metavar="TRACKER", help="Log the finished run to mlflow or trackio (extras)."
)
@click.option("--resume", is_flag=True, help="Resume a training; --epochs adds more.")
@_options.force
@click.option("--out", type=_options.PATH, help="The folder of the run.")
@click.option(
    "--workers",
    metavar="LIST",
    help="host:port of each process that trains along; with --on, how many.",
)
@click.option("--worker", type=int, metavar="N", help="Which of them this is; 0 writes the run.")
@click.option("--wait", type=float, default=600, show_default=True, help="Seconds for a worker.")
@click.option("--on", type=click.Choice(["ray"]), help="Start the --workers there (extra ray).")
@_settings_help.option
@_options.as_json
def command(
    task: str,
    preset: str,
    config_file: Path | None,
    overrides: tuple[str, ...],
    track: str | None,
    out: Path | None,
    workers: str | None,
    on: str | None,
    help_settings: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Train a network on TASK: digits or spam.

    Settings are taken in this order, later ones win: the preset, --config,
    the options, --set. --from RUN starts from the weights of a run, with a
    new last layer where labels differ, and builds the network as that run's.
    Batch size and epochs suit the number of examples unless you set them.
    Several machines train one network with --workers, TF_CONFIG, srun or
    --on ray (`nnguide docs distributed`).

    \b
    Examples:
      nnguide train digits
      nnguide train digits --model dense --epochs 20 --out my-digits
      nnguide train spam --dataset messages.csv --patience 3
      nnguide train spam --config best.toml --set train.seed=1
      nnguide train digits --dataset my-letters/ --from digits
      nnguide train digits --out my-digits --resume
      nnguide train digits --out my-digits --resume --epochs 20
      nnguide train digits --out /shared/run --workers a:7000,b:7000 --worker 0
      nnguide train digits --out /shared/run --on ray --workers 4
      nnguide train digits --preset fast --help-settings
    """
    if out is not None and out.name in ("", ".."):
        raise ConfigError(f"--out is the folder that the run is written to; got {out}")
    settings: Settings = [_settings(tasks.get(task), options), *overrides]
    tree = _options.read_config(config_file) if config_file else None
    count = None if on is None else _count(workers, options)

    cli.show_log()
    started = time.monotonic()
    from nnguide.training import tracking
    from nnguide.training.configure import configure

    if track is not None:
        tracking.check(track)
    settled = configure(task, preset=preset, config=tree, settings=settings)
    if help_settings:
        _settings_help.show(settled)
        return 0
    options |= {"preset": preset, "config": tree, "settings": settings, "out": out}
    if count is None:
        run = _train_here(task, _listed(workers), options)
    else:
        from nnguide.training import on_ray

        run = on_ray.train(task, count, **options)
    if track is not None:
        cli.say(f"logged: {tracking.track(run, track)}")
    if as_json:
        _options.print_json("train", run.metrics)
    else:
        click.echo(f"{run.folder}: {_summary(run.metrics, time.monotonic() - started)}")
    return 130 if run.metrics["interrupted"] else 0


def _train_here(task: str, workers: list[str], options: dict[str, Any]) -> Run:
    """Train in this process, and show the progress."""
    from nnguide.cli._progress import progress
    from nnguide.training.train import train

    with _terminal.Display(quiet=cli.is_quiet()) as display:
        watch = functools.partial(progress, display)
        return train(task, workers=workers, watch=watch, **options)


def _count(workers: str | None, options: dict[str, Any]) -> int:
    """Return how many workers --on is to start."""
    if options.pop("worker") is not None:
        raise ConfigError("--worker is for a list of addresses. Leave it out with --on.")
    if workers is None or not (workers.isascii() and workers.isdecimal()):
        got = "none" if workers is None else workers
        raise ConfigError(f"--on needs --workers, how many processes train, as in 4; got {got}")
    return int(workers)


def _settings(task: tasks.Task, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were set as nested settings.

    They are removed from `options`.
    """
    tree = _options.collect(options)
    model, start_from = options.pop("model"), options.pop("start_from")
    if model is not None:
        if model not in task.models:
            raise ConfigError(unknown(model, list(task.models), f"{task.name} model"))
        tree["model"] = {"kind": model, **task.models[model], **tree.get("model", {})}
    if start_from is not None:
        tree.setdefault("train", {})["start_from"] = start_from
    if options.pop("deterministic"):
        tree.setdefault("runtime", {})["deterministic"] = True
    return tree


def _summary(metrics: dict[str, Any], seconds: float) -> str:
    """Return the result of a training in one line."""
    accuracy, epochs = metrics["val_accuracy"], metrics["epochs"]
    measured = "no validation set" if accuracy is None else f"validation accuracy {accuracy:.2%}"
    if accuracy is not None and accuracy <= metrics.get("val_majority", 0):
        measured += ", no better than guessing,"
    return (
        f"{measured} after {epochs} epoch{'s' * (epochs != 1)} and {seconds:.1f} s "
        f"(best epoch: {metrics['best_epoch']})"
    )
