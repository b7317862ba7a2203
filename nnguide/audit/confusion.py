"""The confusion matrix of the page, with examples behind its cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.audit.blocks import Block
from nnguide.audit.collect import Audit
from nnguide.audit.mistakes import png
from nnguide.evaluation import plots
from nnguide.evaluation.report import percent, shown
from nnguide.inference.decision import Decision

EXAMPLES = 8  # of a mistake that are shown
LETTERS = 240  # of a text that are shown


def matrix(audit: Audit, explained: str) -> Block:
    """Return the confusion matrix with its most confident mistakes.

    The counts are by true label and answer; each kind of mistake has the examples that the
    network was most sure of.
    """
    labels, counts = audit.report["model"]["labels"], audit.report["headline"]["confusion"]
    threshold = audit.report["headline"].get("threshold")
    decided = Decision(tuple(labels), threshold).numbers(audit.outputs)
    true = np.asarray(audit.examples.labels)
    every = audit.outputs
    if every.shape[1] == 1:
        every = np.concatenate([1 - every, every], axis=1)
    rows, mistakes, shades = [], [], plots.shades(counts)
    for row, name in enumerate(labels):
        total = sum(counts[row])
        cells = []
        for column, count in enumerate(counts[row]):
            key = f"{row}-{column}" if count and row != column else ""
            cells.append({"n": count, "shade": float(shades[row, column]), "key": key})
            if key:
                places = np.flatnonzero((true == row) & (decided == column))
                surest = places[np.argsort(-every[places, column], kind="stable")][:EXAMPLES]
                mistakes.append(
                    {
                        "key": key,
                        "title": f"{name} taken for {labels[column]}: {count:,}",
                        "more": count - len(surest),
                        "examples": [
                            _example(audit, place, every[place, column]) for place in surest
                        ],
                    }
                )
        rows.append({"name": shown(name), "cells": cells, "n": total})
    return {
        "kind": "matrix",
        "caption": "True labels and answers",
        "explained": explained,
        "names": [shown(name) for name in labels],
        "rows": rows,
        "mistakes": mistakes,
    }


def _example(audit: Audit, place: int, probability: float) -> dict[str, Any]:
    """Return an input to display, with the network's confidence."""
    raw = audit.examples.inputs[place]
    made = {
        "caption": f"{place:,}: {percent(float(probability), 1)} sure",
        "picture": "",
        "text": "",
    }
    if isinstance(raw, str):
        made["text"] = raw[:LETTERS] + ("…" if len(raw) > LETTERS else "")
    elif np.ndim(raw) == 1:
        values = zip(audit.examples.features, np.asarray(raw), strict=True)
        made["text"] = ", ".join(f"{name} {value:.4g}" for name, value in values)
    else:
        made["picture"] = png(np.rint(raw).astype(np.uint8))
    return made
