"""A run as a notebook shows it: what it is, its figures, and how it learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnguide import pages
from nnguide.errors import RunError

if TYPE_CHECKING:
    from nnguide.runs.run import Run

TRAINING, VALIDATION = "#2f7fd6", "#d9722b"  # readable on white and on black
WIDE, HIGH = 300, 100


def html(run: Run) -> str:
    """The run as a fragment of HTML, self-contained and escaped.

    A run whose figures cannot be read is shown by what its manifest says.
    """
    try:
        metrics, history = run.metrics, run.history
    except RunError:
        metrics, history = {}, {}
    stand_in = " (a built-in stand-in for real data)" if run.learned_from_stand_in else ""
    best = metrics.get("best_epoch") or None
    return pages.render(
        "run.html",
        title=f"{run.task.name}: {run.task.title}",
        lead=f"learned from {run.manifest.get('dataset')}{stand_in} · {run.folder}",
        figures=_figures(metrics),
        charts=[
            chart
            for name in ("loss", "accuracy")
            if (chart := _chart(name, history, best)) is not None
        ],
        note=f"{len(run.labels)} labels: {', '.join(run.labels)}"
        + ("" if run.threshold is None else f" · threshold {run.threshold:g}")
        + ("" if best is None else f" · best epoch {best}, the dotted line"),
    )


def _figures(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value and what is to be said beside it."""
    rows = []
    if (accuracy := metrics.get("val_accuracy")) is not None:
        low, high = metrics.get("val_accuracy_low"), metrics.get("val_accuracy_high")
        range_ = "" if low is None or high is None else f"95 %: {low:.2%} to {high:.2%}"
        rows.append(("validation accuracy", f"{accuracy:.2%}", range_))
    if (loss := metrics.get("val_loss")) is not None:
        rows.append(("validation loss", f"{loss:.4f}", ""))
    if (count := metrics.get("n_train")) is not None:
        rows.append(
            ("examples", f"{count:,}", f"and {metrics.get('n_validation', 0):,} for validation")
        )
    if (epochs := metrics.get("epochs")) is not None:
        seconds = metrics.get("train_seconds")
        took = "" if seconds is None else f"{seconds:,.1f} s"
        rows.append(("epochs", f"{epochs:,}", took))
    if (parameters := metrics.get("parameters")) is not None:
        rows.append(("parameters", f"{parameters:,}", ""))
    return rows


def _chart(
    name: str, history: Mapping[str, Sequence[float]], best: int | None
) -> dict[str, Any] | None:
    """The lines of training and validation by epoch; None where there are not two epochs."""
    kept = {key: list(history[key]) for key in (name, f"val_{name}") if key in history}
    values = [value for line in kept.values() for value in line]
    epochs = max(map(len, kept.values()), default=0)
    if epochs < 2:
        return None
    low, high = min(values), max(values)
    wide = WIDE / (epochs - 1)

    def points(line: Sequence[float]) -> str:
        span = (high - low) or 1.0
        places = [(at * wide, HIGH * (high - value) / span) for at, value in enumerate(line)]
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)

    return {
        "title": name,
        "low": f"{low:.4g}",
        "high": f"{high:.4g}",
        "best": None if best is None else f"{(best - 1) * wide:.1f}",
        "lines": [
            {
                "name": "validation" if key.startswith("val_") else "training",
                "colour": VALIDATION if key.startswith("val_") else TRAINING,
                "dashes": not key.startswith("val_"),
                "points": points(line),
                "last": f"{line[-1]:.4g}",
            }
            for key, line in kept.items()
        ],
    }
