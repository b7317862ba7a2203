"""Number parsing and printing that the blueprint commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.errors import InputError

plot = click.option("--plot", type=_options.PATH, help="Write a plot: .png, .svg or .pdf.")
seed = click.option("--seed", type=click.IntRange(0), default=0, show_default=True)


class FewThreads(click.Command):
    """A command that uses few threads because its matrices are small.

    Threads would cost more than they save.
    """

    def invoke(self, ctx: click.Context) -> Any:
        import numpy  # noqa: F401  (its BLAS must be there to be limited)
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            return super().invoke(ctx)


class Numbers(click.ParamType):
    """Numbers between commas, such as 1,-2.5,3."""

    name = "x1,x2,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return [float(number) for number in value.split(",")]
        except ValueError as error:
            names = ", ".join(param.opts) if param else "this"
            raise InputError(
                f"{names} takes numbers between commas, such as 1,2.5; got {value!r}"
            ) from error


NUMBERS = Numbers()


def finish(
    name: str, data: dict[str, Any], lines: list[str], as_json: bool, plot: Path | None
) -> None:
    """Print the lines or the JSON, and draw the plot if asked."""
    if as_json:
        _options.print_json(f"blueprint {name}", data)
    else:
        click.echo("\n".join(lines))
    if plot:
        from nnguide.blueprints import diagrams, plots

        draw = getattr(diagrams, name, None) or getattr(plots, name)
        draw(data, plot)
        cli.say(f"plot: {plot}")


def number(value: Any) -> str:
    """Return a number, or nested lists of them, as text.

    Each has six significant digits.
    """
    if isinstance(value, list):
        return "[" + ", ".join(map(number, value)) + "]"
    return f"{round(value, 12) + 0.0:.6g}"


def signed(value: float) -> str:
    """Return a number as text, in brackets if it is negative."""
    return f"({number(value)})" if value < 0 else number(value)


def side_by_side(grids: dict[str, list[list[float]]]) -> list[str]:
    """Return grids of numbers beside each other as lines.

    Each grid is below its title.
    """
    blocks = []
    for title, rows in grids.items():
        cells = [[number(value) for value in row] for row in rows]
        width = max(len(cell) for row in cells for cell in row)
        lines = [" ".join(cell.rjust(width) for cell in row) for row in cells]
        widest = max(len(line) for line in (title, *lines))
        blocks.append([line.ljust(widest) for line in (title, *lines)])
    height = max(map(len, blocks))
    filled = [block + [" " * len(block[0])] * (height - len(block)) for block in blocks]
    return ["    ".join(row).rstrip() for row in zip(*filled, strict=True)]


def columns(rows: list[list[str]]) -> list[str]:
    """Return rows as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
