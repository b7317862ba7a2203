"""The command `nnguide config`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from nnguide import cli, tasks
from nnguide.cli import _options
from nnguide.errors import ConfigError


@click.group("config", cls=cli.Group, no_args_is_help=True)
def command() -> None:
    """Show the settings of a run or task, or their JSON Schema.

    \b
    Examples:
      nnguide config show digits
      nnguide config show my-run --resolved
      nnguide config schema > nnguide.schema.json
    """


@command.command("show")
@click.argument("subject", metavar="RUN|TASK")
@click.option("--resolved", is_flag=True, help="Every setting, with what it means.")
@click.option("--preset", help="Of a TASK: a recipe of nnguide's. [default]")
@click.option("--config", "config_file", type=_options.PATH, help="TOML or JSON file.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Any setting.")
def show(
    subject: str,
    resolved: bool,
    preset: str | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Print settings as TOML, which --config takes.

    RUN is a run's folder: the settings it was trained with. TASK is a task's name:
    those that `nnguide train TASK` would take, with the same --preset, --config and
    --set. Without --resolved only what differs from the task's own settings.

    \b
    Examples:
      nnguide config show spam --preset mail
      nnguide config show digits --set train.epochs=3 --resolved
      nnguide config show my-run > mine.toml
    """
    from nnguide.config import toml

    if Path(subject).is_dir() or subject not in tasks.names():
        from nnguide import runs

        run = runs.load(subject)
        if preset or config_file or overrides:
            raise ConfigError(
                "--preset, --config and --set are of a training to come: give a task, as in "
                f"nnguide config show digits; {subject} is a run, whose settings are settled"
            )
        config = run.config
    else:
        from nnguide.training.configure import configure

        config = configure(
            subject,
            preset=preset or "default",
            config=_options.read_config(config_file) if config_file else None,
            settings=overrides,
        )
    if resolved:
        kinds = ", ".join(tasks.get(config.task).models)
        notes = {**toml.notes(config), "model.kind": f"kind of network [{kinds}]"}
        lines = toml.lines(config.to_dict(), notes)
    else:
        lines = toml.lines(toml.over(config, tasks.get(config.task).defaults))
    click.echo("\n".join(lines))


@command.command("schema")
@click.argument("task", required=False, metavar="[TASK]")
def schema(task: str | None) -> None:
    """Print the JSON Schema of the configuration of TASK.

    Without TASK it is that of every task.

    Editors complete and check TOML and JSON by it (`nnguide docs config`).

    \b
    Example:
      nnguide config schema > nnguide.schema.json
    """
    from nnguide.config import json_schema

    known = [tasks.get(name) for name in ([task] if task else tasks.names())]
    made = json_schema.schema({each.name: (each.defaults, tuple(each.models)) for each in known})
    click.echo(json.dumps(made, indent=2, ensure_ascii=False))
