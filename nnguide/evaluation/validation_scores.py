"""The out-of-sample predictions of a spam run, used to choose thresholds.

`train` writes them once; `threshold` can choose again later without training anything.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import runs
from nnguide.data.origins import Origins
from nnguide.errors import ConfigError, RunError
from nnguide.evaluation import figures
from nnguide.evaluation.thresholds import left_out, threshold_for, threshold_table
from nnguide.files import atomic, copy_folder, write_json, writing_to
from nnguide.files.arrays import DAMAGE, read_npz
from nnguide.files.workspace import Workspace
from nnguide.runs import Run, manifest

log = logging.getLogger(__name__)

NAME = "held_out.npz"
USUAL = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class Scores:
    """Out-of-sample predictions of a spam run.

    Attributes:
        spam: (n,) calibrated probabilities of spam.
        labels: (n,) 0 ham, 1 spam.
        origins: which of several joined data sets each is from.
        seen: whether the network that made them learned from other examples of the same set.
    """

    spam: np.ndarray
    labels: np.ndarray
    origins: Origins | None = None
    seen: bool = True


def save(folder: Path, scores: Scores) -> None:
    """Write out-of-sample predictions to a run's folder."""
    arrays: dict[str, Any] = {
        "spam": scores.spam.astype(np.float32),
        "labels": scores.labels.astype(np.int8),
    }
    if scores.origins is not None:
        arrays["sources"] = np.array(scores.origins.names)
        arrays["source"] = scores.origins.of.astype(np.int16)
        arrays["seen"] = np.array(scores.seen)
    with atomic(folder / NAME) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities and labels that `save` wrote.

    Errors are those of `scores_of`.
    """
    scores = scores_of(run)
    return scores.spam, scores.labels


def scores_of(run: Run) -> Scores:
    """Read the predictions that `save` wrote.

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
        arrays = read_npz(path)
        spam, labels = arrays["spam"].astype(np.float64), arrays["labels"].astype(np.int64)
        if spam.ndim != 1 or spam.shape != labels.shape:
            raise ValueError(f"expected as many probabilities as labels; got {spam.shape}")
        if not (np.isfinite(spam) & (spam >= 0) & (spam <= 1)).all():
            raise ValueError("expected probabilities in [0, 1]")
        if set(np.unique(labels)) != {0, 1}:
            raise ValueError("expected labels 0 and 1, both")
        if "source" not in arrays:
            return Scores(spam, labels)
        names, of = tuple(map(str, arrays["sources"])), arrays["source"].astype(np.int64)
        if of.shape != labels.shape or not ((of >= 0) & (of < len(names))).all():
            raise ValueError("expected the data set of each probability")
        return Scores(spam, labels, Origins(names, of), bool(arrays["seen"]))
    except DAMAGE as error:
        raise RunError(f"{path} is damaged: {error}") from error


def choose(scores: Scores, max_blocked_ham: float, data: str) -> dict[str, Any]:
    """Choose the threshold for a bound on blocked ham.

    Returns it as in decision.json.

    What the choice means is logged, with a warning where the ham cannot resolve the bound, and for
    joined data sets what it would mean for one that is left out.

    Args:
        scores: the predictions it is chosen on.
        max_blocked_ham: fraction of ham that may be blocked, in (0, 1).
        data: what they are predictions of.
    """
    choice = threshold_for(scores.spam, scores.labels, max_blocked_ham)
    if not choice.resolved:
        log.warning(
            f"warning: {choice.n_ham:,} ham cannot resolve a fraction of {max_blocked_ham:g}, "
            f"which takes {3 / max_blocked_ham:,.0f}: taking the strictest threshold seen"
        )
    log.info(
        f"threshold {choice.threshold:.6f}: on out-of-sample examples ({data}) it blocks "
        f"{choice.blocked_ham:.2%} of ham (95 % upper bound {choice.blocked_ham_high:.2%}) "
        f"and catches {choice.spam_caught:.1%} of spam"
    )
    chosen: dict[str, Any] = {**asdict(choice), "data": data}
    if scores.origins is not None:
        rows = left_out(scores.spam, scores.labels, scores.origins, max_blocked_ham)
        chosen |= {"sources": rows, "sources_were_learned": scores.seen}
        _say_worst(rows, scores.seen)
    return {"threshold": choice.threshold, "choice": chosen}


def _say_worst(rows: list[dict[str, Any]], seen: bool) -> None:
    blocked = [row for row in rows if row["blocked_ham"] is not None]
    if not blocked:
        return
    worst = max(blocked, key=lambda row: row["blocked_ham"])
    error = max((row["calibration_error"], row["source"]) for row in rows)
    log.info(
        f"chosen on the other data sets, it is {worst['threshold']:.6f} for {worst['source']}, the "
        f"worst of {len(rows)}: {worst['blocked_ham']:.2%} of its ham blocked; the largest "
        f"calibration error is {error[0]:.3f}, of {error[1]}"
    )
    if seen:
        log.info(
            "note: the network learned from all of these data sets. On mail of a source that it "
            "never saw it blocks more: to see how much, train with --set calibration.on=sources"
        )


def table(spam: np.ndarray, labels: np.ndarray, threshold: float) -> list[dict[str, Any]]:
    """Return spam caught and ham blocked at several thresholds.

    These are the usual thresholds and the chosen one.
    """
    return threshold_table(spam, labels, sorted({*USUAL, threshold}))


def draw(folder: Path, spam: np.ndarray, labels: np.ndarray, threshold: float) -> None:
    """Plot spam caught and ham blocked by threshold to thresholds.png."""
    figures.spam_thresholds(spam, labels, folder / "thresholds.png", threshold)


def _data(run: Run) -> str:
    """Return what the predictions that a run keeps are of."""
    where = run.decision_file.get("calibration", {}).get("on", "examples")
    return f"{where} of {run.manifest.get('dataset')}"


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
    scores = scores_of(run)
    spam, labels = scores.spam, scores.labels
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
        chosen = choose(scores, max_blocked_ham, _data(run))
        write_json(folder / "decision.json", {**run.decision_file, **chosen})
        draw(folder, spam, labels, chosen["threshold"])
        facts = {k: v for k, v in run.manifest.items() if k not in manifest.OWN}
        return (
            runs.finish(space, **{**facts, "created": run.manifest["created"]}),
            table(spam, labels, chosen["threshold"]),
        )
