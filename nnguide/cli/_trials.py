"""The live table of trials.

It is redrawn on a terminal; elsewhere each ended trial has a plain line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnguide import cli
from nnguide.cli import _terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 12  # trials in the table
NUMBERS = ("score", "epochs", "time")


class Table:
    """A table on stderr that shows the progress of a search."""

    def __init__(self, display: _terminal.Display) -> None:
        self.display = display
        self.shown: set[str] = set()

    def __call__(self, progress: Any) -> None:
        trial = progress.changed
        if self.display.can_draw:
            self.display.draw(_drawn(progress))
        elif trial.ended and trial.number not in self.shown:
            self.shown.add(trial.number)
            cli.say(_plain(progress))


def _drawn(progress: Any) -> RenderableType:
    """Return the newest trials, and a line about all."""
    from rich import box
    from rich.console import Group
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("trial", "state", *NUMBERS, ""):
        table.add_column(name, justify="right" if name in NUMBERS else "left", no_wrap=True)
    for row in progress.rows[-SHOWN:]:
        is_best = progress.best and row.number == progress.best.number
        table.add_row(
            row.number,
            row.state,
            "" if row.score is None else f"{row.score:.5f}",
            "" if row.epochs is None else str(row.epochs),
            "" if row.seconds is None else f"{row.seconds:.1f} s",
            " ".join([*(["best"] if is_best else []), *([row.error[:60]] if row.error else [])]),
        )
    return Group(table, _about(progress))


def _plain(progress: Any) -> str:
    row = progress.changed
    what = f"{row.score:.5f}" if row.score is not None else row.error
    took = "" if row.seconds is None else f" in {row.seconds:.1f} s"
    return f"trial {row.number} {row.state}: {what}{took}; {_about(progress)}"


def _about(progress: Any) -> str:
    ended = sum(row.ended for row in progress.rows)
    phrases = [f"{ended} of {progress.planned:,} done"]
    if progress.best is not None:
        phrases.append(f"best {progress.best.score:.5f} (trial {progress.best.number})")
    if progress.left is not None and ended < progress.planned:
        phrases.append(f"about {_minutes(progress.left)} left")
    return ", ".join(phrases)


def _minutes(seconds: float) -> str:
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
