"""Examples that are also in a run's training set.

Metrics on them measure memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from typing import Any

import numpy as np

from nnguide import data
from nnguide.data.distinct import distinct_key
from nnguide.data.records import Records, keys_of
from nnguide.runs import Run


def key(example: Any) -> Hashable:
    """Return a hash key that is equal for equal examples.

    Texts are compared after NFKC and casefold, pictures by pixel.
    """
    if isinstance(example, str):
        return distinct_key(example)
    return hashlib.sha256(np.ascontiguousarray(example).tobytes()).digest()


def training_inputs(run: Run, own: str) -> np.ndarray:
    """Load the inputs of the training set `own`.

    The validation set is included. Errors are those of `data.find`.
    """
    config = run.config.data
    source = data.find(
        run.task.name,
        own,
        split_seed=config.split_seed,
        label_column=config.label_column or None,
        text_column=config.text_column or None,
        encoding=config.encoding or None,
    )
    return source.load("train").inputs


def corrected_note(count: int, of: int) -> str:
    """Return the note on measured examples that the owner corrected."""
    return (
        f"note: {count:,} of these {of:,} were corrected, or are near copies of such: on them the "
        "metrics measure memory"
    )


def among(inputs: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Return which of `inputs` are in `training`, as (n,) bool."""
    if isinstance(inputs, Records) or isinstance(training, Records):
        return np.isin(keys_of(inputs), keys_of(training))
    learned = {key(example) for example in training}
    return np.array([key(example) in learned for example in inputs], bool)
