"""Pictures of a training run and of an evaluation, as PNG files.

Drawn without pyplot, so without its global state or a display. The colours are those of
Okabe & Ito (Color Universal Design, 2008), which colour-blind readers can tell apart; what
a colour says, a dash or a marker says too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide.errors import InputError
from nnguide.evaluation import metrics
from nnguide.files import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
MOST_NUMBERS = 25  # labels up to which a confusion matrix has its counts written into it


def curves(history: Mapping[str, Sequence[float]], target: Path, best_epoch: int | None) -> None:
    """Training and validation loss and accuracy by epoch, side by side.

    Args:
        history: one value an epoch under loss and accuracy and, where there was validation,
            val_loss and val_accuracy; other keys are not drawn.
        target: the PNG file to write.
        best_epoch: counted from 1, marked by a line; None marks nothing.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(10, 4)
    for axes, key in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        drawn = [(key, "training", BLUE, "--"), (f"val_{key}", "validation", ORANGE, "-")]
        for name, label, colour, dash in drawn:
            if len(values := history.get(name, ())):
                epochs = np.arange(1, len(values) + 1)
                marker = "o" if len(values) <= 30 else None
                axes.plot(epochs, values, dash, color=colour, label=label, marker=marker, ms=4)
        if best_epoch is not None:
            axes.axvline(best_epoch, color=GREY, linestyle=":", label=f"best epoch, {best_epoch}")
        axes.set(xlabel="epoch", title=key)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if key == "accuracy":
            _in_percent(axes.yaxis)
        _finish(axes)
    save_figure(figure, target)


def confusion(matrix: Any, label_names: Sequence[str], target: Path) -> None:
    """A (k, k) confusion matrix: shares of each true label by colour, counts in writing."""
    matrix = np.asarray(matrix)
    k = len(label_names)
    if matrix.shape != (k, k):
        raise InputError(f"expected a confusion matrix of shape ({k}, {k}); got {matrix.shape}")
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    size = 3.2 + 0.45 * min(k, MOST_NUMBERS)
    figure = new_figure(size + 1, size)
    axes = figure.subplots()
    # the square root lets a share of 1 % still be seen
    image = axes.imshow(np.sqrt(share), cmap="cividis", vmin=0, vmax=1)
    bar = figure.colorbar(image, ax=axes, label="fraction of the true label")
    levels = (0, 0.01, 0.1, 0.25, 0.5, 1)
    bar.set_ticks([level**0.5 for level in levels], labels=[f"{level:.0%}" for level in levels])

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
                colour = "black" if share[row, column] > 0.25 else "white"
                axes.text(
                    column, row, f"{count}", ha="center", va="center", color=colour, fontsize=7
                )
    save_figure(figure, target)


def reliability(probabilities: np.ndarray, correct: np.ndarray, target: Path) -> None:
    """Fraction correct against mean probability, in 15 bins of equal mass.

    Args:
        probabilities: (n,) float, of the answer given (for spam: P(spam)).
        correct: (n,) bool, whether it was right (for spam: whether the message is spam).
    """
    mean, share, count = metrics.reliability_bins(probabilities, correct)
    right = np.rint(share * count).astype(int)
    low, high = np.array(
        [metrics.wilson_interval(int(r), int(n)) for r, n in zip(right, count, strict=True)]
    ).T.reshape(2, -1)
    error = metrics.calibration_error(probabilities, correct)

    figure = new_figure(5.5, 5)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], ":", color=GREY, label="calibrated")
    axes.errorbar(
        mean,
        share,
        yerr=np.maximum([share - low, high - share], 0),
        fmt="o-",
        color=BLUE,
        ecolor=GREY,
        capsize=3,
        label="observed, with 95 % interval",
    )
    title = "no examples" if error is None else f"calibration error {error:.4f}"
    axes.set(xlabel="predicted probability", ylabel="fraction correct", title=title)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        _in_percent(axis)
    _finish(axes)
    save_figure(figure, target)


def spam_thresholds(
    probabilities: np.ndarray, labels: np.ndarray, target: Path, threshold: float | None = None
) -> None:
    """Spam caught (SC) and ham blocked (BH) against the threshold; the one in use is marked.

    Args:
        probabilities: (n,) float, P(spam).
        labels: (n,) int, 0 ham or 1 spam.
        threshold: in [0, 1], or None to mark none.
    """
    grid = 1 / (1 + np.exp(-np.linspace(-7, 7, 400)))  # 0.0009 to 0.9991, dense at both ends
    figure = new_figure(7, 6)
    both = figure.subplots(2, 1, sharex=True)
    panels = [(1, "spam caught (SC)", BLUE, "-"), (0, "ham blocked (BH)", ORANGE, "--")]
    for axes, (label, name, colour, dash) in zip(both, panels, strict=True):
        scores = np.sort(np.asarray(probabilities, np.float64)[np.asarray(labels) == label])
        if len(scores):
            above = 1 - np.searchsorted(scores, grid, side="right") / len(scores)
            axes.plot(grid, above, dash, color=colour, label=f"{name}, n = {len(scores):,}")
        if threshold is not None:
            inside = min(max(threshold, grid[0]), grid[-1])
            axes.axvline(inside, color=GREY, linestyle=":", label=f"threshold {threshold:.4g}")
        axes.set(ylabel=name, xscale="logit")
        axes.set_xlim(grid[0], grid[-1])
        axes.set_xticks(ticks := [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
        axes.set_xticklabels([f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        if label == 0:  # a few tenths of a percent are what matters here
            axes.set_yscale("symlog", linthresh=0.001)
            axes.set_yticks([0, 0.001, 0.01, 0.1, 1], ["0%", "0.1%", "1%", "10%", "100%"])
            axes.set_ylim(-0.0001, 1.5)
        else:
            _in_percent(axes.yaxis)
        _finish(axes)
    both[1].set_xlabel("threshold")
    save_figure(figure, target)


def spam_curves(
    probabilities: np.ndarray, labels: np.ndarray, target: Path, threshold: float | None = None
) -> None:
    """The ROC curve and the precision-recall curve, side by side. Args as above."""
    roc, pr = metrics.roc_curve(probabilities, labels), metrics.pr_curve(probabilities, labels)
    at: dict[str, float | None] = {}
    if threshold is not None:
        at = metrics.spam_metrics(probabilities, labels, threshold)
    figure = new_figure(10, 4.5)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], ":", color=GREY, label="chance")
    panels = [
        (left, roc, metrics.roc_auc(probabilities, labels), "blocked_ham", "spam_caught"),
        (right, pr, metrics.pr_auc(probabilities, labels), "recall", "precision"),
    ]
    for axes, curve, area, x, y in panels:
        if curve is not None:
            kind = "default" if axes is left else "steps-pre"
            axes.plot(*curve, color=BLUE, drawstyle=kind, label=f"area {area:.4f}")
        if at.get(x) is not None and at.get(y) is not None:
            axes.plot(at[x], at[y], "D", color=ORANGE, label=f"at threshold {threshold:.4g}")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        _in_percent(axes.xaxis)
        _in_percent(axes.yaxis)
        _finish(axes)
    left.set(xlabel="ham blocked (BH)", ylabel="spam caught (SC)", title="ROC")
    right.set(xlabel="recall (spam caught)", ylabel="precision", title="precision and recall")
    save_figure(figure, target)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def _in_percent(axis: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(xmax=1))


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)


def _short(name: str) -> str:
    return name if len(name) <= 14 else name[:13] + "…"


def save_figure(figure: Figure, target: Path) -> None:
    """Write a figure as a PNG file, atomically and without the name of its writer."""
    import warnings

    with atomic(target) as beside, warnings.catch_warnings():
        # a label in a script that the font lacks is drawn as boxes
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(beside, format="png", metadata={"Software": None})
