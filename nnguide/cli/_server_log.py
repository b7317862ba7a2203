"""The log of a server on stderr, from any thread."""

from __future__ import annotations

import logging

import click

from nnguide import cli


class _ToStderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"nnguide: {self.format(record)}", err=True)


def show(name: str, level: int = logging.INFO) -> None:
    """Show the messages of the logger `name`.

    With --quiet only warnings and errors are shown.
    """
    log = logging.getLogger(name)
    log.handlers = [_ToStderr()]
    log.setLevel(max(level, logging.WARNING) if cli.is_quiet() else level)
    log.propagate = False
