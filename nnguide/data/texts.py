"""Common code of the builders of text sets.

It has rows, distinct texts and their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from nnguide.data.distinct import distinct_key
from nnguide.data.examples import Examples
from nnguide.data.splits import sides

LABELS = ("ham", "spam")

Row = tuple[int, str, str]  # number from 0, label, text


def distinct(rows: Iterable[tuple[str, str]]) -> list[Row]:
    """Return the first row of each distinct text."""
    seen = set()
    kept = []
    for number, (label, text) in enumerate(rows):
        if (key := distinct_key(text)) not in seen:
            seen.add(key)
            kept.append((number, label, text))
    return kept


def divide_rows(rows: list[Row], split_seed: int) -> tuple[list[Row], list[Row]]:
    """Return the rows of the training and the test set."""
    whole = examples((LABELS.index(label) for _, label, _ in rows), [text for *_, text in rows])
    train, test = sides(whole, split_seed)
    return [rows[index] for index in train], [rows[index] for index in test]


def in_order(stored: Mapping[str, np.ndarray]) -> Examples:
    """Return examples from a builder's features, in stored order.

    They are `row` (n,) int, `label` (n,) int and `text` (n,) bytes.
    """
    order = np.argsort(stored["row"], kind="stable")
    return examples(
        stored["label"][order], [text.decode("utf-8") for text in stored["text"][order]]
    )


def examples(labels: Iterable[int], texts: list[str]) -> Examples:
    """Return examples of texts, with 0 for ham, 1 for spam."""
    inputs = np.empty(len(texts), object)
    inputs[:] = texts
    return Examples(inputs, np.fromiter(labels, np.int64), LABELS)
