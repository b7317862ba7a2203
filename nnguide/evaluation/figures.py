"""Plots of a training run and of an evaluation, as PNG files.

Drawn without pyplot, so without its global state or a display. The colours are those of
Okabe & Ito (Color Universal Design, 2008), which colour-blind readers can tell apart; what
a colour says, a dash or a marker says too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide.errors import InputError
from nnguide.evaluation import metrics, plots
from nnguide.files import atomic
from nnguide.pages.plots import EVEN, FIRST, SECOND, Plot, Point, learning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
INK = {FIRST: BLUE, SECOND: ORANGE, EVEN: GREY}
MOST_NUMBERS = 25  # labels up to which a confusion matrix has its counts written into it


def curves(history: Mapping[str, Sequence[float]], target: Path, best_epoch: int | None) -> None:
    """Plot training and validation loss and accuracy by epoch.

    Args:
        history, best_epoch: as for `pages.plots.learning`.
        target: the PNG file to write.
    """
    draw(learning(history, best_epoch), target)


def confusion(matrix: Any, label_names: Sequence[str], target: Path) -> None:
    """Draw a (k, k) confusion matrix.

    Correct answers are blue, mistakes orange; each cell shows its count.
    """
    matrix = np.asarray(matrix)
    k = len(label_names)
    if matrix.shape != (k, k):
        raise InputError(f"expected a confusion matrix of shape ({k}, {k}); got {matrix.shape}")
    shades = plots.shades(matrix)
    size = 3.2 + 0.45 * min(k, MOST_NUMBERS)
    figure = new_figure(size, size)
    axes = figure.subplots()
    full = np.where(np.eye(k, dtype=bool)[:, :, None], _rgb(BLUE), _rgb(ORANGE))
    axes.imshow(1 - 0.7 * shades[:, :, None] * (1 - full))  # on white

    every = max(1, -(-k // 40))  # more than 40 names do not fit
    names = [_short(name) for name in label_names][::every]
    upright = k > 4 and max(len(name) for name in names) > 2
    small = 9 if k <= MOST_NUMBERS else 6
    places = range(0, k, every)
    axes.set_xticks(places, names, rotation=90 if upright else 0, fontsize=small, parse_math=False)
    axes.set_yticks(places, names, fontsize=small, parse_math=False)
    axes.set(xlabel="predicted", ylabel="true")
    if k <= MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                axes.text(column, row, f"{count}", ha="center", va="center", fontsize=7)
    save_figure(figure, target)


def _rgb(colour: str) -> np.ndarray:
    """Return #RRGGBB as three numbers in [0, 1]."""
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255


def reliability(probabilities: np.ndarray, correct: np.ndarray, target: Path) -> None:
    """Plot the fraction correct against the mean probability.

    There are 15 bins of equal mass.

    Args:
        probabilities: (n,) float, of the answer given (for spam: P(spam)).
        correct: (n,) bool, whether it was right (for spam: whether the message is spam).
    """
    bins = zip(*metrics.reliability_bins(probabilities, correct), strict=True)
    rows = [{"stated": stated, "observed": right, "n": n} for stated, right, n in bins]
    plot = plots.reliability(rows)
    error = metrics.calibration_error(probabilities, correct)
    title = "no examples" if error is None else f"calibration error {error:.4f}"
    draw([replace(plot, title=f"{plot.title}: {title}")], target)


def spam_thresholds(
    probabilities: np.ndarray, labels: np.ndarray, target: Path, threshold: float
) -> None:
    """Plot spam caught and ham blocked against the threshold.

    The threshold in use is marked.

    Args:
        probabilities: (n,) float, P(spam).
        labels: (n,) int, 0 ham or 1 spam.
        threshold: in [0, 1].
    """
    headline = metrics.spam_metrics(probabilities, labels, threshold)
    draw(plots.thresholds(probabilities, labels, headline), target)


def spam_curves(
    probabilities: np.ndarray, labels: np.ndarray, target: Path, threshold: float
) -> None:
    """Plot the ROC curve and the precision-recall curve.

    They stand side by side. Args are those of `spam_thresholds`.
    """
    points = (metrics.roc_curve(probabilities, labels), metrics.pr_curve(probabilities, labels))
    roc, pr = (None if curve is None else list(zip(*curve, strict=True)) for curve in points)
    draw(plots.curves(roc, pr, metrics.spam_metrics(probabilities, labels, threshold)), target)


def draw(drawn: Sequence[Plot], target: Path) -> None:
    """Draw plots side by side as a PNG file.

    Without any plot it draws an empty one with the title "no examples".
    """
    every = drawn or [Plot("no examples", "", (), (), ())]
    figure = new_figure(5.4 * len(every), 4.2)
    for axes, plot in zip(figure.subplots(1, len(every), squeeze=False)[0], every, strict=True):
        _draw(axes, plot)
    save_figure(figure, target)


def _draw(axes: Axes, plot: Plot) -> None:
    for line in plot.lines:
        dash = ":" if line.style == EVEN else "--" if line.dashed else "-"
        axes.plot(*_columns(line.points), dash, color=INK[line.style], label=line.name)
    for mark in plot.marks:
        colour = INK[mark.style]
        if mark.interval:
            axes.plot([mark.at[0]] * 2, mark.interval, color=colour, linewidth=1.2)
        form: dict[str, Any] = {"marker": "D", "ms": 8} if mark.large else {"marker": "o", "ms": 5}
        axes.plot(*mark.at, color=colour, mec="white", clip_on=False, zorder=3, **form)
    if plot.rule:
        axes.axvline(plot.rule[0], color=INK[EVEN], linestyle=":", label=plot.rule[1])
    axes.set_title(plot.title, loc="left", fontsize=11, fontweight="bold")
    axes.set(xlabel=plot.x, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_xticks([place for place, _ in plot.x_ticks], [text for _, text in plot.x_ticks])
    axes.set_yticks([place for place, _ in plot.y_ticks], [text for _, text in plot.y_ticks])
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if plot.legend and plot.lines:
        axes.legend(frameon=False)


def _columns(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure with a size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def _short(name: str) -> str:
    return name if len(name) <= 14 else name[:13] + "…"


def save_figure(figure: Figure, target: Path) -> None:
    """Write a figure as a PNG file, atomically.

    The file does not name the program that wrote it.
    """
    import warnings

    with atomic(target) as beside, warnings.catch_warnings():
        # a label in a script that the font lacks is drawn as boxes
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(beside, format="png", metadata={"Software": None})
