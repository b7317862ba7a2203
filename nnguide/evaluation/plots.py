"""The plots of an evaluation as plain data: calibration, thresholds and ROC."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnguide.evaluation import metrics
from nnguide.evaluation.report import number, percent
from nnguide.pages.plots import EVEN, FIRST, SECOND, Line, Mark, Plot, Point, Ticks, scale

WHOLE: Ticks = tuple((x / 100, f"{x} %") for x in (0, 25, 50, 75, 100))
# a root gives the few tenths of a percent of ham that matter most of the room
ROOTS: Ticks = tuple((x**0.5, f"{100 * x:g} %") for x in (0, 0.01, 0.1, 0.25, 0.5, 1))
THRESHOLDS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
MOST_ODDS = math.log(THRESHOLDS[-1] / THRESHOLDS[0])
STEPS = 160


def reliability(bins: Sequence[Mapping[str, Any]]) -> Plot:
    """Return the plot of the fraction correct against the probability.

    It has 95 % intervals.

    Args:
        bins: of each the mean probability `stated`, the fraction `observed` right, and `n`.
    """
    rows = []
    for row in bins:
        low, high = metrics.wilson_interval(round(row["observed"] * row["n"]), row["n"])
        if low is not None and high is not None:  # a bin of some examples
            rows.append((row["stated"], row["observed"], low, high, row["n"]))
    # both axes begin where the answers do: a network that is always sure fills them too
    axis = scale([1.0, *(value for stated, _, low, *_ in rows for value in (stated, low))], True)
    marks = [
        Mark(
            (axis(stated), axis(right)),
            f"stated {percent(stated, 1)}, right {percent(right, 1)} "
            f"of {n:,} (95 %: {percent(low, 1)} to {percent(high, 1)})",
            FIRST,
            (axis(low), axis(high)),
        )
        for stated, right, low, high, n in rows
    ]
    lines = [
        Line("calibrated", EVEN, [(0, 0), (1, 1)]),
        Line("this network, with 95 % intervals", FIRST, [mark.at for mark in marks]),
    ]
    return Plot("fraction right", "probability stated", axis.ticks, axis.ticks, lines, marks)


def thresholds(spam: np.ndarray, labels: np.ndarray, headline: Mapping[str, Any]) -> list[Plot]:
    """Return plots of spam caught and ham blocked by threshold.

    The chosen threshold is marked.

    Args:
        spam: (n,) float, P(spam).
        labels: (n,) int, 0 ham or 1 spam.
        headline: with threshold, spam_caught and blocked_ham.
    """
    threshold = headline["threshold"]
    # the log-odds of thresholds: 0.001 and 0.999 have as much room as 0.4 and 0.6
    odds = np.linspace(-MOST_ODDS, MOST_ODDS, STEPS + 1)
    x_ticks = tuple((_across(tick), f"{tick:g}") for tick in THRESHOLDS)
    chosen = _across(threshold)
    plots = []
    panels = (
        (1, "spam caught", headline["spam_caught"], FIRST, WHOLE, 1.0),
        (0, "ham blocked", headline["blocked_ham"], SECOND, ROOTS, 0.5),
    )
    for label, name, fraction, style, ticks, power in panels:
        if fraction is None:
            continue
        scores = np.sort(np.asarray(spam, np.float64)[np.asarray(labels) == label])
        above = 1 - np.searchsorted(scores, 1 / (1 + np.exp(-odds)), side="right") / len(scores)
        points = [(n / STEPS, float(y) ** power) for n, y in enumerate(above)]
        line = Line(name, style, points, dashed=style == SECOND)
        caption = f"{percent(fraction, 2)} at {number(threshold)}"
        mark = Mark((chosen, fraction**power), caption, style, large=True)
        title = f"{name}: {caption}"
        rule = (chosen, "chosen")
        plots.append(Plot(title, "threshold", x_ticks, ticks, [line], [mark], rule, False))
    return plots


def _across(threshold: float) -> float:
    inside = min(max(threshold, THRESHOLDS[0]), THRESHOLDS[-1])
    return (math.log(inside / (1 - inside)) / MOST_ODDS + 1) / 2


def curves(
    roc: Sequence[Point] | None, pr: Sequence[Point] | None, headline: Mapping[str, Any]
) -> list[Plot]:
    """Return the ROC and the precision-recall curve.

    The point of the chosen threshold is marked.

    Args:
        roc: ham blocked and spam caught; None where there is no curve.
        pr: recall and precision.
        headline: the metrics of spam at the threshold.
    """
    plots = []
    if roc is not None:
        # the corner where little ham is blocked has most of the room, as for the thresholds
        chance = [(n / 20, (n / 20) ** 2) for n in range(21)]
        lines = [
            Line("chance", EVEN, chance),
            Line("spam caught", FIRST, [(x**0.5, y) for x, y in roc]),
        ]
        marks = _chosen(headline, "blocked_ham", "spam_caught", "ham blocked", "spam caught", 0.5)
        title = f"spam caught: ROC, area {number(headline['roc_auc'])}"
        plots.append(Plot(title, "ham blocked", ROOTS, WHOLE, lines, marks))
    if pr is not None:
        lines = [Line("precision", FIRST, pr)]
        marks = _chosen(headline, "recall", "precision", "recall", "precision")
        title = f"precision: area {number(headline['pr_auc'])}"
        plots.append(Plot(title, "recall (spam caught)", WHOLE, WHOLE, lines, marks, None, False))
    return plots


def _chosen(
    headline: Mapping[str, Any], x: str, y: str, x_name: str, y_name: str, power: float = 1.0
) -> list[Mark]:
    """Return the mark of the chosen threshold.

    There is none where one of its two metrics is undefined.
    """
    if headline[x] is None or headline[y] is None:
        return []
    caption = f"{y_name} {percent(headline[y], 2)}, {x_name} {percent(headline[x], 2)}"
    return [Mark((headline[x] ** power, headline[y]), caption, SECOND, large=True)]


def shades(matrix: Any) -> np.ndarray:
    """Return how strongly each confusion matrix cell is coloured.

    The result is (k, k) in [0, 1].

    A right answer by the fraction of its label, a mistake by the most frequent of all mistakes: a
    network that is mostly right still shows where it is wrong.
    """
    counts = np.asarray(matrix, np.float64)
    right = np.eye(len(counts), dtype=bool)
    most = max(float(counts[~right].max(initial=0)), 1.0)
    mistakes = np.where(counts > 0, 0.2 + 0.8 * np.sqrt(counts / most), 0)
    return np.where(right, counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), mistakes)
