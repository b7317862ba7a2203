"""Rules about the data: scale, order, balance, overlap with the test set."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np

from nnguide.doctor.case import Case
from nnguide.doctor.data import TEXTS, Pair, arrays
from nnguide.doctor.probes import first_weighted
from nnguide.doctor.rule import CannotCheckError, Evidence, rule

LARGE = 8.0  # root mean square of a number that goes into the first layer
SMALL = 0.02  # largest number that does: scaled twice
RUN = 4.0  # runs of equal labels this many times longer than shuffled ones are an order
IMBALANCE = 6.0  # times that the most frequent of two classes is as frequent as the other
IMBALANCE_OF_MANY = 10.0
MOST_CLASSES = 1000


@rule(
    "not-finite",
    "error",
    "A network takes NaN or infinity without a warning, and one training step on it makes every "
    "weight NaN.",
    "Remove such rows, or put a number in their place (np.nan_to_num), before training.",
    cheap=True,
)
def not_finite(case: Case) -> Evidence | None:
    data = case.require_data()
    counts = {}
    for name, pair in (("train", data.train), ("val", data.validation), ("test", data.test)):
        for letter, value in (("x", pair.x), ("y", pair.y)) if pair else ():
            bad = sum(int((~np.isfinite(a)).sum()) for a in arrays(value) if a.dtype.kind == "f")
            if bad:
                counts[f"{letter}_{name}"] = bad
    if not counts:
        return None
    shown = ", ".join(f"{count:,} in {name}" for name, count in counts.items())
    return Evidence(f"NaN or infinity: {shown}", {"counts": counts})


@rule(
    "unscaled-inputs",
    "error",
    "A sum W x + b grows with its inputs: large ones saturate the units and make the steps of "
    "gradient descent too long for some weights and too short for others.",
    "Bring the inputs to about [-1, 1] inside the model: Rescaling(1 / 255) for pictures, a "
    "Normalization layer adapted to x_train for columns.",
)
def unscaled_inputs(case: Case) -> Evidence | None:
    case.require_data()
    for node in first_weighted(case.graph):
        numbers = case.forward.received.get(id(node))
        if numbers is None or not numbers.size:
            continue
        seen = _scale(numbers, node.name)
        if seen is not None:
            return seen
    if not case.forward.received:
        if all(a.dtype.kind in TEXTS for a in arrays(case.require_data().train.x)):
            return None  # texts
        import keras

        if any(isinstance(node.op, keras.layers.Embedding) for node in case.graph.nodes):
            return None  # ids, which an embedding looks up
        raise CannotCheckError("the input of the first layer with weights cannot be read")
    return None


def _scale(numbers: np.ndarray, name: str) -> Evidence | None:
    """Return evidence that numbers are far from 1.

    They are (rows, …, features).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        columns = np.nan_to_num(numbers.reshape(-1, numbers.shape[-1]).astype(np.float64))
        size = np.sqrt((columns**2).mean(axis=0))
    worst = int(size.argmax())
    low, high = float(columns.min()), float(columns.max())
    measured = {
        "layer": name,
        "lowest": low,
        "highest": high,
        "largest_rms": float(size[worst]),
        "feature": worst,
    }
    text = f"{name} gets numbers from {low:.4g} to {high:.4g}"
    if size[worst] > LARGE:
        return Evidence(
            f"{text}; the root mean square of feature {worst} is {size[worst]:.3g}", measured
        )
    if 0 < max(abs(low), abs(high)) < SMALL:
        return Evidence(
            f"{text}: nearly nothing",
            measured,
            fix="Scale the inputs only once: it seems to be done both before the model and in it.",
        )
    return None


def classes(case: Case) -> np.ndarray:
    """Return the class of each training example, (n,) int.

    Raises CannotCheckError if the labels are no classes.
    """
    y = arrays(case.require_data().train.y)
    if len(y) != 1:
        raise CannotCheckError("the model has several outputs")
    labels = y[0]
    if labels.dtype.kind in "biuf" and labels.ndim == 2 and labels.shape[1] > 1:
        if not np.isin(labels, (0, 1)).all() or not (labels.sum(axis=1) == 1).all():
            raise CannotCheckError("the labels are not classes")
        return labels.argmax(axis=1)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "biufU":
        raise CannotCheckError("the labels are not classes")
    if labels.dtype.kind == "f" and not (labels == np.round(labels)).all():
        raise CannotCheckError("the labels are not classes")
    _judged_as_classes(case)
    values, numbers = np.unique(labels, return_inverse=True)
    if not 2 <= len(values) <= min(MOST_CLASSES, len(labels) // 2):
        raise CannotCheckError("the labels are not classes")
    return numbers


def _judged_as_classes(case: Case) -> None:
    """Raise CannotCheckError if the labels look like counts.

    Whole numbers under a distance loss are counts or the like, unless there are only two.
    """
    try:
        endings = case.endings
    except CannotCheckError:
        return
    if len(endings) == 1 and endings[0].family in ("distance", "other"):
        y = endings[0].labels
        if y is not None and len(np.unique(y)) > 2:
            raise CannotCheckError("the labels are not classes")


@rule(
    "ordered-data",
    "warning",
    "Mini-batches stand for the whole: from data in the order of its classes each batch pulls "
    "the weights to one class, and a validation_split cut off the end has classes of its own.",
    "Shuffle inputs and labels together before fit and before any split: "
    "order = rng.permutation(len(x)); x, y = x[order], y[order].",
    cheap=True,
)
def ordered_data(case: Case) -> Evidence | None:
    if case.shuffles:
        return None
    labels = classes(case)
    share = np.bincount(labels) / len(labels)
    expected = float((1 - (share**2).sum()) * (len(labels) - 1)) + 1  # runs, were it shuffled
    runs = int((labels[1:] != labels[:-1]).sum()) + 1
    if runs * RUN > expected or expected < 8:
        return None
    return Evidence(
        f"the labels change {runs - 1:,} times along {len(labels):,} examples; shuffled they "
        f"would about {expected - 1:,.0f} times",
        {"changes": runs - 1, "expected": expected - 1, "examples": len(labels)},
    )


@rule(
    "test-in-train",
    "error",
    "A network may memorize its training rows: on them a test measures memory, not learning.",
    "Remove from the training set every row that is in the test or validation set, and split "
    "before you duplicate or augment.",
    cheap=True,
)
def test_in_train(case: Case) -> Evidence | None:
    data = case.require_data()
    others = {"test": data.test, "validation": data.validation}
    if not any(others.values()):
        raise CannotCheckError("there is no test or validation set")
    train = _rows(data.train)
    known = Counter(train)
    repeated = sum(count for count in known.values() if count > 1) / max(len(train), 1)
    for name, pair in others.items():
        if pair is None:
            continue
        rows = _rows(pair)
        shared = sum(row in known for row in rows)
        share = shared / max(len(rows), 1)
        if shared and share > 2 * repeated + 0.001 * (repeated > 0):
            return Evidence(
                f"{shared:,} of the {len(rows):,} {name} rows are in the training set too",
                {"part": name, "shared": shared, "rows": len(rows), "share": share},
                severity=None if share >= 0.01 else "warning",
            )
    return None


def _rows(pair: Pair) -> list[bytes]:
    """Return a digest of each example's inputs.

    Examples whose inputs are all equal, as those of an empty text, are left out.
    """
    columns = [_flat(array) for array in arrays(pair.x)]
    rows = []
    for index in range(len(pair)):
        values = [column[index] for column in columns]
        if all(_is_blank(value) for value in values):
            continue
        digest = hashlib.blake2b(digest_size=16)
        for value in values:
            digest.update(value.encode() if isinstance(value, str) else value.tobytes())
        rows.append(digest.digest())
    return rows


def _flat(array: np.ndarray) -> Any:
    if array.dtype.kind in TEXTS:
        return [" ".join(map(str, np.ravel(row))) for row in array]
    rows = array.reshape(len(array), -1)
    return np.ascontiguousarray(rows.astype(np.float32) if rows.dtype.kind == "f" else rows)


def _is_blank(value: Any) -> bool:
    return not value.strip() if isinstance(value, str) else bool((value == value[0]).all())


@rule(
    "imbalance",
    "warning",
    "Where one class is rare, a network that never predicts it is nearly always right: accuracy "
    "alone does not show that.",
    'Measure precision and recall too: metrics=["accuracy", keras.metrics.Precision(), '
    "keras.metrics.Recall()]; and give rare classes more weight (class_weight in fit).",
    cheap=True,
)
def imbalance(case: Case) -> Evidence | None:
    names = case.metric_names
    counts = np.bincount(classes(case))
    counts = counts[counts > 0]
    ratio = float(counts.max() / counts.min())
    limit = IMBALANCE if len(counts) == 2 else IMBALANCE_OF_MANY
    alone = bool(names) and all("acc" in name.lower() for name in names)
    if ratio < limit or not alone:
        return None
    share = float(counts.max() / counts.sum())
    return Evidence(
        f"the largest class is {ratio:.3g} times the smallest ({share:.0%} of all), and "
        f"{', '.join(names)} alone is measured",
        {"ratio": ratio, "largest_share": share, "metrics": names},
    )


@rule(
    "batch-size",
    "warning",
    "Each batch is one step of gradient descent: with batches near the size of the data an "
    "epoch is a few steps, however long it takes.",
    "Use batches of 32, 64 or 128, smaller ones for small data.",
    cheap=True,
)
def batch_size(case: Case) -> Evidence | None:
    rows, size = len(case.require_data().train), case.require_batch_size()
    steps = -(-rows // size)
    if steps >= 5 or size <= 16:
        return None
    return Evidence(
        f"batches of {size:,} from {rows:,} examples: {steps} updates per epoch",
        {"batch_size": size, "examples": rows, "updates": steps},
    )
