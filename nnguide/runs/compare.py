"""Differences between two runs: settings, decision and metrics."""

from __future__ import annotations

from typing import Any

from nnguide.config.values import flat
from nnguide.runs.run import Run

FIGURES = (
    "dataset",
    "dataset_is_fallback",
    "epochs",
    "best_epoch",
    "train_seconds",
    "val_accuracy",
    "val_loss",
)
Pairs = dict[str, tuple[Any, Any]]


def compare(a: Run, b: Run) -> dict[str, Pairs]:
    """Return the differences between two runs, by kind and key.

    Each is (the value in a, the value in b). `val_loss` is the cross-entropy of the finished,
    calibrated network; `history_val_loss` is what training showed in the best epoch, with penalties
    and label smoothing.
    """
    return {
        "settings": a.config.differences(b.config),
        "decision": _differences(flat(a.decision_file), flat(b.decision_file)),
        "figures": _differences(_figures(a), _figures(b)),
    }


def _figures(run: Run) -> dict[str, Any]:
    metrics, losses = run.metrics, run.history.get("val_loss", [])
    best = metrics.get("best_epoch")
    shown = losses[best - 1] if isinstance(best, int) and 1 <= best <= len(losses) else None
    return {**{key: metrics.get(key) for key in FIGURES}, "history_val_loss": shown}


def _differences(mine: dict[str, Any], other: dict[str, Any]) -> Pairs:
    keys = [*mine, *(key for key in other if key not in mine)]
    pairs = {key: (mine.get(key), other.get(key)) for key in keys}
    return {key: (x, y) for key, (x, y) in pairs.items() if x != y}
