"""Plots as plain data in [0, 1], independent of their output format.

`plot.html` makes SVG of a plot, for pages and notebooks; `evaluation.figures` makes PNG files. What
a colour says, a dash says too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
Ticks = tuple[tuple[float, str], ...]  # where on the axis, and what is written there
MOST_TICKS = 8  # of epochs
FIRST, SECOND, EVEN = "first", "second", "even"  # classes of style.css


@dataclass(frozen=True)
class Line:
    """A line of a plot, and its name in the legend."""

    name: str
    style: str
    points: Sequence[Point]
    dashed: bool = False


@dataclass(frozen=True)
class Mark:
    """A highlighted point: its place, its words and its interval.

    The interval is optional.
    """

    at: Point
    says: str
    style: str = FIRST
    interval: tuple[float, float] | None = None
    large: bool = False


@dataclass(frozen=True)
class Plot:
    """One pair of axes."""

    title: str
    x: str
    x_ticks: Ticks
    y_ticks: Ticks
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    rule: tuple[float, str] | None = None  # an upright line and its name
    legend: bool = True


@dataclass(frozen=True)
class Scale:
    """An axis with round ends: what its ends are, and its ticks."""

    low: float
    high: float
    ticks: Ticks

    def __call__(self, value: float) -> float:
        """Return the place of a value on the axis."""
        return (value - self.low) / (self.high - self.low)


def scale(values: Iterable[float], fractions: bool = False) -> Scale:
    """Return the axis for some values.

    `fractions` are written in percent.
    """
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-3)))
    step *= next(s for s in (0.2, 0.5, 1, 2, 5) if (high - low) / (step * s) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    digits = max(0, -math.floor(math.log10(step * (100 if fractions else 1)) + 1e-9))
    ticks = tuple(
        (
            (n - first) / (last - first),
            f"{100 * n * step:.{digits}f} %" if fractions else f"{n * step:.{digits}f}",
        )
        for n in range(first, last + 1)
    )
    return Scale(first * step, last * step, ticks)


def learning(history: Mapping[str, Sequence[float]], best: int | None) -> list[Plot]:
    """Return plots of loss and accuracy by epoch.

    Args:
        history: one value an epoch under loss and accuracy and, where there was validation,
            val_loss and val_accuracy; other keys are not drawn.
        best: the best epoch, counted from 1, which is marked; None marks nothing.
    """
    return [
        _curves(key, columns, best)
        for key in ("loss", "accuracy")
        if (columns := {k: history[k] for k in (key, f"val_{key}") if len(history.get(k, ()))})
    ]


def _curves(key: str, columns: Mapping[str, Sequence[float]], best: int | None) -> Plot:
    epochs = max(map(len, columns.values()))
    up = scale([value for column in columns.values() for value in column], key == "accuracy")

    def across(epoch: int) -> float:
        return (epoch - 1) / max(epochs - 1, 1)

    lines, marks, title = [], [], key
    for name, line in columns.items():
        validation = name.startswith("val_")
        style, shown = (SECOND, "validation") if validation else (FIRST, "training")
        points = [
            (across(epoch), up(value))
            for epoch, value in enumerate(line, 1)
            if math.isfinite(value)
        ]
        lines.append(Line(shown, style, points, dashed=not validation))
        if best is not None and best <= len(line) and math.isfinite(value := line[best - 1]):
            text = f"{100 * value:.2f} %" if key == "accuracy" else f"{value:.4g}"
            says = f"{shown} {key} {text} in the best epoch, {best}"
            marks.append(Mark((across(best), up(value)), says, style, large=validation))
            title = f"{key}: {text} in {shown}, epoch {best}"
    wanted = range(1, epochs + 1, math.ceil(epochs / MOST_TICKS))
    x_ticks = tuple((across(epoch), f"{epoch}") for epoch in wanted)
    rule = None if best is None else (across(best), f"best epoch, {best}")
    return Plot(title, "epoch", x_ticks, up.ticks, lines, marks, rule)
