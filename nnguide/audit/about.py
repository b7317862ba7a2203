"""The origin of a model, its training and its intended use."""

from __future__ import annotations

import shlex
from typing import Any

from nnguide import runs
from nnguide.data.dataset_info import BY_NAME
from nnguide.evaluation.evaluate import MeasuredData, own_dataset
from nnguide.files import sha256
from nnguide.runs import Run


def model(run: Run) -> dict[str, Any]:
    """Return when, how and from which settings the model was made.

    The hashes of its files are included.
    """
    config = run.config.to_dict()
    return {
        "run": str(run.folder),
        "task": run.task.name,
        "labels": list(run.labels),
        "created": run.manifest.get("created"),
        "nnguide": run.manifest.get("nnguide"),
        "versions": run.manifest.get("versions") or {},
        "manifest_sha256": sha256(run.folder / runs.MANIFEST),
        "files": run.manifest["files"],
        "threshold": run.threshold,
        "calibration": run.decision_file.get("calibration"),
        "config": config,
        "command": shlex.join(
            ["nnguide", "train", run.task.name, "--config", str(run.folder / "config.json")]
        ),
        "intended": list(run.task.intended or run.task.kind.intended),
        "limits": list(run.task.limits or run.task.kind.limits),
    }


def dataset(run: Run, measured_on: MeasuredData) -> dict[str, Any]:
    """Return facts on the data for training and for this measurement."""
    return {
        "trained_on": _facts(own_dataset(run)),
        "trained_on_fallback": bool(run.manifest["dataset_is_fallback"]),
        "measured_on": _facts(measured_on.source.name),
        "is_fallback": measured_on.is_fallback,
        "own": measured_on.own,
        "split": measured_on.split,
        "n": len(measured_on.examples),
        "counts": measured_on.examples.counts(),
    }


def _facts(name: str) -> dict[str, Any]:
    """Return a data set's name and what is known of it.

    For a user's own data only the name is known.
    """
    known = [BY_NAME[name_of_set] for name_of_set in name.split("+") if name_of_set in BY_NAME]
    return {
        "name": name,
        "description": " ".join(facts.description for facts in known) or None,
        "origin": "; ".join(facts.origin for facts in known) or None,
        "terms": "; ".join(facts.terms for facts in known) or None,
        "flaws": [flaw for facts in known for flaw in facts.flaws],
    }


def training(run: Run) -> dict[str, Any]:
    """Return the training's metrics and its history by epoch.

    `history` has a list of values, one an epoch, under each column. It is empty for a run that
    kept none, such as an ensemble.
    """
    metrics = run.metrics
    keys = ("epochs", "best_epoch", "train_seconds", "n_train", "n_validation", "parameters")
    more = ("val_accuracy", "val_loss", "interrupted", "runtime")
    return {**{key: metrics.get(key) for key in (*keys, *more)}, "history": run.history}
