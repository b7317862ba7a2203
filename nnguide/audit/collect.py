"""All the results of an audit as plain data.

`--json` prints them, and the page is made from them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnguide.audit import about
from nnguide.audit.attention import attention
from nnguide.audit.mistakes import mistakes
from nnguide.audit.overlap import overlap
from nnguide.audit.slices import slices
from nnguide.data.examples import Examples
from nnguide.errors import InputError
from nnguide.evaluation import changes, metrics, validation_scores
from nnguide.evaluation.evaluate import figures_of, measured_data
from nnguide.evaluation.thresholds import threshold_table
from nnguide.runs import Run

log = logging.getLogger(__name__)

POINTS = 200  # of a curve, at most, that a report keeps


@dataclass(frozen=True, eq=False)
class Audit:
    """An audit, and the answers that it is drawn from.

    Attributes:
        report: JSON-able; docs/json.md says what each key is.
        examples: what was measured on, n of them.
        outputs: (n, nodes) probabilities.
        threshold: of the run; None where the most probable label wins.
    """

    report: dict[str, Any]
    examples: Examples
    outputs: np.ndarray
    threshold: float | None


def audit(
    run: Run,
    dataset: str | None = None,
    *,
    label_column: str | None = None,
    text_column: str | None = None,
    encoding: str | None = None,
    seed: int = 0,
    limit: int | None = changes.LIMIT,
) -> Audit:
    """Measure a whole model: its metrics, its mistakes and their reasons.

    The run answers through its light form where it has one. Nothing is chosen by what is found:
    threshold and calibration stay those of the run.

    Args:
        run: whose network.
        dataset: a set's name or a path; None is what the run was trained on. As `evaluate`, the
            test set is measured, or all of a path that the run was not trained on.
        label_column, text_column, encoding: of a table, as for `evaluate`.
        seed: of the examples looked at and of the mild changes.
        limit: examples that the mild changes are measured on at most; None is all.
    Raises:
        As `evaluate`; InputError if there is no example to measure.
    """
    measured_on = measured_data(run, dataset, None, label_column, text_column, encoding)
    examples = measured_on.examples
    if not len(examples):
        raise InputError("expected at least one example to audit; got none")
    examples = examples.in_memory(len(examples))
    measured_on = replace(measured_on, examples=examples)
    log.info(f"measuring {len(examples):,} examples")
    outputs = run.outputs(examples.inputs)
    headline = figures_of(outputs, examples, run.threshold)
    report: dict[str, Any] = {
        "model": about.model(run),
        "data": about.dataset(run, measured_on),
        "training": about.training(run),
        "headline": headline,
        "calibration": _calibration(run, outputs, examples),
    }
    if run.threshold is not None:
        report |= _of_spam(run.threshold, outputs[:, 0], examples.labels)
    log.info("slices")
    report["slices"] = slices(run, examples, outputs)
    log.info("the worst mistakes and their explanations")
    report["mistakes"] = mistakes(run, examples, outputs)
    if (driving := run.task.kind.driving(run, examples, seed)) is not None:
        report["words"] = driving
    report["robustness"] = changes.robustness(run, examples, seed, limit)
    log.info("duplicates")
    report["duplicates"] = overlap(run, measured_on, outputs)
    report["attention"] = attention(report, changes.aim(run.task))
    return Audit(report, examples, outputs, run.threshold)


def _calibration(run: Run, outputs: np.ndarray, examples: Examples) -> list[dict[str, float | int]]:
    """Return the bins of the calibration diagram.

    Each has the mean stated probability, the fraction correct and the number of examples.
    """
    if outputs.shape[1] == 1:
        bins = metrics.reliability_bins(outputs[:, 0], examples.labels == 1)
    else:
        right = run.decision.numbers(outputs) == examples.labels
        bins = metrics.reliability_bins(outputs.max(axis=1), right)
    return [
        {"stated": float(stated), "observed": float(observed), "n": int(n)}
        for stated, observed, n in zip(*bins, strict=True)
    ]


def _of_spam(threshold: float, spam: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    thresholds = sorted({*validation_scores.USUAL, threshold})
    return {
        "thresholds": threshold_table(spam, labels, thresholds),
        "roc": _thinned(metrics.roc_curve(spam, labels), "blocked_ham", "spam_caught"),
        "pr": _thinned(metrics.pr_curve(spam, labels), "recall", "precision"),
    }


def _thinned(
    curve: tuple[np.ndarray, np.ndarray] | None, x: str, y: str
) -> list[dict[str, float]] | None:
    """Return at most POINTS points of a curve, with both ends.

    None where there is no curve.
    """
    if curve is None:
        return None
    places = np.unique(np.linspace(0, len(curve[0]) - 1, POINTS).round().astype(int))
    return [{x: float(curve[0][place]), y: float(curve[1][place])} for place in places]
