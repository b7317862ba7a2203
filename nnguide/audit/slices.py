"""Metrics of named slices of the data with 95 % intervals.

A network that is good on the whole may fail on some slices. The inputs and labels alone decide
which examples a slice has, never the network's answers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.data.examples import Examples
from nnguide.evaluation import metrics
from nnguide.evaluation.evaluate import figures_of
from nnguide.preprocessing.mnist_form import stroke_width
from nnguide.runs import Run

SMALL = 30  # examples of a label; a slice with fewer says little, and is marked
WIDTHS = (2.6, 3.6, 4.5)  # pixels of a 28 by 28 picture, between the slices of stroke width
SLANTS = (-10.0, 0.0, 10.0, 20.0)  # degrees, leaning right positive
LENGTHS = (40, 100, 160, 1000)  # characters
CAPITALS = 0.5  # fraction of capitals above which a text is "in capitals"

KEPT = ("accuracy", "accuracy_low", "accuracy_high")
KEPT_OF_SPAM = (  # where a threshold decides
    *("spam_caught", "spam_caught_low", "spam_caught_high"),
    *("blocked_ham", "blocked_ham_low", "blocked_ham_high"),
)

_LINK = re.compile(r"https?://|www\.|\b[a-z0-9-]+\.(?:com|net|org|info|biz|co|uk|ru|io|ly)\b", re.I)
_NUMBER = re.compile(r"\d")
_CURRENCY = re.compile(r"[$£€¥₹¢]|\b(?:usd|gbp|eur|dollars?|pounds?|euros?)\b", re.I)
_LETTER = re.compile(r"[^\W\d_]")

Slice = tuple[str, str, np.ndarray]  # what it goes by, its name, and which examples (n,) bool


def slices(run: Run, examples: Examples, outputs: np.ndarray) -> list[dict[str, Any]]:
    """Return the metrics of every slice.

    Args:
        run: whose answers they are.
        examples: n of them, numbered by the run's labels.
        outputs: (n, nodes) probabilities.
    Returns:
        JSON-able rows of by, slice, n, small and the accuracy with its interval; for spam also
        n_spam, n_ham, spam_caught and blocked_ham with theirs. What is undefined is None.
    """
    names = KEPT if run.threshold is None else (*KEPT, *KEPT_OF_SPAM)
    rows = []
    for by, name, chosen in run.task.kind.slices(examples):
        members = examples.take(np.flatnonzero(chosen))
        figures = figures_of(outputs[chosen], members, run.threshold)
        row: dict[str, Any] = {"by": by, "slice": name, "n": len(members)}
        least = len(members)
        if run.threshold is not None:
            row["n_ham"], row["n_spam"] = members.counts().values()
            least = min(row["n_ham"], row["n_spam"])
        rows.append({**row, "small": least < SMALL, **{key: figures[key] for key in names}})
    return rows


def worse(rows: list[dict[str, Any]], whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the slices that are significantly worse than the whole.

    The interval of such a slice lies wholly on the bad side of the whole's.

    Args:
        rows: from `slices`.
        whole: the headline figures, with their intervals.
    Returns:
        JSON-able rows of by, slice, figure, value, whole (its value there) and n (the examples
        that the figure is of, SMALL at least).
    """
    worse_rows = []
    for row in rows:
        for figure, count in (
            ("accuracy", "n"),
            ("spam_caught", "n_spam"),
            ("blocked_ham", "n_ham"),
        ):
            if figure not in row or row[count] < SMALL or whole[figure] is None:
                continue
            if figure == "accuracy" and "n_spam" in row:  # spam's other two say more
                continue
            if figure == "blocked_ham":
                is_worse = row["blocked_ham_low"] > whole["blocked_ham_high"]
            else:
                is_worse = row[f"{figure}_high"] < whole[f"{figure}_low"]
            if is_worse:
                row_told = {"by": row["by"], "slice": row["slice"], "figure": figure}
                row_told |= {"value": row[figure], "whole": whole[figure], "n": row[count]}
                worse_rows.append(row_told)
    return worse_rows


def of_pictures(examples: Examples) -> Iterator[Slice]:
    for number, name in enumerate(examples.label_names):
        yield "label", name, examples.labels == number
    yield from _between("stroke width", stroke_widths(examples.inputs), WIDTHS, "pixels")
    yield from _between("slant", slants(examples.inputs), SLANTS, "degrees")


def of_numbers(examples: Examples) -> Iterator[Slice]:
    """Yield a slice for each label and each half of a column."""
    for number, name in enumerate(examples.label_names):
        yield "label", name, examples.labels == number
    for name, values in zip(examples.features, examples.inputs.T, strict=True):
        middle = float(np.median(values))
        yield name, f"up to {middle:.4g}", values <= middle
        yield name, f"above {middle:.4g}", values > middle


def of_texts(examples: Examples) -> Iterator[Slice]:
    texts = examples.inputs
    length = np.array([len(text) for text in texts], float)
    yield from _between("length", length, LENGTHS, "characters")
    for by, has in (
        ("link", _LINK.search),
        ("number", _NUMBER.search),
        ("currency", _CURRENCY.search),
        ("letters beyond English", _beyond_english),
        ("more capitals than small letters", _in_capitals),
    ):
        belongs = np.array([bool(has(text)) for text in texts], bool)
        yield by, "yes", belongs
        yield by, "no", ~belongs


def _between(by: str, values: np.ndarray, edges: tuple[float, ...], unit: str) -> Iterator[Slice]:
    """Yield slices of values between the given edges.

    One is below the first edge, one between each two, one from the last on.
    """
    names = [f"below {edges[0]:,g} {unit}"]
    names += [f"{low:,g} to {high:,g} {unit}" for low, high in itertools.pairwise(edges)]
    names.append(f"from {edges[-1]:,g} {unit}")
    place = np.digitize(values, edges)
    for number, name in enumerate(names):
        yield by, name, place == number


def stroke_widths(pictures: np.ndarray) -> np.ndarray:
    """Return the mean stroke width of each picture, in pixels.

    (n, 28, 28) -> (n,).
    """
    return np.array([stroke_width(picture.astype(np.float32) / 255) for picture in pictures])


def slants(pictures: np.ndarray) -> np.ndarray:
    """Return how far the ink leans to the right, in degrees.

    (n,), measured from upright.

    The shear that takes the ink's covariance of rows and columns to zero, as an angle; 0 for a
    picture without ink.
    """
    grey = pictures.astype(np.float64)
    ink = np.maximum(grey.sum(axis=(1, 2)), 1e-9)[:, None, None]
    y, x = np.indices(pictures.shape[1:])
    down = y - (grey * y).sum(axis=(1, 2), keepdims=True) / ink  # (n, 28, 28)
    right = x - (grey * x).sum(axis=(1, 2), keepdims=True) / ink
    shared = -(grey * down * right).sum(axis=(1, 2))
    return np.degrees(np.arctan2(shared, np.maximum((grey * down**2).sum(axis=(1, 2)), 1e-9)))


def _beyond_english(text: str) -> bool:
    return not text.isascii() and any(not letter.isascii() for letter in _LETTER.findall(text))


def _in_capitals(text: str) -> bool:
    letters = _LETTER.findall(text)
    share = metrics.ratio(sum(letter.isupper() for letter in letters), len(letters))
    return share is not None and share > CAPITALS
