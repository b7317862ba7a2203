"""Card of a run in a notebook.

It shows what the run is, its metrics, and how it learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nnguide import pages
from nnguide.errors import RunError
from nnguide.pages.plots import learning

if TYPE_CHECKING:
    from nnguide.runs.run import Run


def html(run: Run) -> str:
    """Return the run as a self-contained, escaped fragment of HTML.

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
        charts=learning(history, best) if len(history.get("loss", ())) > 1 else [],
        note=f"{len(run.labels)} labels: {', '.join(run.labels)}"
        + ("" if run.threshold is None else f" · threshold {run.threshold:g}")
        + ("" if best is None else f" · best epoch {best}"),
    )


def _figures(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and remark of each metric."""
    rows = []
    if (accuracy := metrics.get("val_accuracy")) is not None:
        low, high = metrics.get("val_accuracy_low"), metrics.get("val_accuracy_high")
        range_ = "" if low is None or high is None else f"95 %: {low:.2%} to {high:.2%}"
        rows.append(("validation accuracy", f"{accuracy:.2%}", range_))
    if (loss := metrics.get("val_loss")) is not None:
        rows.append(("validation loss", f"{loss:.4f}", "of the finished network"))
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
