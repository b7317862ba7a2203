"""Examples that are also in the training set.

Metrics on them show what was memorised.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from nnguide.data.distinct import distinct_key
from nnguide.errors import NnguideError
from nnguide.evaluation import copies
from nnguide.evaluation.evaluate import MeasuredData, figures_of, own_dataset
from nnguide.runs import Run

SHOWN = 5  # duplicates that are shown


def overlap(run: Run, measured_on: MeasuredData, outputs: np.ndarray) -> dict[str, Any]:
    """Count the examples that are also in the run's training set.

    The accuracy without them is returned too.

    Two texts are the same after NFKC, casefold and collapsed white space, and alike if they
    differ in digits and punctuation only; two pictures if all their pixels are.

    Args:
        run: whose training set is read, validation set included.
        measured_on: the examples that the report is about, n of them.
        outputs: (n, nodes) the run's answers to them.
    Returns:
        JSON-able: n, n_train, same, alike, within (examples that repeat an earlier one of these
        n), accuracy_without and n_without (those not in training), examples (a few texts), and
        not_known: why there is nothing to compare with, or None.
    """
    examples = measured_on.examples
    keys = [copies.key(example) for example in examples.inputs]
    counts: dict[str, Any] = {"n": len(examples), "within": len(keys) - len(set(keys))}
    unknown = dict.fromkeys(("n_train", "same", "alike", "accuracy_without", "n_without"))
    if measured_on.own and measured_on.split in ("train", "all"):
        reason = "the training set is among the examples measured"
        return {**counts, **unknown, "examples": [], "not_known": reason}
    try:
        training = copies.training_inputs(run, own_dataset(run))
    except NnguideError as error:
        return {**counts, **unknown, "examples": [], "not_known": str(error)}
    same = copies.among(examples.inputs, training)
    rest = examples.take(np.flatnonzero(~same))
    kind = run.task.kind
    return {
        **counts,
        "n_train": len(training),
        "same": int(same.sum()),
        "alike": kind.alike(training, rest.inputs),
        "accuracy_without": figures_of(outputs[~same], rest, run.threshold)["accuracy"],
        "n_without": len(rest),
        "examples": kind.quoted(examples.inputs[same][:SHOWN]),
        "not_known": None,
    }


def alike(training: np.ndarray, texts: np.ndarray) -> int:
    """Count texts that differ from a training text only in digits.

    Digits and punctuation are ignored; none of `texts` is itself in `training`.
    """
    learned = {_letters(text) for text in training} - {""}
    return sum(_letters(text) in learned for text in texts)


def _letters(text: str) -> str:
    return " ".join(re.sub(r"[\W\d_]+", " ", distinct_key(text)).split())
