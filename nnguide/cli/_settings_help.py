"""The help on presets in `train --help`, and `--help-settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nnguide import tasks

if TYPE_CHECKING:
    from nnguide.config import Config

option = click.option(
    "--help-settings", is_flag=True, help="Show every setting of TASK for --set and exit."
)


class WithPresets(click.Command):
    """A command whose help ends with the presets of every task."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from nnguide.config import presets

        rows = [
            (f"{task} {name}", presets.about(task, name))
            for task in tasks.names()
            for name in presets.names(task)
        ]
        with formatter.section("Presets"):
            formatter.write_dl(rows, col_max=24)


def show(config: Config) -> None:
    """Print every setting of `config`: name, value, meaning and allowed values."""
    click.echo(f"Settings of {config.task}, as --set takes them, with the values they have now.\n")
    kinds = ", ".join(tasks.get(config.task).models)
    rows = config.describe()
    wide = max(len(row.name) for row in rows)
    for row in rows:
        takes = kinds if row.name == "model.kind" else row.takes
        click.echo(f"{row.name:<{wide}}  {row.value or chr(34) * 2}")
        click.echo(f"{'':<{wide}}  {row.meaning} [{takes}]")
