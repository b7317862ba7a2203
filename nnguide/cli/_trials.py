"""The live table of trials: redrawn on a terminal, a plain line for each ended trial elsewhere."""

from __future__ import annotations

import sys
from typing import Any

import click

from nnguide import cli

SHOWN = 12  # trials in the table


class Table:
    """Shows how far a search is, on stderr."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.lines = 0
        self.shown: set[str] = set()

    def __call__(self, progress: Any) -> None:
        if not self.live:
            if progress.changed.ended and progress.changed.number not in self.shown:
                self.shown.add(progress.changed.number)
                cli.say(_plain(progress))
            return
        text = table(progress)
        up = f"\x1b[{self.lines}A\x1b[J" if self.lines else ""
        self.lines = len(text)
        cli.say(up + "\n".join(text))

    def say(self, line: str) -> None:
        """A line between two drawings of the table."""
        self.lines = 0
        cli.say(line)


def table(progress: Any) -> list[str]:
    """The newest trials, and a line about all."""
    lines = [
        click.style(f"{'trial':<8}{'state':<11}{'score':>10}{'epochs':>8}{'time':>9}", bold=True)
    ]
    for row in progress.rows[-SHOWN:]:
        score = "" if row.score is None else f"{row.score:.5f}"
        seconds = "" if row.seconds is None else f"{row.seconds:.1f} s"
        mark = "  best" if progress.best and row.number == progress.best.number else ""
        epochs = "" if row.epochs is None else str(row.epochs)
        lines.append(
            f"{row.number:<8}{row.state:<11}{score:>10}{epochs:>8}{seconds:>9}{mark}"
            f"{'  ' + row.error[:60] if row.error else ''}"
        )
    return [*lines, _about(progress)]


def _plain(progress: Any) -> str:
    row = progress.changed
    what = f"{row.score:.5f}" if row.score is not None else row.error
    took = "" if row.seconds is None else f" in {row.seconds:.1f} s"
    return f"trial {row.number} {row.state}: {what}{took}; {_about(progress)}"


def _about(progress: Any) -> str:
    ended = sum(row.ended for row in progress.rows)
    parts = [f"{ended} of {progress.planned:,} done"]
    if progress.best is not None:
        parts.append(f"best {progress.best.score:.5f} (trial {progress.best.number})")
    if progress.left is not None and ended < progress.planned:
        parts.append(f"about {_minutes(progress.left)} left")
    return ", ".join(parts)


def _minutes(seconds: float) -> str:
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
