"""Reports of a search: TensorBoard's HParams and a fair comparison."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.config import Config
from nnguide.tuning.rows import Row
from nnguide.tuning.scoring import Scorer
from nnguide.tuning.settings import Search

log = logging.getLogger(__name__)


def write_hparams(search: Search, rows: Sequence[Row], folder: Path) -> None:
    """Write the completed trials for TensorBoard's HParams page."""
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    for row in rows:
        if row.score is None:
            continue
        with tf.summary.create_file_writer(str(folder / row.number)).as_default():
            values = {"train.epochs": row.epochs, **row.values}
            api.hparams(values, trial_id=row.number)
            for name, value in row.figures.items():
                tf.summary.scalar(name, value, step=row.best_epoch or 0)


def compare(scorer: Scorer, best: Config, seeds: int) -> dict[str, Any]:
    """Compare the best configuration with the default over several seeds.

    Both are trained and measured with each seed.

    Args:
        best: of the best trial.
        seeds: trainings of each side, with seeds that no trial had.
    Returns:
        The objective's name; for `default` and `best` the epochs asked for, the scores,
        their mean and standard deviation (null for one seed); `gain`, how much better the best
        is; `spread`, the standard deviation of a difference of two trainings; and whether the
        gain exceeds it.
    """
    search = scorer.search
    configs = {"default": search.base, "best": best}
    sides: dict[str, list[float]] = {side: [] for side in configs}
    first = search.seed + search.executions
    for number in range(seeds):
        for side, config in configs.items():
            log.info(f"comparison: {side}, seed {number + 1} of {seeds}")
            sides[side].append(scorer.score(config, first + number, 1).score)
    comparison: dict[str, Any] = {"objective": search.objective, "seeds": seeds}
    for side, scores in sides.items():
        std = float(np.std(scores, ddof=1)) if seeds > 1 else None
        comparison[side] = {
            "epochs": configs[side].train.epochs,
            "scores": scores,
            "mean": float(np.mean(scores)),
            "std": std,
            "deviation": std,  # its old name
        }
    gain = comparison["best"]["mean"] - comparison["default"]["mean"]
    comparison["gain"] = gain if search.maximise else -gain
    spread = None
    if seeds > 1:
        spread = math.hypot(comparison["best"]["std"], comparison["default"]["std"])
    comparison["spread"] = spread
    comparison["exceeds"] = None if spread is None else comparison["gain"] > spread
    return comparison


def verdict(comparison: dict[str, Any]) -> list[str]:
    """Return the comparison in words."""
    lines = []
    for side, title in (("default", "default preset"), ("best", "best trial")):
        side_figures = comparison[side]
        spread = "" if side_figures["std"] is None else f" ± {side_figures['std']:.4f}"
        figure = f"{comparison['objective']} {side_figures['mean']:.4f}{spread}"
        lines.append(
            f"{title:<15} {figure} ({side_figures['epochs']} epochs, {comparison['seeds']} seeds)"
        )
    gain = f"gain {comparison['gain']:+.4f}"
    if comparison["spread"] is None:
        lines.append(f"{gain}: one seed each is too few to tell it from chance")
    elif comparison["exceeds"]:
        lines.append(f"{gain}: more than the spread of a difference, {comparison['spread']:.4f}")
    else:
        lines.append(
            f"{gain}: NOT more than the spread of a difference, {comparison['spread']:.4f}; "
            "keep the default, or search on"
        )
    return lines
