"""The command `nnguide completion`."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes nnguide's words in SHELL.

    Commands, options, tasks, runs, presets, data sets and settings with their values.

    \b
    Examples:
      echo 'eval "$(nnguide completion bash)"' >> ~/.bashrc
      echo 'eval "$(nnguide completion zsh)"' >> ~/.zshrc
      nnguide completion fish > ~/.config/fish/completions/nnguide.fish
    """
    from click.shell_completion import get_completion_class

    from nnguide.cli import COMPLETING, _completion, command_line

    _completion.ready()
    known = get_completion_class(shell)
    assert known is not None  # a Choice sees to it
    click.echo(known(command_line, {}, "nnguide", COMPLETING).source())
