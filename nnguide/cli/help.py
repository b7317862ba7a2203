"""The command `nnguide help`."""

from __future__ import annotations

import click


@click.command("help")
@click.argument("names", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Show the help of a command, as --help does.

    \b
    Examples:
      nnguide help
      nnguide help train
      nnguide help runs compare
    """
    context = ctx.find_root()
    for name in names:
        group = context.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{context.command_path} has no commands of its own", context)
        inner_name, inner, _ = group.resolve_command(context, [name])
        assert inner is not None  # else resolve_command has raised
        context = click.Context(
            inner, info_name=inner_name, parent=context, max_content_width=context.max_content_width
        )
    click.echo(context.command.get_help(context))
