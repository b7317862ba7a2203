"""Output on a terminal by rich, and plain lines elsewhere.

A pipe gets plain lines with stable columns.

rich is imported when something is drawn, and not before: `--help` and `predict` never need it.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

import click

from nnguide import cli

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from nnguide.evaluation.report import Grid

NARROWEST_BAR, WIDEST_BAR = 5, 20  # columns


def can_draw(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that can redraw lines."""
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def has_colours() -> bool:
    """Return whether stdout is a terminal with colours.

    NO_COLOR turns them off.
    """
    return can_draw(sys.stdout) and not os.environ.get("NO_COLOR")


def console(stream: TextIO) -> Console:
    """Return a console that shows texts as they are.

    Nothing in them is markup or an emoji's name.
    """
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    plain: Iterable[str],
    *,
    numbers: Sequence[str] = (),
) -> None:
    """Print a table on a terminal, the `plain` lines elsewhere.

    Args:
        numbers: the columns that are aligned on the right.
    """
    if not can_draw(sys.stdout):
        for line in plain:
            click.echo(line)
        return
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(head))
    for name in head:
        drawn.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    console(sys.stdout).print(drawn)


def blocks(texts_and_tables: Sequence[str | Grid]) -> None:
    """Print blocks of text and tables, with an empty line between two."""
    for number, block in enumerate(texts_and_tables):
        if number:
            click.echo()
        if isinstance(block, str):
            click.echo(block)
            continue
        if block.title and can_draw(sys.stdout):
            click.echo(block.title)
        head = block.head or ("", "")
        table(head, block.rows, [str(block)], numbers=block.head[1:])


class Display:
    """An area at the foot of the terminal that is redrawn.

    It is on stderr.
    """

    def __init__(self, *, quiet: bool, keep: bool = False) -> None:
        """Create an empty display.

        Args:
            quiet: nothing is ever drawn.
            keep: what was drawn last stays; else it vanishes.
        """
        self.can_draw = not quiet and can_draw(sys.stderr)
        self._keep = keep
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def width(self) -> int:
        """The number of columns of the terminal."""
        return shutil.get_terminal_size().columns

    def draw(self, drawn: RenderableType) -> None:
        """Draw something in the place of what was drawn before."""
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                console=console(sys.stderr),
                auto_refresh=False,
                transient=not self._keep,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            cli.print_above = functools.partial(self._live.console.print, soft_wrap=True)
        self._live.update(drawn, refresh=True)

    def end(self) -> None:
        """Stop drawing.

        The cursor is where the next line goes.
        """
        if self._live is not None:
            cli.print_above = None
            self._live.stop()
            self._live = None


def bar(before: Sequence[str], share: float, after: Sequence[str], width: int) -> RenderableType:
    """Return a bar between texts on one line.

    Where these leave no room for it, the texts stand alone.

    Args:
        share: of the bar that is full, in [0, 1].
        width: columns of the terminal.
    """
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    room = width - sum(len(text) + 2 for text in (*before, *after))
    cells: list[Any] = [*before, *after]
    if room >= NARROWEST_BAR:
        full = ProgressBar(total=1.0, completed=share, width=min(room, WIDEST_BAR))
        cells.insert(len(before), full)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in cells:
        grid.add_column(no_wrap=True)
    grid.add_row(*cells)
    return grid
