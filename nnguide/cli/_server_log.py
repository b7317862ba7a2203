"""The log of a server on stderr, from whatever thread."""

from __future__ import annotations

import logging

import click

from nnguide import cli


class _ToStderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"nnguide: {self.format(record)}", err=True)


def show(name: str, level: int = logging.INFO) -> None:
    """Show what the logger `name` takes; with --quiet only warnings and errors."""
    log = logging.getLogger(name)
    log.handlers = [_ToStderr()]
    log.setLevel(max(level, logging.WARNING) if cli.is_quiet() else level)
    log.propagate = False
