"""The plots of a search, by trial and by hyperparameter.

They are the score over trials, parallel coordinates, and the score by hyperparameter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.evaluation.figures import BLUE, GREY, ORANGE, new_figure, save_figure
from nnguide.tuning.rows import Row
from nnguide.tuning.rows import best as best_row
from nnguide.tuning.settings import Search

ACROSS = 4  # small pictures in a row
FEW = 6  # distinct values up to which each has its own place and name


def draw(search: Search, rows: Sequence[Row], target: Path) -> None:
    """Draw the completed trials of a search as a PNG file."""
    done = [row for row in rows if row.score is not None]
    names = [
        name
        for name in dict.fromkeys(name for row in done for name in row.values)
        if len({_text(row.values.get(name)) for row in done}) > 1
    ]
    if not names:  # one trial, or all alike
        figure = new_figure(13, 4)
        _over_trials(figure.add_subplot(), search, done)
        save_figure(figure, target)
        return
    below = -(-len(names) // ACROSS)
    figure = new_figure(13, 7.5 + 2.7 * below)
    grid = figure.add_gridspec(2 + below, ACROSS, height_ratios=[1.2, 1.5, *[1.0] * below])
    _over_trials(figure.add_subplot(grid[0, :]), search, done)
    _parallel(figure, figure.add_subplot(grid[1, :]), search, done, names)
    order = sorted(names, key=lambda name: -(importance(done, name) or 0.0))
    for number, name in enumerate(order):
        axes = figure.add_subplot(grid[2 + number // ACROSS, number % ACROSS])
        _by_value(axes, search, done, name)
    save_figure(figure, target)


def importance(done: Sequence[Row], name: str) -> float | None:
    """Return which fraction of the scores' variance a hyperparameter explains.

    It is in [0, 1].

    Of numbers the squared rank correlation; of words the variance between their groups, less
    what chance gives that many groups (epsilon squared). None with fewer than 3 trials. With few
    trials it says little, and it sees one hyperparameter at a time.
    """
    rows = [row for row in done if name in row.values]
    scores = np.array([row.score for row in rows], float)
    values = [row.values[name] for row in rows]
    if len(rows) < 3 or np.ptp(scores) == 0:
        return None
    if all(_is_number(value) for value in values):
        x, y = _ranks(np.array(values, float)), _ranks(scores)
        if np.ptp(x) == 0:
            return None
        return float(np.corrcoef(x, y)[0, 1] ** 2)
    groups = [
        scores[[_text(value) == word for value in values]] for word in {_text(v) for v in values}
    ]
    n, k = len(scores), len(groups)
    if n <= k or k < 2:
        return None
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    total = float(((scores - scores.mean()) ** 2).sum())
    return max(0.0, (total - within - (k - 1) * within / (n - k)) / total)


def _over_trials(axes: Any, search: Search, done: Sequence[Row]) -> None:
    """Plot each trial's score in order, and the best so far.

    The order is that of their ids.
    """
    from matplotlib.ticker import MaxNLocator

    scores = np.array([row.score for row in done], float)
    numbers = [int(row.number) for row in done]
    best = (np.maximum if search.maximise else np.minimum).accumulate(scores)
    axes.plot(numbers, scores, "o", color=BLUE, ms=5, label="trial")
    axes.step(numbers, best, "--", where="post", color=ORANGE, label="best so far")
    axes.set(xlabel="trial", ylabel=search.objective, title="score over trials")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def _parallel(
    figure: Any, axes: Any, search: Search, done: Sequence[Row], names: Sequence[str]
) -> None:
    """Plot each trial as a line through its hyperparameters.

    It ends at the trial's score; the best one is thick.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scores = np.array([row.score for row in done], float)
    columns = [_scaled([row.values.get(name) for row in done]) for name in names]
    low, high = float(scores.min()), float(scores.max())
    ends = {0.0: f"{low:.4g}", 1.0: f"{high:.4g}"}
    columns.append(((scores - low) / ((high - low) or 1.0), ends))
    colours = ScalarMappable(Normalize(low, high if high > low else low + 1e-9), "cividis")
    first = best_row(search, done)
    for index, row in enumerate(done):
        chosen = row is first
        axes.plot(
            range(len(columns)),
            [heights[index] for heights, _ in columns],
            "-",
            color=ORANGE if chosen else colours.to_rgba(scores[index]),
            linewidth=3 if chosen else 1,
            alpha=1 if chosen else 0.7,
            zorder=3 if chosen else 2,
            label=f"best: trial {row.number}" if chosen else None,
        )
    for place, (_, marks) in enumerate(columns):
        axes.axvline(place, color=GREY, linewidth=0.8)
        for height, word in marks.items():
            axes.text(
                place + 0.02,
                height,
                word,
                fontsize=7,
                va="center",
                zorder=4,
                parse_math=False,
                bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
            )
    axes.set_xticks(
        range(len(columns)), [*names, search.objective], rotation=15, fontsize=8, parse_math=False
    )
    axes.set_yticks([])
    axes.set(title="parallel coordinates", xlim=(-0.1, len(columns) - 0.6))
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    figure.colorbar(colours, ax=axes, label=search.objective, fraction=0.02, pad=0.01)


def _by_value(axes: Any, search: Search, done: Sequence[Row], name: str) -> None:
    """Plot the score against one hyperparameter, with its importance."""
    rows = [row for row in done if name in row.values]
    scores = [row.score for row in rows]
    values = [row.values[name] for row in rows]
    numbers = all(_is_number(value) for value in values)
    if numbers and len(set(values)) > FEW:
        axes.plot(values, scores, "o", color=BLUE, ms=4)
        if min(values) > 0 and max(values) >= 10 * min(values):
            axes.set_xscale("log")
    else:
        distinct = sorted(set(values)) if numbers else sorted({_text(value) for value in values})
        words = [f"{value:g}" if numbers else value for value in distinct]
        places = [distinct.index(value if numbers else _text(value)) for value in values]
        axes.plot(places, scores, "o", color=BLUE, ms=4)
        axes.set_xticks(range(len(words)), words, rotation=20, fontsize=7, parse_math=False)
        axes.set_xlim(-0.5, len(words) - 0.5)
    share = importance(done, name)
    shown = "not known" if share is None else f"{share:.2f}"
    axes.set_title(f"{name}\nimportance {shown}", fontsize=9, parse_math=False)
    axes.set_ylabel(search.objective, fontsize=8)
    axes.grid(alpha=0.3)


def _scaled(values: Sequence[Any]) -> tuple[np.ndarray, dict[float, str]]:
    """Return heights in [0, 1] by rank, and their labels.

    Ranks are those of distinct values; only some heights have a label.
    """
    if all(_is_number(value) for value in values):
        distinct = sorted(set(values))
    else:
        values = [_text(value) for value in values]
        distinct = sorted(set(values))
    last = max(len(distinct) - 1, 1)
    heights = np.array([distinct.index(value) / last for value in values])
    shown = distinct if len(distinct) <= FEW else [distinct[0], distinct[-1]]
    marks = {
        distinct.index(value) / last: f"{value:,}" if isinstance(value, int) else _short(value)
        for value in shown
    }
    return heights, marks


def _short(value: Any) -> str:
    return f"{value:.3g}" if _is_number(value) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks, where equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    upper = np.cumsum(counts)
    return (upper - (counts - 1) / 2)[inverse]
