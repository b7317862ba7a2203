"""The audit's plots as plain data in [0, 1], which pages/audit.html draws as SVG.

Drawn in the page itself, they take its colours, light or dark, and its letters; what a colour says,
a dash says too, and a point says its values where the mouse rests on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nnguide.audit.blocks import Block
from nnguide.evaluation import metrics
from nnguide.evaluation.report import number, percent

Point = tuple[float, float]
Ticks = tuple[tuple[float, str], ...]  # where on the axis, and what stands there
SHARES: Ticks = tuple((share / 100, f"{share} %") for share in (0, 25, 50, 75, 100))
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
    """A point that stands out: its place, its words, and its interval where it has one."""

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


def plots(drawn: Iterable[Plot], alt: str, caption: str) -> Block:
    """Plots side by side where there is room, with one caption."""
    return {"kind": "plots", "plots": [asdict(p) for p in drawn], "alt": alt, "caption": caption}


def learning(history: dict[str, Sequence[float]], best: int | None) -> list[Plot]:
    """Loss and accuracy by epoch; the best epoch is marked."""
    return [
        _curves(key, kept, best)
        for key in ("loss", "accuracy")
        if (kept := {k: history[k] for k in (key, f"val_{key}") if len(history.get(k, ()))})
    ]


def _curves(key: str, kept: dict[str, Sequence[float]], best: int | None) -> Plot:
    epochs = max(map(len, kept.values()))
    values = [value for line in kept.values() for value in line if math.isfinite(value)]
    low, high, ticks = _range(values, key == "accuracy")

    def across(epoch: int) -> float:
        return (epoch - 1) / max(epochs - 1, 1)

    lines, marks = [], []
    for name, line in kept.items():
        validation = name.startswith("val_")
        style, shown = (SECOND, "validation") if validation else (FIRST, "training")
        points = [
            (across(epoch), (value - low) / (high - low))
            for epoch, value in enumerate(line, 1)
            if math.isfinite(value)
        ]
        lines.append(Line(shown, style, points, dashed=not validation))
        if best is not None and best <= len(line) and math.isfinite(line[best - 1]):
            said = f"{shown} {key} {line[best - 1]:.4g} in the best epoch, {best}"
            place = (across(best), (line[best - 1] - low) / (high - low))
            marks.append(Mark(place, said, style, large=validation))
    wanted = sorted({round(1 + n * (epochs - 1) / 4) for n in range(5)})
    x_ticks = tuple((across(epoch), f"{epoch}") for epoch in wanted)
    rule = None if best is None else (across(best), f"best epoch, {best}")
    return Plot(key, "epoch", x_ticks, ticks, lines, marks, rule)


def _range(values: Sequence[float], share: bool) -> tuple[float, float, Ticks]:
    """A range with round ends around the values, and its ticks."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-3)))
    step *= next(s for s in (0.2, 0.5, 1, 2, 5) if (high - low) / (step * s) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    digits = max(0, -math.floor(math.log10(step * (100 if share else 1)) + 1e-9))
    ticks = tuple(
        (
            (n - first) / (last - first),
            f"{100 * n * step:.{digits}f} %" if share else f"{n * step:.{digits}f}",
        )
        for n in range(first, last + 1)
    )
    return first * step, last * step, ticks


def reliability(bins: Sequence[dict[str, Any]]) -> Plot:
    """How often answers of a probability are right, with 95 % intervals."""
    marks = []
    for row in bins:
        low, high = metrics.wilson_interval(round(row["observed"] * row["n"]), row["n"])
        if low is None or high is None:  # a bin of no example
            continue
        said = (
            f"stated {percent(row['stated'], 1)}, right {percent(row['observed'], 1)} "
            f"of {row['n']:,} (95 %: {percent(low, 1)} to {percent(high, 1)})"
        )
        marks.append(Mark((row["stated"], row["observed"]), said, FIRST, (low, high)))
    line = [(row["stated"], row["observed"]) for row in bins]
    lines = [Line("calibrated", EVEN, [(0, 0), (1, 1)]), Line("this network", FIRST, line)]
    return Plot("fraction right", "probability stated", SHARES, SHARES, lines, marks)


def thresholds(spam: np.ndarray, labels: np.ndarray, headline: dict[str, Any]) -> list[Plot]:
    """Spam caught and ham blocked by threshold, with what the chosen one does."""
    threshold = headline["threshold"]
    # the log-odds of thresholds: 0.001 and 0.999 have as much room as 0.4 and 0.6
    most = math.log(0.999 / 0.001)
    odds = np.linspace(-most, most, 161)
    wanted = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
    x_ticks = tuple(((math.log(t / (1 - t)) / most + 1) / 2, f"{t:g}") for t in wanted)
    inside = min(max(threshold, wanted[0]), wanted[-1])
    chosen = (math.log(inside / (1 - inside)) / most + 1) / 2
    points = []
    # a root gives the few tenths of a percent of ham that matter most of the room
    roots = tuple((share**0.5, f"{100 * share:g} %") for share in (0, 0.01, 0.1, 0.25, 0.5, 1))
    panels = (
        (1, "spam caught", headline["spam_caught"], FIRST, SHARES, 1.0),
        (0, "ham blocked", headline["blocked_ham"], SECOND, roots, 0.5),
    )
    for label, name, share, style, ticks, power in panels:
        if share is None:
            continue
        scores = np.sort(np.asarray(spam, np.float64)[np.asarray(labels) == label])
        above = 1 - np.searchsorted(scores, 1 / (1 + np.exp(-odds)), side="right") / len(scores)
        line = Line(name, style, [(n / 160, float(y) ** power) for n, y in enumerate(above)])
        said = f"{percent(share, 2)} at {number(threshold)}"
        mark = Mark((chosen, share**power), said, style, large=True)
        rule = (chosen, "chosen")
        title = f"{name}: {said}"
        points.append(Plot(title, "threshold", x_ticks, ticks, [line], [mark], rule, False))
    return points


def curves(report: dict[str, Any]) -> list[Plot]:
    """The ROC and the precision-recall curve, with the point of the chosen threshold."""
    headline = report["headline"]
    panels = (
        ("ROC", "roc", "blocked_ham", "spam_caught", "ham blocked", "spam caught", "roc_auc"),
        ("precision", "pr", "recall", "precision", "recall (spam caught)", "precision", "pr_auc"),
    )
    drawn = []
    for title, key, x, y, x_name, y_name, area in panels:
        if report[key] is None:
            continue
        lines = [Line(y_name, FIRST, [(row[x], row[y]) for row in report[key]])]
        if key == "roc":
            lines.insert(0, Line("chance", EVEN, [(0, 0), (1, 1)]))
        marks = []
        if headline[x] is not None and headline[y] is not None:
            said = f"{y_name} {percent(headline[y], 2)}, {x_name} {percent(headline[x], 2)}"
            marks.append(Mark((headline[x], headline[y]), said, SECOND, large=True))
        named = f"{title if key == 'roc' else y_name}: area {number(headline[area])}"
        drawn.append(Plot(named, x_name, SHARES, SHARES, lines, marks, None, False))
    return drawn
