"""The out-of-sample predictions that a spam run keeps, and the thresholds that are chosen by them.

`train` writes them once; `threshold` can choose again later without training anything.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import runs
from nnguide.errors import ConfigError, RunError
from nnguide.evaluation import figures
from nnguide.evaluation.thresholds import threshold_for, threshold_table
from nnguide.files import DAMAGE, atomic, copy_folder, read_npz, write_json, writing_to
from nnguide.runs import Run, manifest
from nnguide.workspace import Workspace

log = logging.getLogger(__name__)

NAME = "held_out.npz"
USUAL = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99)


def save(folder: Path, spam: np.ndarray, labels: np.ndarray) -> None:
    """Keep calibrated out-of-sample probabilities of spam, (n,), and their labels, (n,)."""
    with atomic(folder / NAME) as beside, beside.open("wb") as file:
        np.savez_compressed(file, spam=spam.astype(np.float32), labels=labels.astype(np.int8))


def load(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities and labels that `save` kept.

    Raises:
        ConfigError: the run is not a spam run.
        RunError: it keeps none, or they are damaged.
    """
    if run.threshold is None:
        raise ConfigError(f"a threshold is for spam; {run.task.name} takes the most probable label")
    path = run.folder / NAME
    if not path.exists():
        raise RunError(
            f"{run.folder} keeps no out-of-sample predictions to choose a threshold by: it was "
            f"interrupted or trained with calibration.on=none. Train it again."
        )
    try:
        kept = read_npz(path)
        spam, labels = kept["spam"].astype(np.float64), kept["labels"].astype(np.int64)
        if spam.ndim != 1 or spam.shape != labels.shape:
            raise ValueError(f"expected as many probabilities as labels; got {spam.shape}")
        if not (np.isfinite(spam) & (spam >= 0) & (spam <= 1)).all():
            raise ValueError("expected probabilities in [0, 1]")
        if set(np.unique(labels)) != {0, 1}:
            raise ValueError("expected labels 0 and 1, both")
    except DAMAGE as error:
        raise RunError(f"{path} is damaged: {error}") from error
    return spam, labels


def choose(spam: np.ndarray, labels: np.ndarray, max_blocked_ham: float) -> dict[str, Any]:
    """The threshold for a bound on blocked ham, as decision.json holds it.

    Args:
        spam: (n,) calibrated out-of-sample probabilities of spam.
        labels: (n,) 0 ham, 1 spam.
        max_blocked_ham: fraction of ham that may be blocked, in (0, 1).
    """
    choice = threshold_for(spam, labels, max_blocked_ham)
    if not choice.resolved:
        log.warning(
            f"warning: {choice.n_ham:,} ham cannot resolve a fraction of {max_blocked_ham:g}, "
            f"which takes {3 / max_blocked_ham:,.0f}: taking the strictest threshold seen"
        )
    log.info(
        f"threshold {choice.threshold:.6f}: on out-of-sample examples it blocks "
        f"{choice.blocked_ham:.2%} of ham (95 % upper bound {choice.blocked_ham_high:.2%}) "
        f"and catches {choice.spam_caught:.1%} of spam"
    )
    return {"threshold": choice.threshold, "choice": asdict(choice)}


def table(spam: np.ndarray, labels: np.ndarray, threshold: float) -> list[dict[str, Any]]:
    """Spam caught and ham blocked at the usual thresholds and at the chosen one."""
    return threshold_table(spam, labels, sorted({*USUAL, threshold}))


def draw(folder: Path, spam: np.ndarray, labels: np.ndarray, threshold: float) -> None:
    """Draw spam caught and ham blocked against the threshold, as thresholds.png."""
    figures.spam_thresholds(spam, labels, folder / "thresholds.png", threshold)


def set_threshold(
    run: Run,
    max_blocked_ham: float,
    out: Path | None,
    force: bool = False,
) -> tuple[Run, list[dict[str, Any]]]:
    """Choose the threshold of a finished run again.

    Args:
        run: a spam run. One that comes with nnguide is never changed: it needs `out`.
        max_blocked_ham: fraction of ham that may be blocked, in (0, 1).
        out: a new folder for the run with its new threshold; None changes the run in place.
        force: replace `out` where it is not empty.
    Returns:
        The run with its new threshold, and the table of thresholds.
    """
    if not 0 < max_blocked_ham < 1:
        raise ConfigError(
            f"--max-blocked-ham is a fraction in (0, 1); got {max_blocked_ham:g}. "
            "For 0.2 % write 0.002."
        )
    spam, labels = load(run)
    if out is None and run.folder.resolve() in map(Path.resolve, runs.all_shipped(run.task.name)):
        raise ConfigError(f"{run.folder} comes with nnguide and is read-only. Give --out DIR.")
    if NAME not in run.manifest["files"]:
        log.warning(
            f"warning: the manifest of {run.folder}, an older run, does not have {NAME}: nothing "
            "proves that these predictions are its own"
        )
    space = Workspace(out or run.folder, "threshold", Run.open, force=force or out is None)
    with space.claimed() as folder:
        with writing_to(folder):
            copy_folder(run.folder, folder)
        chosen = choose(spam, labels, max_blocked_ham)
        write_json(folder / "decision.json", {**run.decision_file, **chosen})
        draw(folder, spam, labels, chosen["threshold"])
        facts = {k: v for k, v in run.manifest.items() if k not in manifest.OWN}
        return (
            runs.finish(space, **{**facts, "created": run.manifest["created"]}),
            table(spam, labels, chosen["threshold"]),
        )
